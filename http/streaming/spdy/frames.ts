/** SPDY/3.1's frames as bytes (SPDY protocol draft 3.1, section 2.2 and 2.6). Header blocks stay as they are. */
import { Buffer } from "node:buffer";

export type Frame =
  | { readonly type: "data"; readonly stream: number; readonly fin: boolean; readonly payload: Uint8Array }
  | {
    readonly type: "synStream";
    readonly stream: number;
    readonly associated: number;
    readonly priority: number;
    readonly fin: boolean;
    readonly unidirectional: boolean;
    readonly block: Uint8Array;
  }
  | { readonly type: "synReply"; readonly stream: number; readonly fin: boolean; readonly block: Uint8Array }
  | { readonly type: "headers"; readonly stream: number; readonly fin: boolean; readonly block: Uint8Array }
  | { readonly type: "rstStream"; readonly stream: number; readonly status: number }
  | { readonly type: "settings"; readonly entries: readonly { readonly id: number; readonly value: number }[] }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "goAway"; readonly lastStream: number; readonly status: number }
  | { readonly type: "windowUpdate"; readonly stream: number; readonly delta: number }
  /** A control frame of a type that we do not know: to be passed over. */
  | { readonly type: "unknown"; readonly control: number };

const version = 3;
const control = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

const flagFin = 1;
const flagUnidirectional = 2;
const mask31 = 0x7fffffff;
/** What a length of 24 bits can say; a peer that means it would have us keep 16 MiB. */
const longestFrame = 1 << 24;

export function encodeFrame(frame: Frame): Uint8Array {
  switch (frame.type) {
    case "data": {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(frame.stream & mask31, 0);
      head.writeUInt32BE(frame.payload.length, 4);
      head[4] = frame.fin ? flagFin : 0;
      return Buffer.concat([head, frame.payload]);
    }
    case "synStream": {
      const body = Buffer.alloc(10);
      body.writeUInt32BE(frame.stream & mask31, 0);
      body.writeUInt32BE(frame.associated & mask31, 4);
      body[8] = (frame.priority & 7) << 5;
      const flags = (frame.fin ? flagFin : 0) | (frame.unidirectional ? flagUnidirectional : 0);
      return controlFrame(control.synStream, flags, body, frame.block);
    }
    case "synReply":
    case "headers":
      return controlFrame(control[frame.type], frame.fin ? flagFin : 0, uint32s(frame.stream), frame.block);
    case "rstStream":
      return controlFrame(control.rstStream, 0, uint32s(frame.stream, frame.status));
    case "settings": {
      const numbers = frame.entries.flatMap(({ id, value }) => [id & 0xffffff, value]);
      return controlFrame(control.settings, 0, uint32s(frame.entries.length, ...numbers));
    }
    case "ping":
      return controlFrame(control.ping, 0, uint32s(frame.id));
    case "goAway":
      return controlFrame(control.goAway, 0, uint32s(frame.lastStream, frame.status));
    case "windowUpdate":
      return controlFrame(control.windowUpdate, 0, uint32s(frame.stream, frame.delta));
    case "unknown":
      return controlFrame(frame.control, 0);
  }
}

function controlFrame(type: number, flags: number, ...body: readonly Uint8Array[]): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8000 | version, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(body.reduce((length, part) => length + part.length, 0), 4);
  head[4] = flags;
  return Buffer.concat([head, ...body]);
}

function uint32s(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => bytes.writeUInt32BE(number >>> 0, 4 * index));
  return bytes;
}

/** Takes bytes as they come and gives whole frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Uint8Array): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 8) {
      const length = this.#rest.readUIntBE(5, 3);
      if (length >= longestFrame) throw new Error(`Cannot read SPDY: a frame of ${length} bytes`);
      if (this.#rest.length < 8 + length) return;
      const head = this.#rest.subarray(0, 8);
      const body = this.#rest.subarray(8, 8 + length);
      this.#rest = this.#rest.subarray(8 + length);
      yield readFrame(head, body);
    }
  }
}

function readFrame(head: Buffer, body: Buffer): Frame {
  const first = head.readUInt32BE(0);
  const flags = head[4] ?? 0;
  const fin = (flags & flagFin) !== 0;
  if (first < 0x80000000) return { type: "data", stream: first, fin, payload: body };
  const spoken = (first >>> 16) & 0x7fff;
  if (spoken !== version) throw new Error(`Cannot read SPDY: version ${spoken}, not ${version}`);
  const uint = (offset: number): number => {
    if (offset + 4 > body.length) {
      throw new Error(`Cannot read SPDY: a control frame of ${body.length} bytes is too short`);
    }
    return body.readUInt32BE(offset);
  };
  const stream = () => uint(0) & mask31;
  switch (first & 0xffff) {
    case control.synStream:
      uint(6); // Ten bytes come before the headers.
      return {
        type: "synStream",
        stream: stream(),
        associated: uint(4) & mask31,
        priority: (body[8] ?? 0) >> 5,
        fin,
        unidirectional: (flags & flagUnidirectional) !== 0,
        block: body.subarray(10),
      };
    case control.synReply:
      return { type: "synReply", stream: stream(), fin, block: body.subarray(4) };
    case control.headers:
      return { type: "headers", stream: stream(), fin, block: body.subarray(4) };
    case control.rstStream:
      return { type: "rstStream", stream: stream(), status: uint(4) };
    case control.settings: {
      const entries = Array.from({ length: Math.min(uint(0), (body.length - 4) >> 3) }, (_, index) => ({
        id: uint(4 + 8 * index) & 0xffffff,
        value: uint(8 + 8 * index),
      }));
      return { type: "settings", entries };
    }
    case control.ping:
      return { type: "ping", id: uint(0) };
    case control.goAway:
      return { type: "goAway", lastStream: stream(), status: uint(4) };
    case control.windowUpdate:
      return { type: "windowUpdate", stream: stream(), delta: uint(4) & mask31 };
    default:
      return { type: "unknown", control: first & 0xffff };
  }
}
