/** A response of node's HTTP/1.1 server, as the application sees it; and how a `Response` is sent, by either version. */
import type { Writable } from "node:stream";
import type { RawResponse } from "./environment.ts";
import { readyToSend, type ResponseHeaders } from "./light_response.ts";

/** A response that the listener sends. */
export interface OwnResponse extends RawResponse {
  readonly begun: boolean;
  /** Sends all of it at once; undefined: no body, though `headers` may tell its length. */
  send(status: number, headers: ResponseHeaders, content: Uint8Array | undefined): void;
}

/** What is needed of node's response. */
export interface OutgoingResponse extends Writable {
  writeHead(status: number, headers: Record<string, string | string[]>): unknown;
  readonly headersSent: boolean;
}

export class NodeRawResponse implements OwnResponse {
  readonly #response: OutgoingResponse;
  readonly #draining: Set<() => void>;
  readonly #closeCallbacks: (() => void)[] = [];
  #onDraining: (() => void) | undefined;
  #drainHooked = false;
  #drainCallback: (() => void) | undefined;
  #closed = false;
  #begun = false;

  /** `draining` is the server's set of those who want to know that it is about to stop. */
  constructor(response: OutgoingResponse, draining: Set<() => void>) {
    this.#response = response;
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
    return this.#response.writableLength ?? 0;
  }

  begin(status: number, headers: ResponseHeaders): void {
    this.#begun = true;
    if (!this.#closed) this.#response.writeHead(status, { ...headers });
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#closed) return false;
    return this.#response.write(chunk);
  }

  send(status: number, headers: ResponseHeaders, content: Uint8Array | undefined): void {
    this.begin(status, headers);
    if (!this.#closed) this.#response.end(content);
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
    if (!this.#closed) this.#response.end();
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
export function sendResponse(response: Response, raw: OwnResponse, head: boolean): Promise<void> | undefined {
  const ready = readyToSend(response);
  if (ready === undefined) return sendStream(response, raw, head);
  const { status, sent, content } = ready;
  raw.send(status, { ...sent, "content-length": String(content.length) }, head ? undefined : content);
  return undefined;
}

async function sendStream(response: Response, raw: OwnResponse, head: boolean): Promise<void> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of response.headers) {
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else headers[name] = typeof before === "string" ? [before, value] : [...before, value];
  }
  const { status, body } = response;
  if (body === null || head) {
    await body?.cancel();
    return raw.send(status, headers, undefined);
  }
  const reader = body.getReader();
  const first = await reader.read();
  if (first.done) return raw.send(status, { "content-length": "0", ...headers }, undefined);
  // Nearly every body is one chunk, and one that is whole needs its length: so look one further before the head is sent,
  // but not longer than the chunk after is already there (a stream must not be held back).
  const second = reader.read();
  const known = await Promise.race([second, soon()]);
  if (known !== undefined && known.done) {
    return raw.send(status, { "content-length": String(first.value.length), ...headers }, first.value);
  }
  raw.begin(status, headers);
  let room = Promise.withResolvers<void>();
  raw.onDrain(() => room.resolve());
  raw.onClose(() => {
    room.resolve();
    void reader.cancel().catch(() => {});
  });
  let chunk: ReadableStreamReadResult<Uint8Array> = first;
  let next: Promise<ReadableStreamReadResult<Uint8Array>> = second;
  try {
    while (!chunk.done && !raw.closed) {
      room = Promise.withResolvers();
      if (!raw.write(chunk.value) && !raw.closed) await room.promise;
      chunk = await next;
      if (!chunk.done) next = reader.read();
    }
    raw.end();
  } catch {
    // The body failed after its head was sent: only a broken connection says so.
    raw.destroy();
  }
}

function soon(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}
