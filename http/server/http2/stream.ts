/**
 * One request of an HTTP/2 connection and its response. What the application writes waits here until the connection has
 * room and the peer's windows allow it; what the peer sends waits until the application reads.
 */
import type { RawResponse } from "../environment.ts";
import type { BodySink, IncomingRequest } from "../incoming_request.ts";
import type { ResponseHeaders } from "../light_response.ts";
import { ErrorCode } from "./frame.ts";
import type { FrameBuffer } from "./frame_buffer.ts";
import type { Outgoing } from "./outgoing.ts";
import type { RequestHead } from "./request_head.ts";

/** What a stream needs of its session. */
export interface StreamOwner {
  readonly outgoing: Outgoing;
  /** So many bytes of the body were taken; more may come. */
  consumed(stream: ServerStream, bytes: number): void;
  /** Breaks the stream off. */
  reset(stream: ServerStream, code: ErrorCode): void;
}

/** Why `fill` stopped. */
export const enum Filled {
  /** There is more, for when other streams have had their turn. */
  turn,
  /** The connection's window is used up. */
  connectionWindow,
  /** Nothing that could be sent. */
  nothing,
  /** The response is over. */
  ended,
}

/** So many bytes a stream sends before others have their turn. */
const turnBytes = 64 * 1024;
/** More than this waiting here, and the application is asked to wait. */
const patientBytes = 64 * 1024;

const encoder = new TextEncoder();

interface Head {
  readonly status: number;
  readonly headers: ResponseHeaders;
}

export class ServerStream implements RawResponse, IncomingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: RequestHead["headers"];
  /** Of the request's body, when it was announced. */
  readonly contentLength: number | undefined;
  readonly id: number;
  /** What the peer lets us send, and what we let the peer send. */
  sendWindow: number;
  receiveWindow: number;
  /** The connection looks after it. */
  isReady = false;
  /** The peer has sent everything. */
  remoteEnded = false;
  received = 0;
  /** Of it: not yet given back to the peer as window. */
  unreported = 0;
  closed = false;
  begun = false;
  readonly #owner: StreamOwner;
  readonly #draining: Set<() => void>;
  #head: Head | undefined;
  #mustContinue: boolean;
  #queue: Uint8Array[] = [];
  #first = 0;
  /** Of the first in the queue: how much has been sent. */
  #sent = 0;
  #unsent = 0;
  #ended = false;
  #sink: BodySink | undefined;
  #held: Uint8Array[] | undefined;
  #behind = false;
  #onDrain: (() => void) | undefined;
  #onDraining: (() => void) | undefined;
  #onClose: (() => void)[] = [];

  constructor(
    owner: StreamOwner,
    id: number,
    head: RequestHead,
    windows: { readonly send: number; readonly receive: number },
    draining: Set<() => void>,
  ) {
    this.#owner = owner;
    this.id = id;
    this.method = head.method;
    this.url = head.path;
    this.headers = head.headers;
    this.contentLength = head.contentLength;
    this.#mustContinue = head.headers["expect"] === "100-continue";
    this.sendWindow = windows.send;
    this.receiveWindow = windows.receive;
    this.#draining = draining;
  }

  // The request's body.

  receive(sink: BodySink): void {
    if (this.closed) return sink.gone();
    this.#sink = sink;
    if (this.#mustContinue && !this.begun && !this.remoteEnded) this.#owner.outgoing.wants(this);
    else this.#mustContinue = false;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const chunk of held) {
      this.#owner.consumed(this, chunk.length);
      sink.data(chunk);
    }
    if (this.remoteEnded) sink.end();
  }

  /** The peer sent a part of the body. */
  tookData(chunk: Uint8Array): void {
    this.received += chunk.length;
    if (this.#sink === undefined) (this.#held ??= []).push(chunk);
    else {
      this.#owner.consumed(this, chunk.length);
      this.#sink.data(chunk);
    }
  }

  tookEnd(): void {
    this.remoteEnded = true;
    this.#sink?.end();
  }

  // The response.

  get unsentBytes(): number {
    return this.#unsent;
  }

  begin(status: number, headers: ResponseHeaders): void {
    if (this.begun || this.closed) return;
    this.begun = true;
    this.#mustContinue = false;
    this.#head = { status, headers };
    this.#owner.outgoing.wants(this);
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.closed || this.#ended) return false;
    const bytes = typeof chunk === "string" ? encoder.encode(chunk) : chunk;
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#unsent += bytes.length;
      this.#owner.outgoing.wants(this);
    }
    if (this.#unsent < patientBytes) return true;
    this.#behind = true;
    return false;
  }

  end(): void {
    if (this.closed || this.#ended) return;
    this.#ended = true;
    this.#owner.outgoing.wants(this);
  }

  send(status: number, headers: ResponseHeaders, content: Uint8Array | undefined): void {
    this.begin(status, headers);
    if (content !== undefined && content.length > 0 && !this.closed) {
      this.#queue.push(content);
      this.#unsent += content.length;
    }
    this.end();
  }

  destroy(): void {
    if (!this.closed) this.#owner.reset(this, ErrorCode.internalError);
  }

  onDrain(callback: () => void): void {
    this.#onDrain = callback;
  }

  onClose(callback: () => void): void {
    if (this.closed) callback();
    else this.#onClose.push(callback);
  }

  onDraining(callback: () => void): void {
    if (this.closed) return;
    if (this.#onDraining !== undefined) this.#draining.delete(this.#onDraining);
    this.#onDraining = callback;
    this.#draining.add(callback);
  }

  // For the connection.

  /** Puts together what may be sent now. */
  fill(frames: FrameBuffer): Filled {
    const { outgoing } = this.#owner;
    if (this.#mustContinue && this.#head === undefined) {
      this.#mustContinue = false;
      frames.head(this.id, { status: 100, headers: {}, date: "", first: outgoing.firstHead() }, false);
    }
    if (this.#head !== undefined) {
      const { status, headers } = this.#head;
      this.#head = undefined;
      const isAll = this.#ended && this.#unsent === 0;
      frames.head(this.id, { status, headers, date: outgoing.date(), first: outgoing.firstHead() }, isAll);
      if (isAll) return Filled.ended;
    } else if (this.#ended && this.#unsent === 0) {
      frames.data(this.id, empty, 0, 0, true);
      return Filled.ended;
    }
    let left = turnBytes;
    while (this.#unsent > 0) {
      if (this.sendWindow <= 0) return Filled.nothing;
      if (outgoing.window <= 0) return Filled.connectionWindow;
      if (left <= 0 || frames.isFull) return Filled.turn;
      const content = this.#queue[this.#first]!;
      const length = Math.min(content.length - this.#sent, this.sendWindow, outgoing.window, outgoing.maxFrameBytes);
      const last = this.#ended && length === this.#unsent;
      frames.data(this.id, content, this.#sent, length, last);
      this.#took(content, length);
      outgoing.window -= length;
      left -= length;
      if (last) return Filled.ended;
    }
    return Filled.nothing;
  }

  #took(content: Uint8Array, length: number): void {
    this.sendWindow -= length;
    this.#unsent -= length;
    this.#sent += length;
    if (this.#sent < content.length) return;
    this.#sent = 0;
    this.#first++;
    if (this.#first < this.#queue.length) return;
    this.#queue = [];
    this.#first = 0;
  }

  /** Whether the application was asked to wait and need not any more; the next thing is to call `drained`. */
  get hasDrained(): boolean {
    return this.#behind && this.#unsent === 0 && !this.#ended;
  }

  get hasWork(): boolean {
    return this.#head !== undefined || this.#unsent > 0 || this.#ended || this.#mustContinue;
  }

  drained(): void {
    this.#behind = false;
    this.#onDrain?.();
  }

  /** The response has ended, or there is nobody for it. */
  wasClosed(): void {
    if (this.closed) return;
    this.closed = true;
    this.#queue = [];
    this.#held = undefined;
    this.#head = undefined;
    this.#unsent = 0;
    if (this.#onDraining !== undefined) this.#draining.delete(this.#onDraining);
    if (!this.remoteEnded) this.#sink?.gone();
    const callbacks = this.#onClose;
    this.#onClose = [];
    for (const callback of callbacks) callback();
  }
}

const empty = new Uint8Array(0);
