/**
 * Channels over one WebSocket: the subprotocols `channel.k8s.io`, `v4.channel.k8s.io`, `v5.channel.k8s.io` and their
 * base64 forms. A message is a channel's number and bytes of that channel; in v5 the message (255, number) ends a channel.
 */
import { Buffer } from "node:buffer";
import type { WebSocket } from "./web_socket.ts";

export interface ChannelProtocol {
  /** Bytes as text: for clients in browsers of long ago. */
  readonly base64: boolean;
  /** The message 255 ends a channel of the client's. */
  readonly halfClose: boolean;
}

export const channelProtocols: Readonly<Record<string, ChannelProtocol>> = {
  "": { base64: false, halfClose: false },
  "channel.k8s.io": { base64: false, halfClose: false },
  "base64.channel.k8s.io": { base64: true, halfClose: false },
  "v4.channel.k8s.io": { base64: false, halfClose: false },
  "v4.base64.channel.k8s.io": { base64: true, halfClose: false },
  "v5.channel.k8s.io": { base64: false, halfClose: true },
};

const closeChannel = 255;
/** Bytes received and not yet read, above which nothing more is read from the connection. */
const mostUnread = 1 << 20;

interface Incoming {
  readonly readable: ReadableStream<Uint8Array>;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  over: boolean;
}

export class ChannelSocket {
  readonly #socket: WebSocket;
  readonly #protocol: ChannelProtocol;
  readonly #incoming = new Map<number, Incoming>();
  readonly #unread = new Map<number, number>();
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  #over = false;

  constructor(socket: WebSocket, protocol: ChannelProtocol) {
    this.#socket = socket;
    this.#protocol = protocol;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    socket.on("message", (data: unknown) => this.#received(bytesOf(data)));
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      this.#over = true;
      for (const channel of this.#incoming.values()) finish(channel);
      closed.resolve();
    });
  }

  /** What the peer sends on a channel. Channels that nobody asked for are passed over. */
  readable(channel: number): ReadableStream<Uint8Array> {
    const known = this.#incoming.get(channel);
    if (known !== undefined) return known.readable;
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const readable = new ReadableStream<Uint8Array>({
      start(own) {
        controller = own;
      },
      pull: () => this.#wasRead(channel),
      cancel: () => {
        incoming.over = true;
        this.#unread.delete(channel);
        this.#resume();
      },
    }, { highWaterMark: mostUnread, size: (chunk) => chunk.length });
    const incoming: Incoming = { readable, controller: controller!, over: false };
    this.#incoming.set(channel, incoming);
    if (this.#over) finish(incoming);
    return readable;
  }

  /** Bytes for the peer. Closing it says nothing to the peer: no version of the protocol has a word for that. */
  writable(channel: number): WritableStream<Uint8Array> {
    return new WritableStream({ write: (chunk) => this.send(channel, chunk) });
  }

  /** Resolves when the bytes have gone out. */
  send(channel: number, chunk: Uint8Array): Promise<void> {
    const message = this.#protocol.base64
      ? String.fromCharCode(48 + channel) + Buffer.from(chunk).toString("base64")
      : Buffer.concat([Buffer.from([channel]), chunk]);
    return new Promise((resolve, reject) => {
      this.#socket.send(message, (error) => error === undefined || error === null ? resolve() : reject(error));
    });
  }

  close(): void {
    this.#socket.close(1000);
  }

  #received(message: Buffer): void {
    if (message.length === 0) return;
    const { base64, halfClose } = this.#protocol;
    const number = base64 ? message[0]! - 48 : message[0]!;
    if (halfClose && number === closeChannel) {
      const ended = this.#incoming.get(message[1] ?? closeChannel);
      if (ended !== undefined) finish(ended);
      return;
    }
    const channel = this.#incoming.get(number);
    const payload = base64 ? Buffer.from(message.subarray(1).toString("latin1"), "base64") : message.subarray(1);
    if (channel === undefined || channel.over || payload.length === 0) return;
    channel.controller.enqueue(new Uint8Array(payload));
    if ((channel.controller.desiredSize ?? 0) <= 0) {
      this.#unread.set(number, payload.length);
      this.#socket.pause();
    }
  }

  #wasRead(channel: number): void {
    this.#unread.delete(channel);
    this.#resume();
  }

  #resume(): void {
    if (this.#unread.size === 0 && this.#socket.isPaused) this.#socket.resume();
  }
}

function finish(channel: Incoming): void {
  if (channel.over) return;
  channel.over = true;
  channel.controller.close();
}

function bytesOf(data: unknown): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data as Uint8Array[]);
  return Buffer.isBuffer(data) ? data : Buffer.from(data as ArrayBuffer);
}
