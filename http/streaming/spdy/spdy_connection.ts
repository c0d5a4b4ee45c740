/**
 * A SPDY/3.1 connection over any byte stream: an upgraded socket, or the messages of a WebSocket.
 *
 * Flow control: the windows of SPDY/3.1 are kept for what we receive (the peer is told what was read). What we send is
 * held to the peer's windows only once the peer has shown that it keeps them, by a WINDOW_UPDATE or SETTINGS: the
 * clients of Kubernetes never send either, and would otherwise be waited for for ever after 64 KiB. The byte stream below
 * holds back both.
 */
import type { Duplex } from "node:stream";
import { encodeFrame, type Frame, FrameReader } from "./frames.ts";
import { HeaderDecoder, HeaderEncoder, type Headers } from "./header_blocks.ts";
import { SpdyStream, type StreamOwner } from "./spdy_stream.ts";

export const resetStatus = {
  protocolError: 1,
  refusedStream: 3,
  cancel: 5,
  internalError: 6,
  streamClosed: 9,
} as const;

export interface SpdyOptions {
  /** "server" answers streams with even numbers of its own, "client" opens odd ones. */
  readonly side: "server" | "client";
  /** A stream the peer opened. It is answered with `reply` or `reset`. */
  onStream?(stream: SpdyStream): void;
  onClose?(): void;
}

const initialWindow = 65_536;
/** Bytes received and not yet read by anybody, above which nothing more is read from the connection. */
const mostUnread = 1 << 20;
const settingsInitialWindow = 7;

export class SpdyConnection implements StreamOwner {
  readonly #socket: Duplex;
  readonly #options: SpdyOptions;
  readonly #reader = new FrameReader();
  readonly #encoder = new HeaderEncoder();
  readonly #decoder = new HeaderDecoder();
  readonly #streams = new Map<number, SpdyStream>();
  #nextStream: number;
  #lastPeerStream = 0;
  #closed = false;
  #unread = 0;
  #unacknowledged = 0;
  #peerKeepsWindows = false;
  #sendWindow = initialWindow;
  #initialSendWindow = initialWindow;
  /** Frames are carried out one after the other: header blocks are decoded asynchronously and share a state. */
  #work: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];

  constructor(socket: Duplex, options: SpdyOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#nextStream = options.side === "client" ? 1 : 2;
    socket.on("data", (chunk: Uint8Array) => this.#received(chunk));
    socket.on("error", () => this.close());
    socket.on("end", () => void this.#work.then(() => this.close()));
    socket.on("close", () => void this.#work.then(() => this.close()));
    socket.on("drain", () => this.#wake());
  }

  get closed(): boolean {
    return this.#closed;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Bytes that were read from the socket before it was ours. */
  unshift(head: Uint8Array): void {
    if (head.length > 0) this.#received(head);
  }

  open(headers: Headers, options: { readonly fin?: boolean } = {}): SpdyStream {
    if (this.#closed) throw new Error("Cannot open a stream: the connection is closed");
    const id = this.#nextStream;
    this.#nextStream += 2;
    const fin = options.fin ?? false;
    const stream = new SpdyStream(this, id, {}, { localFin: fin, remoteFin: false, window: this.#initialSendWindow });
    this.#streams.set(id, stream);
    const block = this.#encoder.encode(headers);
    this.#send({ type: "synStream", stream: id, associated: 0, priority: 0, fin, unidirectional: false, block });
    return stream;
  }

  ping(id: number): void {
    this.#send({ type: "ping", id });
  }

  /** Says good-bye and ends the connection after what is queued. */
  close(): void {
    if (this.#closed) return;
    this.#send({ type: "goAway", lastStream: this.#lastPeerStream, status: 0 });
    this.#closed = true;
    for (const stream of [...this.#streams.values()]) stream.connectionClosed();
    this.#streams.clear();
    this.#decoder.close();
    this.#wake();
    if (!this.#socket.destroyed) this.#socket.end();
    this.#options.onClose?.();
  }

  // What streams ask of their connection.

  sendReply(stream: number, headers: Headers): void {
    this.#send({ type: "synReply", stream, fin: false, block: this.#encoder.encode(headers) });
  }

  sendReset(stream: number, status: number): void {
    this.#send({ type: "rstStream", stream, status });
  }

  /** How many bytes of a stream with this window may go out now. */
  allowance(window: number): number {
    if (!this.#peerKeepsWindows) return Number.MAX_SAFE_INTEGER;
    return Math.max(0, Math.min(window, this.#sendWindow));
  }

  sendData(stream: number, payload: Uint8Array, fin: boolean): boolean {
    this.#sendWindow -= payload.length;
    return this.#send({ type: "data", stream, payload, fin });
  }

  /** Resolves when something changed that may let data out: a window, the socket, the end. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#closed ? resolve() : this.#waiting.push(resolve));
  }

  wasRead(stream: SpdyStream, bytes: number): void {
    this.#unread -= bytes;
    this.#unacknowledged += bytes;
    if (!this.#closed) {
      const own = stream.acknowledge(bytes, initialWindow / 2);
      if (own > 0) this.#send({ type: "windowUpdate", stream: stream.id, delta: own });
      if (this.#unacknowledged >= initialWindow / 2) {
        this.#send({ type: "windowUpdate", stream: 0, delta: this.#unacknowledged });
        this.#unacknowledged = 0;
      }
    }
    if (this.#unread < mostUnread && this.#socket.isPaused()) this.#socket.resume();
  }

  forget(stream: number): void {
    this.#streams.delete(stream);
  }

  #send(frame: Frame): boolean {
    if (this.#closed || this.#socket.destroyed || this.#socket.writableEnded) return true;
    return this.#socket.write(encodeFrame(frame));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #received(chunk: Uint8Array): void {
    this.#work = this.#work.then(async () => {
      if (this.#closed) return;
      try {
        for (const frame of this.#reader.push(chunk)) await this.#handle(frame);
      } catch {
        // What cannot be read once cannot be read on: there is no way back into step with the peer.
        this.#send({ type: "goAway", lastStream: this.#lastPeerStream, status: 1 });
        this.#socket.destroy();
        this.close();
      }
    });
  }

  async #handle(frame: Frame): Promise<void> {
    switch (frame.type) {
      case "synStream": {
        const headers = await this.#decoder.decode(frame.block);
        this.#lastPeerStream = Math.max(this.#lastPeerStream, frame.stream);
        const { fin: remoteFin, unidirectional: localFin } = frame;
        const stream = new SpdyStream(this, frame.stream, headers, {
          localFin,
          remoteFin,
          window: this.#initialSendWindow,
        });
        if (this.#streams.has(frame.stream) || this.#options.onStream === undefined) {
          return this.sendReset(frame.stream, resetStatus.protocolError);
        }
        this.#streams.set(frame.stream, stream);
        return this.#options.onStream(stream);
      }
      case "synReply":
      case "headers": {
        const headers = await this.#decoder.decode(frame.block);
        this.#streams.get(frame.stream)?.answered(headers, frame.fin);
        return;
      }
      case "data": {
        const stream = this.#streams.get(frame.stream);
        if (stream === undefined) {
          // Its reader is gone; the window it took is free again.
          this.#unacknowledged += frame.payload.length;
          return;
        }
        this.#unread += frame.payload.length;
        stream.received(frame.payload, frame.fin);
        if (this.#unread >= mostUnread) this.#socket.pause();
        return;
      }
      case "rstStream":
        return this.#streams.get(frame.stream)?.wasReset();
      case "ping":
        // Numbers of our own parity are answers to our pings.
        if (frame.id % 2 !== this.#nextStream % 2) this.#send(frame);
        return;
      case "goAway":
        return;
      case "settings":
        for (const { id, value } of frame.entries) {
          if (id !== settingsInitialWindow) continue;
          this.#peerKeepsWindows = true;
          for (const stream of this.#streams.values()) stream.window += value - this.#initialSendWindow;
          this.#initialSendWindow = value;
        }
        return this.#wake();
      case "windowUpdate": {
        this.#peerKeepsWindows = true;
        if (frame.stream === 0) this.#sendWindow += frame.delta;
        const stream = this.#streams.get(frame.stream);
        if (stream !== undefined) stream.window += frame.delta;
        return this.#wake();
      }
      case "unknown":
        return;
    }
  }
}
