/** What is used of the package `ws`, which brings no types of its own. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export interface WebSocket {
  readonly protocol: string;
  readonly isPaused: boolean;
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  on(event: "message", listener: (data: unknown, isBinary: boolean) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "close" | "open", listener: () => void): void;
  send(data: Uint8Array | string, done?: (error?: Error | null) => void): void;
  pause(): void;
  resume(): void;
  close(code?: number): void;
  terminate(): void;
}

interface WebSocketServer {
  on(event: "headers", listener: (lines: string[]) => void): void;
  handleUpgrade(
    request: Pick<IncomingMessage, "method" | "url"> & { headers: Readonly<Record<string, unknown>> },
    socket: Duplex,
    head: Uint8Array,
    done: (socket: WebSocket) => void,
  ): void;
}

export interface WebSocketPackage {
  readonly WebSocketServer: new (options: {
    noServer: true;
    clientTracking: boolean;
    maxPayload: number;
    perMessageDeflate: boolean;
  }) => WebSocketServer;
  readonly WebSocket: new (
    url: string,
    protocols: readonly string[],
    options?: {
      ca?: string;
      headers?: Record<string, string>;
      cert?: string;
      key?: string;
      /** In ms. */
      handshakeTimeout?: number;
    },
  ) => WebSocket;
  createWebSocketStream(socket: WebSocket): Duplex;
}

/** Loaded when the first upgrade comes. */
export async function webSocketPackage(): Promise<WebSocketPackage> {
  return await import("ws") as unknown as WebSocketPackage;
}
