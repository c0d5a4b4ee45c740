/**
 * Where frames are put together before they go to a connection, one after the other in a large piece of memory, so that
 * whatever leaves in one turn of the event loop leaves in one write. One for the whole process: putting together never
 * waits.
 */
import { defaultFrameBytes, Flag, frameHeadBytes, FrameType, writeFrameHead } from "./frame.ts";
import { headerBlockBound, type ResponseHead, writeHeaderBlock } from "./header_encoder.ts";

const slabBytes = 256 * 1024;
let slab = new Uint8Array(0);
let used = 0;

export class FrameBuffer {
  #start = used;
  readonly #send: (bytes: Uint8Array) => void;
  /** Bytes put together so far. */
  length = 0;

  /** `send` is given what was put together, in as few pieces as can be; they are never written to again. */
  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  /** A whole frame that was made elsewhere. */
  frame(bytes: Uint8Array): void {
    this.#room(bytes.length);
    slab.set(bytes, used);
    this.#took(bytes.length);
  }

  /** A DATA frame with a part of `content`. */
  data(stream: number, content: Uint8Array, from: number, length: number, end: boolean): void {
    this.#room(frameHeadBytes + length);
    writeFrameHead(slab, used, length, FrameType.data, end ? Flag.endStream : Flag.none, stream);
    slab.set(from === 0 && length === content.length ? content : content.subarray(from, from + length), used + 9);
    this.#took(frameHeadBytes + length);
  }

  head(stream: number, head: ResponseHead, end: boolean): void {
    const bound = headerBlockBound(head);
    const flags = end ? Flag.endStream : Flag.none;
    if (bound > defaultFrameBytes) return this.#longHead(stream, head, flags, bound);
    this.#room(frameHeadBytes + bound);
    const at = writeHeaderBlock(slab, used + frameHeadBytes, head);
    const length = at - used - frameHeadBytes;
    writeFrameHead(slab, used, length, FrameType.headers, flags | Flag.endHeaders, stream);
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
      writeFrameHead(slab, used, part.length, type, (from === 0 ? flags : Flag.none) | last, stream);
      slab.set(part, used + frameHeadBytes);
      this.#took(frameHeadBytes + part.length);
    }
  }

  /** Hands over what is left. */
  finish(): void {
    if (used > this.#start) this.#send(slab.subarray(this.#start, used));
    this.#start = used;
  }

  #took(bytes: number): void {
    used += bytes;
    this.length += bytes;
  }

  #room(bytes: number): void {
    if (used + bytes <= slab.length) return;
    this.finish();
    slab = new Uint8Array(Math.max(slabBytes, bytes));
    used = 0;
    this.#start = 0;
  }
}
