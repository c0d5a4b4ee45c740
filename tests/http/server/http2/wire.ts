/** The client's end of an HTTP/2 connection in memory: frames as a test writes them, and what the server says to them. */
import { Flag, frameHeadBytes, FrameType, readUint32, writeFrameHead } from "../../../../http/server/http2/frame.ts";
import { HeaderDecoder } from "../../../../http/server/http2/header_decoder.ts";
import { type Connection, Session, type SessionOptions } from "../../../../http/server/http2/session.ts";
import type { ServerStream } from "../../../../http/server/http2/stream.ts";

export const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface Sent {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array | number[] = []): Uint8Array {
  const bytes = new Uint8Array(frameHeadBytes + payload.length);
  writeFrameHead(bytes, 0, payload.length, type, flags, stream);
  bytes.set(payload, frameHeadBytes);
  return bytes;
}

export function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

export function setting(number: number, value: number): number[] {
  return [number >>> 8, number & 255, ...uint32(value)];
}

/** A header block of literals without Huffman's code that are not remembered. */
export function block(fields: readonly (readonly [string, string])[]): number[] {
  const text = (value: string) => {
    const bytes = [...value].map((c) => c.charCodeAt(0));
    if (bytes.length < 127) return [bytes.length, ...bytes];
    const rest = bytes.length - 127;
    return [127, ...rest < 128 ? [rest] : [(rest & 127) | 128, ...more(rest >>> 7)], ...bytes];
  };
  return fields.flatMap(([name, value]) => [0, ...text(name), ...text(value)]);
}

function more(rest: number): number[] {
  return rest < 128 ? [rest] : [(rest & 127) | 128, ...more(rest >>> 7)];
}

export const getFields = [[":method", "GET"], [":scheme", "https"], [":path", "/"], [":authority", "h"]] as const;

/** A GET on stream `id`. */
export function get(id: number, ...further: readonly (readonly [string, string])[]): Uint8Array {
  return frame(FrameType.headers, Flag.endStream | Flag.endHeaders, id, block([...getFields, ...further]));
}

/** The head of a POST on stream `id`. */
export function post(id: number, ...further: readonly (readonly [string, string])[]): Uint8Array {
  const fields = [[":method", "POST"], ...getFields.slice(1), ...further] as const;
  return frame(FrameType.headers, Flag.endHeaders, id, block(fields));
}

export const noSettings = frame(FrameType.settings, 0, 0);

export class Client implements Connection {
  readonly session: Session;
  readonly requests: ServerStream[] = [];
  ended = false;
  destroyed = false;
  /** What is not yet read by the client; it reads at once unless `slow`. */
  writableLength = 0;
  slow = false;
  writes = 0;
  readonly #decoder = new HeaderDecoder();
  readonly #listeners = new Map<string, ((chunk: Uint8Array) => void)[]>();
  readonly #unread: (() => void)[] = [];
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(options: Partial<SessionOptions> = {}) {
    this.session = new Session(this, {
      maxConcurrentStreams: 10,
      draining: new Set(),
      date: () => "now",
      request: (stream) => void this.requests.push(stream),
      ...options,
    });
  }

  on(event: string, listener: (chunk: Uint8Array) => void): void {
    this.#listeners.set(event, [...this.#listeners.get(event) ?? [], listener]);
  }

  emit(event: "data" | "drain" | "close", chunk: Uint8Array = new Uint8Array(0)): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(chunk);
  }

  write(bytes: Uint8Array, sent: () => void): boolean {
    this.writes++;
    this.#bytes = joined(this.#bytes, bytes);
    if (this.slow) {
      this.writableLength += bytes.length;
      this.#unread.push(sent);
    } else sent();
    return !this.slow;
  }

  /** The client has read everything. */
  read(): void {
    this.writableLength = 0;
    for (const sent of this.#unread.splice(0)) sent();
    this.emit("drain");
  }

  end(): void {
    this.ended = true;
    this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit("close");
  }

  send(...frames: readonly Uint8Array[]): void {
    this.emit("data", joined(...frames));
  }

  /** Greets, and forgets what the server says to that. */
  async begin(settings: Uint8Array = noSettings): Promise<void> {
    this.send(preface, settings);
    await this.said();
    this.writes = 0;
  }

  /** What the server has sent since the last time, once it has nothing more to say. */
  async said(): Promise<Sent[]> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const frames: Sent[] = [];
    while (this.#bytes.length > 0) {
      const bytes = this.#bytes;
      const end = frameHeadBytes + (readUint32(bytes, 0) >>> 8);
      const payload = bytes.subarray(frameHeadBytes, end);
      frames.push({ type: bytes[3]!, flags: bytes[4]!, stream: readUint32(bytes, 5), payload });
      this.#bytes = bytes.subarray(end);
    }
    return frames;
  }

  /** The same in words: `HEADERS 1 :status=200`, `DATA 1 5 bytes end`. */
  async transcript(): Promise<string[]> {
    return (await this.said()).map((sent) => this.#words(sent));
  }

  #words({ type, flags, stream, payload }: Sent): string {
    const end = (flags & Flag.endStream) !== 0 ? " end" : "";
    const ack = (flags & Flag.ack) !== 0 ? " ack" : "";
    switch (type) {
      case FrameType.data:
        return `DATA ${stream} ${payload.length} bytes${end}`;
      case FrameType.headers: {
        const fields = this.#decoder.decode(payload, Infinity)!;
        const pairs = fields.flatMap((name, index) => index % 2 === 0 ? [`${name}=${fields[index + 1]}`] : []);
        return `HEADERS ${stream} ${pairs.join(" ")}${end}`;
      }
      case FrameType.reset:
        return `RESET ${stream} ${readUint32(payload, 0)}`;
      case FrameType.goAway:
        return `GOAWAY ${readUint32(payload, 0)} ${readUint32(payload, 4)}`;
      case FrameType.windowUpdate:
        return `WINDOW ${stream} ${readUint32(payload, 0)}`;
      case FrameType.settings:
        return `SETTINGS${ack}`;
      case FrameType.ping:
        return `PING ${payload.join(".")}${ack}`;
      default:
        return `${type} ${stream}`;
    }
  }
}

/** Reads a stream's whole body as text; "gone" when it never becomes whole. */
export function bodyOf(stream: ServerStream): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  stream.receive({
    data: (chunk) => void (text += new TextDecoder().decode(chunk)),
    end: () => resolve(text),
    gone: () => resolve("gone"),
  });
  return promise;
}
