/**
 * Where frames are put together before they go to a connection, one after the other in a large piece of memory, so that
 * whatever leaves in one turn of the event loop leaves in one write. One for the whole process: putting together never
 * waits.
 */
import { defaultFrameBytes, Flag, frameHeadBytes, FrameType, writeFrameHead } from "./frame.ts";
import { headerBlockBound, type ResponseHead, writeHeaderBlock } from "./header_encoder.ts";

/** A piece of memory, written from its beginning to its end, then again when all that was in it has been sent. */
interface Slab {
  readonly bytes: Uint8Array;
  used: number;
  /** Parts that a connection has not let go of. */
  sending: number;
}

const slabBytes = 256 * 1024;
/** Slabs kept for the next time: touching new memory costs as much as filling it. */
const maxFree = 16;
const free: Slab[] = [];
let slab: Slab = { bytes: new Uint8Array(0), used: 0, sending: 0 };

function nextSlab(bytes: number): void {
  if (slab.sending === 0) keep(slab);
  slab = (bytes > slabBytes ? undefined : free.pop()) ??
    { bytes: new Uint8Array(Math.max(slabBytes, bytes)), used: 0, sending: 0 };
}

function keep(full: Slab): void {
  full.used = 0;
  if (full.bytes.length === slabBytes && free.length < maxFree) free.push(full);
}

export type Sent = (error?: Error | null) => void;

/** A buffer begins with at least this much. */
const leastRoom = 64 * 1024;

export class FrameBuffer {
  #start: number;
  readonly #send: (bytes: Uint8Array, sent: Sent) => void;
  /** Bytes put together so far. */
  length = 0;

  /** `send` is given what was put together, and calls back once nobody reads it any more, or with why it is not known. */
  constructor(send: (bytes: Uint8Array, sent: Sent) => void) {
    if (slab.bytes.length - slab.used < leastRoom) nextSlab(0);
    this.#start = slab.used;
    this.#send = send;
  }

  /** Whether the next large frame would go in another write. */
  get isFull(): boolean {
    return slab.bytes.length - slab.used < frameHeadBytes + defaultFrameBytes;
  }

  /** A whole frame that was made elsewhere. */
  frame(bytes: Uint8Array): void {
    this.#room(bytes.length);
    slab.bytes.set(bytes, slab.used);
    this.#took(bytes.length);
  }

  /** A DATA frame with a part of `content`. */
  data(stream: number, content: Uint8Array, from: number, length: number, end: boolean): void {
    this.#room(frameHeadBytes + length);
    writeFrameHead(slab.bytes, slab.used, length, FrameType.data, end ? Flag.endStream : Flag.none, stream);
    slab.bytes.set(
      from === 0 && length === content.length ? content : content.subarray(from, from + length),
      slab.used + 9,
    );
    this.#took(frameHeadBytes + length);
  }

  head(stream: number, head: ResponseHead, end: boolean): void {
    const bound = headerBlockBound(head);
    const flags = end ? Flag.endStream : Flag.none;
    if (bound > defaultFrameBytes) return this.#longHead(stream, head, flags, bound);
    this.#room(frameHeadBytes + bound);
    const at = writeHeaderBlock(slab.bytes, slab.used + frameHeadBytes, head);
    const length = at - slab.used - frameHeadBytes;
    writeFrameHead(slab.bytes, slab.used, length, FrameType.headers, flags | Flag.endHeaders, stream);
    this.#took(frameHeadBytes + length);
  }

  #longHead(stream: number, head: ResponseHead, flags: number, bound: number): void {
    const block = new Uint8Array(bound);
    const length = writeHeaderBlock(block, 0, head);
    for (let from = 0; from < length; from += defaultFrameBytes) {
      const part = block.subarray(from, Math.min(length, from + defaultFrameBytes));
      const last = from + part.length === length ? Flag.endHeaders : Flag.none;
      this.#room(frameHeadBytes + part.length);
      const type = from === 0 ? FrameType.headers : FrameType.continuation;
      writeFrameHead(slab.bytes, slab.used, part.length, type, (from === 0 ? flags : Flag.none) | last, stream);
      slab.bytes.set(part, slab.used + frameHeadBytes);
      this.#took(frameHeadBytes + part.length);
    }
  }

  /** Hands over what is left. */
  finish(): void {
    const from = slab;
    if (from.used > this.#start) {
      from.sending++;
      this.#send(from.bytes.subarray(this.#start, from.used), (error) => {
        // Of a connection that broke, whoever has the bytes may still look at them: they are never written to again.
        if (!error && --from.sending === 0 && from !== slab) keep(from);
      });
    }
    this.#start = from.used;
  }

  #took(bytes: number): void {
    slab.used += bytes;
    this.length += bytes;
  }

  #room(bytes: number): void {
    if (slab.used + bytes <= slab.bytes.length) return;
    this.finish();
    nextSlab(bytes);
    this.#start = 0;
  }
}
