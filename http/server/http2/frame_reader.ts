/**
 * Bytes of a client's connection cut into frames whose form is right: lengths, numbers of streams, padding; a header block
 * is whole. What a frame means is the session's.
 */
import { ConnectionFault, defaultFrameBytes, ErrorCode, Flag, frameHeadBytes, FrameType, readUint32 } from "./frame.ts";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  /** Without padding and priority. Of HEADERS: with all that CONTINUATION frames added. */
  readonly payload: Uint8Array;
  /** Of DATA: what it takes of the windows. */
  readonly flowBytes: number;
}

const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const maxBlockBytes = 64 * 1024;
/** Frames of a block: many small ones cost more than they carry. */
const maxBlockFrames = 64;

type Place = "connection" | "stream" | "either";
/** Where a frame belongs, and how long it is when that is fixed. */
const forms: Readonly<Record<number, { readonly place: Place; readonly length?: number }>> = {
  [FrameType.data]: { place: "stream" },
  [FrameType.headers]: { place: "stream" },
  [FrameType.priority]: { place: "stream", length: 5 },
  [FrameType.reset]: { place: "stream", length: 4 },
  [FrameType.settings]: { place: "connection" },
  [FrameType.pushPromise]: { place: "stream" },
  [FrameType.ping]: { place: "connection", length: 8 },
  [FrameType.goAway]: { place: "connection" },
  [FrameType.windowUpdate]: { place: "either", length: 4 },
  [FrameType.continuation]: { place: "stream" },
};

export class FrameReader {
  hasBegun = false;
  readonly #tell: (frame: Frame) => void;
  #rest: Uint8Array = new Uint8Array(0);
  #block: { readonly frame: Frame; readonly parts: Uint8Array[]; bytes: number } | undefined;
  #hasSettings = false;

  constructor(tell: (frame: Frame) => void) {
    this.#tell = tell;
  }

  /** @throws ConnectionFault for what is no frame. */
  read(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.length);
    }
    let at = 0;
    if (!this.hasBegun) {
      for (let index = 0; index < Math.min(bytes.length, preface.length); index++) {
        if (bytes[index] !== preface[index]) throw wrong("Cannot speak anything but HTTP/2 here");
      }
      if (bytes.length >= preface.length) {
        this.hasBegun = true;
        at = preface.length;
      }
    }
    while (this.hasBegun && bytes.length - at >= frameHeadBytes) {
      const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      if (length > defaultFrameBytes) throw wrong(`Cannot take a frame of ${length} bytes`, ErrorCode.frameSizeError);
      const end = at + frameHeadBytes + length;
      if (end > bytes.length) break;
      const stream = readUint32(bytes, at + 5) & 0x7fffffff;
      this.#frame(bytes[at + 3]!, bytes[at + 4]!, stream, bytes.subarray(at + frameHeadBytes, end));
      at = end;
    }
    this.#rest = at === bytes.length ? empty : bytes.subarray(at);
  }

  #frame(type: number, flags: number, stream: number, whole: Uint8Array): void {
    const form = forms[type];
    if (!this.#hasSettings) {
      if (type !== FrameType.settings || (flags & Flag.ack) !== 0) throw wrong("Cannot begin without settings");
      this.#hasSettings = true;
    }
    if (this.#block !== undefined) return this.#continue(type, flags, stream, whole);
    if (form === undefined) return; // An extension that nobody has agreed on.
    if (form.length !== undefined && whole.length !== form.length) throw wrongLength(type, whole);
    if (form.place === "stream" && stream === 0) throw wrong("Cannot take a stream's frame without a stream");
    if (form.place === "connection" && stream !== 0) throw wrong("Cannot take a connection's frame on a stream");
    if (type === FrameType.continuation) throw wrong("Cannot continue a header block that has not begun");
    if (type === FrameType.settings && (whole.length % 6 !== 0 || ((flags & Flag.ack) !== 0 && whole.length > 0))) {
      throw wrongLength(type, whole);
    }
    const frame = { type, flags, stream, payload: content(type, flags, whole), flowBytes: whole.length };
    if (type !== FrameType.headers || (flags & Flag.endHeaders) !== 0) return this.#tell(frame);
    this.#block = { frame, parts: [frame.payload.slice()], bytes: frame.payload.length };
  }

  #continue(type: number, flags: number, stream: number, part: Uint8Array): void {
    const block = this.#block!;
    const { frame, parts } = block;
    if (type !== FrameType.continuation || stream !== frame.stream) {
      throw wrong("Cannot take another frame before the end of a header block");
    }
    parts.push(part.slice());
    block.bytes += part.length;
    if (block.bytes > maxBlockBytes || parts.length > maxBlockFrames) {
      throw wrong("Cannot take so long a header block", ErrorCode.enhanceYourCalm);
    }
    if ((flags & Flag.endHeaders) === 0) return;
    this.#block = undefined;
    const payload = new Uint8Array(block.bytes);
    let at = 0;
    for (const one of parts) {
      payload.set(one, at);
      at += one.length;
    }
    this.#tell({ ...frame, payload });
  }
}

const empty = new Uint8Array(0);

/** What is between the length of the padding and the priority in front, and the padding behind. */
function content(type: number, flags: number, whole: Uint8Array): Uint8Array {
  if (type !== FrameType.data && type !== FrameType.headers) return whole;
  if ((flags & (Flag.padded | Flag.priority)) === 0) return whole;
  let start = 0, end = whole.length;
  if ((flags & Flag.padded) !== 0) {
    start = 1;
    end -= whole[0] ?? 0;
  }
  if (type === FrameType.headers && (flags & Flag.priority) !== 0) start += 5;
  if (whole.length < start) throw wrongLength(type, whole);
  if (end < start) throw wrong("Cannot take a frame that is padded beyond its end");
  return whole.subarray(start, end);
}

function wrong(message: string, code = ErrorCode.protocolError): ConnectionFault {
  return new ConnectionFault(code, message);
}

function wrongLength(type: number, { length }: Uint8Array): ConnectionFault {
  return wrong(`Cannot take a frame of type ${type} with ${length} bytes`, ErrorCode.frameSizeError);
}
