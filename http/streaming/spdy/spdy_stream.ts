/** One stream of a SPDY connection: headers, and bytes both ways, each of which ends on its own. */
import type { Headers } from "./header_blocks.ts";

/** What a stream needs of its connection. */
export interface StreamOwner {
  sendReply(stream: number, headers: Headers): void;
  sendReset(stream: number, status: number): void;
  allowance(window: number): number;
  sendData(stream: number, payload: Uint8Array, fin: boolean): boolean;
  changed(): Promise<void>;
  wasRead(stream: SpdyStream, bytes: number): void;
  forget(stream: number): void;
  readonly closed: boolean;
}

const largestPayload = 32_768;

export class SpdyStream {
  readonly id: number;
  /** What the peer sent when it opened the stream. */
  readonly headers: Headers;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** The peer's answer to a stream of ours. Rejected when it was refused. */
  readonly reply: Promise<Headers>;
  /** How much the peer still takes. */
  window: number;
  readonly #owner: StreamOwner;
  readonly #answer = Promise.withResolvers<Headers>();
  readonly #unread: Uint8Array[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #pulled: (() => void) | undefined;
  #unacknowledged = 0;
  #localFin: boolean;
  #remoteFin: boolean;
  #over = false;
  #reading = true;

  constructor(
    owner: StreamOwner,
    id: number,
    headers: Headers,
    state: { readonly localFin: boolean; readonly remoteFin: boolean; readonly window: number },
  ) {
    this.#owner = owner;
    this.id = id;
    this.headers = headers;
    this.window = state.window;
    this.#localFin = state.localFin;
    this.#remoteFin = state.remoteFin;
    this.reply = this.#answer.promise;
    this.reply.catch(() => {});
    this.readable = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.#stopReading(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream({
      write: (chunk) => this.#write(chunk),
      close: () => this.#finish(),
      abort: () => this.reset(5),
    });
  }

  /** Accepts a stream that the peer opened. */
  accept(headers: Headers = {}): void {
    this.#owner.sendReply(this.id, headers);
  }

  /** Ends both directions at once. */
  reset(status: number): void {
    if (this.#over) return;
    this.#owner.sendReset(this.id, status);
    this.#end(new Error(`Cannot go on: the stream ${this.id} was reset`));
  }

  answered(headers: Headers, fin: boolean): void {
    this.#answer.resolve(headers);
    if (fin) this.#remoteFinished();
  }

  received(payload: Uint8Array, fin: boolean): void {
    if (payload.length > 0) {
      if (this.#reading && !this.#over) this.#unread.push(payload);
      else this.#owner.wasRead(this, payload.length);
    }
    if (fin) this.#remoteFin = true;
    this.#pulled?.();
    if (fin) this.#remoteFinished();
  }

  wasReset(): void {
    this.#end(new Error(`Cannot go on: the peer reset stream ${this.id}`));
  }

  /** The connection ended: what came is still to be read, and then the end, as on a socket. */
  connectionClosed(): void {
    this.#answer.reject(new Error(`Cannot open stream ${this.id}: the connection was closed`));
    this.#localFin = true;
    this.#remoteFinished();
    this.#over = true;
  }

  /** Bytes to be acknowledged now, once `enough` were read; 0 before. */
  acknowledge(bytes: number, enough: number): number {
    this.#unacknowledged += bytes;
    if (this.#unacknowledged < enough || this.#remoteFin) return 0;
    const due = this.#unacknowledged;
    this.#unacknowledged = 0;
    return due;
  }

  async #pull(): Promise<void> {
    while (this.#unread.length === 0 && !this.#remoteFin && !this.#over) {
      await new Promise<void>((resolve) => this.#pulled = resolve);
    }
    this.#pulled = undefined;
    const chunk = this.#unread.shift();
    if (chunk !== undefined && this.#reading) {
      this.#controller?.enqueue(new Uint8Array(chunk));
      this.#owner.wasRead(this, chunk.length);
    }
    this.#closeIfRead();
  }

  #remoteFinished(): void {
    this.#remoteFin = true;
    this.#pulled?.();
    this.#closeIfRead();
    this.#forgetIfOver();
  }

  #closeIfRead(): void {
    if (!this.#remoteFin || this.#unread.length > 0 || !this.#reading) return;
    this.#reading = false;
    this.#controller?.close();
  }

  #stopReading(): void {
    this.#reading = false;
    for (const chunk of this.#unread.splice(0)) this.#owner.wasRead(this, chunk.length);
  }

  async #write(chunk: Uint8Array): Promise<void> {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#over || this.#localFin || this.#owner.closed) {
        throw new Error(`Cannot write: the stream ${this.id} is closed`);
      }
      const size = Math.min(largestPayload, chunk.length - offset, this.#owner.allowance(this.window));
      if (size === 0) {
        await this.#owner.changed();
        continue;
      }
      this.window -= size;
      const flowing = this.#owner.sendData(this.id, chunk.subarray(offset, offset + size), false);
      offset += size;
      if (!flowing) await this.#owner.changed();
    }
  }

  #finish(): void {
    if (this.#localFin || this.#over) return;
    this.#localFin = true;
    this.#owner.sendData(this.id, new Uint8Array(), true);
    this.#forgetIfOver();
  }

  #forgetIfOver(): void {
    if (!this.#localFin || !this.#remoteFin) return;
    this.#over = true;
    this.#owner.forget(this.id);
  }

  #end(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#answer.reject(error);
    for (const chunk of this.#unread.splice(0)) this.#owner.wasRead(this, chunk.length);
    this.#pulled?.();
    if (this.#reading) {
      this.#reading = false;
      this.#controller?.error(error);
    }
    this.#owner.forget(this.id);
  }
}
