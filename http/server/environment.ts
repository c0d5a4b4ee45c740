/**
 * What the listener gives the application beside a `Request`: who is at the other end, the response itself for those who
 * stream, and the connection for those who upgrade it. `app.fetch(request, environment)`.
 */
import type { Duplex } from "node:stream";
import type { RequestAudit } from "../audit/audited_requests.ts";
import type { Credentials } from "../machinery/types.ts";
import type { ResponseHeaders } from "./light_response.ts";

/**
 * The response of one request, written to directly: for watches and logs (a ReadableStream costs a third of the
 * throughput) and for answers whose bytes are already there. Who begins it returns `answered` from the application.
 */
export interface RawResponse {
  /** Sends status and headers. A response without `content-length` lasts until `end`. */
  begin(status: number, headers: ResponseHeaders): void;
  /** Queues bytes; never waits. False when the peer is behind: look at `unsentBytes` and `onDrain`. */
  write(chunk: Uint8Array | string): boolean;
  /** Bytes queued here and not yet handed to the connection. */
  readonly unsentBytes: number;
  readonly closed: boolean;
  /** Called each time the queue has run empty after `write` said false. */
  onDrain(callback: () => void): void;
  /** Called once, when the response has ended or the peer is gone. At once when that is already so. */
  onClose(callback: () => void): void;
  /**
   * Called when the server begins to drain: a response that lasts (a watch) should end soon; those that did not register
   * here are waited for.
   */
  onDraining(callback: () => void): void;
  /** Orderly end of the body. */
  end(): void;
  /** Breaks the response off, so that the peer does not take it for whole. */
  destroy(): void;
}

/** The connection of a request that asked for `Upgrade`. Who takes it returns `answered` and owns the socket. */
export interface UpgradeOffer {
  /** The `Upgrade` header in lower case: `websocket`, `spdy/3.1`. */
  readonly protocol: string;
  /** The request line's target and the headers as they came, for passing the request on. */
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  /** Header name in lower case to value, as node gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The socket and what was already read from it. After this call nobody else touches the connection. */
  take(): { readonly socket: Duplex; readonly head: Uint8Array };
}

export interface ServerEnvironment {
  readonly credentials: Credentials;
  /** Header name in lower case to value, as node gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly raw: RawResponse;
  readonly upgrade?: UpgradeOffer;
  readonly remoteAddress: string;
  readonly httpVersion: string;
  /** Where there is an audit log. */
  readonly audit?: RequestAudit;
}

/** What an application returns that has answered through `raw` or taken the connection. Never sent. */
export const answered: Response = new Response(null, { status: 204 });

/** Bytes of a request body that are accepted at most (kube-apiserver's limit). */
export const maxRequestBytes = 3 * 1024 * 1024;
