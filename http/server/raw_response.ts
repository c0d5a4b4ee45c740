/** A response of node's, as the application sees it. One class for HTTP/1.1 and HTTP/2: node's compatibility layer. */
import type { ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import type { RawResponse } from "./environment.ts";
import { readyToSend, type ResponseHeaders } from "./light_response.ts";

/** What is needed of node's response. */
export interface OutgoingResponse extends Writable {
  writeHead(status: number, headers: Record<string, string | string[]>): unknown;
  readonly headersSent: boolean;
  /** Of HTTP/2. */
  readonly stream?: ServerHttp2Stream;
}

export class NodeRawResponse implements RawResponse {
  readonly #response: OutgoingResponse;
  readonly #draining: Set<() => void>;
  readonly #closeCallbacks: (() => void)[] = [];
  #onDraining: (() => void) | undefined;
  #drainHooked = false;
  #drainCallback: (() => void) | undefined;
  /** Where bytes go: over HTTP/2 the stream itself, since the compatibility layer costs as much again as a write. */
  #body: Writable;
  #closed = false;
  #begun = false;

  /** `draining` is the server's set of those who want to know that it is about to stop. */
  constructor(response: OutgoingResponse, draining: Set<() => void>) {
    this.#response = response;
    this.#body = response;
    this.#draining = draining;
    response.on("close", () => this.#wasClosed());
    response.on("error", () => this.#wasClosed());
  }

  get closed(): boolean {
    return this.#closed;
  }

  get begun(): boolean {
    return this.#begun;
  }

  get unsentBytes(): number {
    return this.#body.writableLength ?? 0;
  }

  begin(status: number, headers: ResponseHeaders): void {
    this.#begun = true;
    if (this.#closed) return;
    const { stream } = this.#response;
    if (stream === undefined) this.#response.writeHead(status, { ...headers });
    else {
      stream.respond({ ":status": status, ...headers });
      this.#body = stream;
    }
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#closed) return false;
    return this.#body.write(chunk);
  }

  onDrain(callback: () => void): void {
    this.#drainCallback = callback;
    if (this.#drainHooked) return;
    this.#drainHooked = true;
    this.#response.on("drain", () => this.#drainCallback?.());
  }

  onClose(callback: () => void): void {
    if (this.#closed) callback();
    else this.#closeCallbacks.push(callback);
  }

  onDraining(callback: () => void): void {
    if (this.#closed) return;
    if (this.#onDraining !== undefined) this.#draining.delete(this.#onDraining);
    this.#onDraining = callback;
    this.#draining.add(callback);
  }

  end(): void {
    if (!this.#closed) this.#body.end();
  }

  destroy(): void {
    this.#response.destroy();
    this.#wasClosed();
  }

  #wasClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#onDraining !== undefined) this.#draining.delete(this.#onDraining);
    for (const callback of this.#closeCallbacks.splice(0)) callback();
  }
}

/** Sends what the application returned. Done when the promise, if any, resolves. */
export function sendResponse(response: Response, outgoing: OutgoingResponse, head: boolean): Promise<void> | undefined {
  const ready = readyToSend(response);
  if (ready === undefined) return sendStream(response, outgoing, head);
  const { status, sent, content } = ready;
  const headers = { ...sent, "content-length": String(content.length) };
  if (outgoing.stream === undefined) {
    outgoing.writeHead(status, headers);
    outgoing.end(head ? undefined : content);
    return undefined;
  }
  // The compatibility layer would keep every stream open for trailers, which costs a tenth of the throughput.
  outgoing.stream.respond({ ":status": status, ...headers }, { endStream: head });
  if (!head) outgoing.stream.end(content);
  return undefined;
}

async function sendStream(response: Response, outgoing: OutgoingResponse, head: boolean): Promise<void> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of response.headers) {
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else headers[name] = typeof before === "string" ? [before, value] : [...before, value];
  }
  if (response.body === null || head) {
    await response.body?.cancel();
    outgoing.writeHead(response.status, headers);
    outgoing.end();
    return;
  }
  const reader = response.body.getReader();
  const first = await reader.read();
  if (first.done) {
    outgoing.writeHead(response.status, { "content-length": "0", ...headers });
    outgoing.end();
    return;
  }
  // Nearly every body is one chunk, and one that is whole needs its length: so look one further before the head is sent,
  // but not longer than the chunk after is already there (a stream must not be held back).
  const second = reader.read();
  const known = await Promise.race([second, soon()]);
  if (known !== undefined && known.done) {
    outgoing.writeHead(response.status, { "content-length": String(first.value.length), ...headers });
    outgoing.end(first.value);
    return;
  }
  outgoing.writeHead(response.status, headers);
  const stop = () => void reader.cancel().catch(() => {});
  outgoing.on("close", stop);
  let chunk: ReadableStreamReadResult<Uint8Array> = first;
  let next: Promise<ReadableStreamReadResult<Uint8Array>> = second;
  try {
    while (!chunk.done) {
      if (!outgoing.write(chunk.value)) await drained(outgoing);
      chunk = await next;
      if (!chunk.done) next = reader.read();
    }
    outgoing.end();
  } catch {
    // The body failed after its head was sent: only a broken connection says so.
    outgoing.destroy();
  }
}

function soon(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}

function drained(outgoing: OutgoingResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
}
