/**
 * What a session sends. Everything that its streams have to say in one turn of the event loop leaves in one write; frames
 * of a stream whose window or whose connection is full wait in the stream.
 */
import { nextTick } from "node:process";
import { defaultFrameBytes, defaultWindow, ErrorCode, Flag, FrameType, numbersFrame } from "./frame.ts";
import { FrameBuffer, type Sent } from "./frame_buffer.ts";
import { Filled, type ServerStream } from "./stream.ts";

/** What is needed of the connection to write to it: of node's TLS socket. */
export interface Writing {
  write(bytes: Uint8Array, sent: Sent): boolean;
  readonly writableLength: number;
}

export interface OutgoingOptions {
  /** What time it is, as HTTP writes it. */
  date(): string;
  /** The last of a response was sent. */
  ended(stream: ServerStream): void;
  /** After something was sent, or could not be. */
  sent(): void;
  /** The peer asks for acknowledgements and reads none. */
  flooded(): void;
}

/** What may be on its way to the socket before streams have to wait. */
const outgoingBytes = 256 * 1024;
/** A peer that reads nothing and asks for so many acknowledgements is not one to wait for. */
const maxControlFrames = 1_000;

/** Those with something to send, looked at once all that this turn of the event loop brings has happened. */
let waiting: Outgoing[] = [];

function flushAll(): void {
  const flushed = waiting;
  waiting = [];
  for (const outgoing of flushed) outgoing.flush();
}

export class Outgoing {
  readonly #connection: Writing;
  readonly #options: OutgoingOptions;
  #control: Uint8Array[] = [];
  #ready: ServerStream[] = [];
  /** Those that wait for the connection's window. */
  #starved: ServerStream[] = [];
  #isWaiting = false;
  #saidHead = false;
  #closed = false;
  /** What the peer lets us send: over all streams, and in one frame. */
  window = defaultWindow;
  maxFrameBytes = defaultFrameBytes;

  constructor(connection: Writing, options: OutgoingOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Whether the next head is the first that the connection sends. */
  firstHead(): boolean {
    const first = !this.#saidHead;
    this.#saidHead = true;
    return first;
  }

  date(): string {
    return this.#options.date();
  }

  /** Whether control frames wait. */
  get isBehind(): boolean {
    return this.#control.length > 0;
  }

  /** The stream has something to send. */
  wants(stream: ServerStream): void {
    if (stream.isReady || this.#closed || stream.closed) return;
    stream.isReady = true;
    this.#ready.push(stream);
    this.schedule();
  }

  /** A control frame: it goes before anything of the streams. */
  say(frame: Uint8Array): void {
    if (this.#closed) return;
    if (this.#control.length >= maxControlFrames) return this.#options.flooded();
    this.#control.push(frame);
    this.schedule();
  }

  /** The peer lets us send more over all streams. */
  widen(by: number): void {
    this.window += by;
    const starved = this.#starved;
    this.#starved = [];
    for (const stream of starved) this.wants(stream);
  }

  schedule(): void {
    if (this.#isWaiting || this.#closed) return;
    this.#isWaiting = true;
    if (waiting.length === 0) nextTick(flushAll);
    waiting.push(this);
  }

  /** Sends what may be sent: control frames, then each stream's share in turn until the connection is full. */
  flush(): void {
    this.#isWaiting = false;
    if (this.#closed) return;
    const already = this.#connection.writableLength;
    if (already >= outgoingBytes) return; // Until it drains.
    let willDrain = false;
    const frames = new FrameBuffer((bytes, sent) => willDrain = !this.#connection.write(bytes, sent));
    for (const frame of this.#control) frames.frame(frame);
    this.#control = [];
    const ready = this.#ready;
    this.#ready = [];
    const later: ServerStream[] = [];
    for (let next = 0; next < ready.length; next++) {
      if (already + frames.length >= outgoingBytes || frames.isFull) {
        this.#ready = ready.slice(next);
        break;
      }
      const stream = ready[next]!;
      const filled = stream.closed ? Filled.nothing : stream.fill(frames);
      if (filled === Filled.turn) {
        ready.push(stream);
        continue;
      }
      stream.isReady = false;
      if (filled === Filled.connectionWindow) this.#starved.push(stream);
      else if (filled === Filled.ended) {
        // The rest of a request that nobody reads need not be sent.
        if (!stream.remoteEnded) frames.frame(numbersFrame(FrameType.reset, Flag.none, stream.id, ErrorCode.noError));
        later.push(stream);
      } else if (stream.hasDrained) later.push(stream);
    }
    frames.finish();
    if (this.#ready.length > 0 && !willDrain) this.schedule();
    // What these bring about may want to send again.
    for (const stream of later) {
      if (stream.closed) continue;
      if (stream.hasDrained) stream.drained();
      else this.#options.ended(stream);
    }
    this.#options.sent();
  }

  close(): void {
    this.#closed = true;
    this.#control = [];
    this.#ready = [];
    this.#starved = [];
  }
}
