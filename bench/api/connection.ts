/**
 * The cheapest client that still speaks TLS and HTTP as real ones do: requests are built once as bytes, answers are only
 * measured, so that a bench loads the server and not itself.
 */
import type { Started } from "./server.ts";

export interface Connection {
  /** Sends a built request; resolves with the length of the answer's body. @throws Error when the answer is a Status. */
  exchange(request: Uint8Array): Promise<number>;
  close(): void;
}

export interface Request {
  readonly method: "GET" | "POST" | "PATCH";
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function connect({ port, authority, certificate, key }: Started, protocol: "h2" | "http/1.1"): Promise<Deno.TlsConn> {
  return Deno.connectTls({
    hostname: "127.0.0.1",
    port,
    caCerts: [authority],
    cert: certificate,
    key,
    alpnProtocols: [protocol],
  });
}

function headersOf({ body, contentType = "application/json" }: Request): [string, string][] {
  const sent: [string, string][] = [["accept", "application/json"], ["user-agent", "bench/1.0 (linux/amd64)"]];
  if (body !== undefined) sent.push(["content-type", contentType], ["content-length", String(byteLength(body))]);
  return sent;
}

function byteLength(text: string): number {
  return encoder.encode(text).length;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function refuseStatus(start: Uint8Array): void {
  const text = decoder.decode(start.subarray(0, 400));
  if (text.startsWith('{"kind":"Status"')) throw new Error(`The server refused: ${text}`);
}

/** Reads from a connection by delimiters and lengths. */
class Input {
  readonly #source: Deno.TlsConn;
  readonly #chunk = new Uint8Array(256 * 1024);
  #held = new Uint8Array(0);

  constructor(source: Deno.TlsConn) {
    this.#source = source;
  }

  get held(): Uint8Array {
    return this.#held;
  }

  take(length: number): Uint8Array {
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return taken;
  }

  /** @throws Error at the connection's end. */
  async more(): Promise<void> {
    const count = await this.#source.read(this.#chunk);
    if (count === null) throw new Error("The server closed the connection");
    const read = this.#chunk.subarray(0, count);
    this.#held = this.#held.length === 0 ? read.slice() : joined(this.#held, read) as Uint8Array<ArrayBuffer>;
  }
}

/** HTTP/1.1, one request at a time. */
export class Http1Connection implements Connection {
  readonly #socket: Deno.TlsConn;
  readonly #input: Input;

  private constructor(socket: Deno.TlsConn) {
    this.#socket = socket;
    this.#input = new Input(socket);
  }

  static async open(server: Started): Promise<Http1Connection> {
    return new Http1Connection(await connect(server, "http/1.1"));
  }

  static request(asked: Request): Uint8Array {
    const lines = [["host", "127.0.0.1"], ...headersOf(asked)].map(([name, value]) => `${name}: ${value}\r\n`).join("");
    return encoder.encode(`${asked.method} ${asked.path} HTTP/1.1\r\n${lines}\r\n${asked.body ?? ""}`);
  }

  async exchange(request: Uint8Array): Promise<number> {
    await this.#socket.write(request);
    const input = this.#input;
    let end: number;
    while ((end = endOfHead(input.held)) < 0) await input.more();
    const head = decoder.decode(input.take(end)).toLowerCase();
    const announced = /content-length: (\d+)/.exec(head)?.[1];
    if (announced === undefined) return await this.#chunks();
    const length = Number(announced);
    if (length > 0 && input.held.length === 0) await input.more();
    refuseStatus(input.held);
    for (let left = length; left > 0;) {
      if (input.held.length === 0) await input.more();
      left -= input.take(Math.min(left, input.held.length)).length;
    }
    return length;
  }

  async #chunks(): Promise<number> {
    const input = this.#input;
    let whole = 0;
    for (;;) {
      let end: number;
      while ((end = input.held.indexOf(10)) < 0) await input.more();
      const length = parseInt(decoder.decode(input.take(end + 1)), 16);
      for (let left = length + 2; left > 0;) {
        if (input.held.length === 0) await input.more();
        left -= input.take(Math.min(left, input.held.length)).length;
      }
      if (length === 0) return whole;
      whole += length;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

function endOfHead(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(13); at >= 0; at = bytes.indexOf(13, at + 1)) {
    if (bytes[at + 2] === 13 && bytes[at + 3] === 10) return at + 4;
    if (at + 3 >= bytes.length) return -1;
  }
  return -1;
}

const enum Frame {
  data = 0,
  headers = 1,
  reset = 3,
  settings = 4,
  ping = 6,
  goAway = 7,
  windowUpdate = 8,
}

/** Rarely, because what is sent here right before a request makes the request wait for an acknowledgement (no TCP_NODELAY). */
const windowStep = 2 << 20;

interface Stream {
  length: number;
  readonly lines: ((count: number) => void) | undefined;
  readonly done: (length: number) => void;
  readonly failed: (error: Error) => void;
}

/** HTTP/2 with the windows of Go's client; any number of requests at a time. */
export class Http2Connection implements Connection {
  readonly #socket: Deno.TlsConn;
  readonly #streams = new Map<number, Stream>();
  #nextId = 1;
  #consumed = 0;
  #closed = false;
  #writing: Promise<unknown> | undefined;
  #waiting: Uint8Array[] = [];

  private constructor(socket: Deno.TlsConn) {
    this.#socket = socket;
  }

  static async open(server: Started): Promise<Http2Connection> {
    const connection = new Http2Connection(await connect(server, "h2"));
    const settings = new Uint8Array(6);
    settings[1] = 4;
    new DataView(settings.buffer).setUint32(2, 4 << 20);
    connection.#send(joined(
      encoder.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      frame(Frame.settings, 0, 0, settings),
      windowUpdate(0, 1 << 30),
    ));
    connection.#read().catch((error: Error) => connection.#broke(error));
    return connection;
  }

  /** A HEADERS and perhaps a DATA frame, with stream number 0 until they are sent. */
  static request(asked: Request): Uint8Array {
    const method = asked.method === "GET" ? [0x82] : asked.method === "POST" ? [0x83] : [0x02, ...text(asked.method)];
    const block = new Uint8Array([
      ...method,
      0x87,
      0x01,
      ...text("127.0.0.1"),
      0x04,
      ...text(asked.path),
      ...headersOf(asked).flatMap(([name, value]) => [0x00, ...text(name), ...text(value)]),
    ]);
    if (asked.body === undefined) return frame(Frame.headers, 0x5, 0, block);
    return joined(frame(Frame.headers, 0x4, 0, block), frame(Frame.data, 0x1, 0, encoder.encode(asked.body)));
  }

  exchange(request: Uint8Array): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#begin(request, { length: 0, lines: undefined, done: resolve, failed: reject });
    return promise;
  }

  /** A request whose answer lasts: `lines` is told how many ended. */
  stream(request: Uint8Array, lines: (count: number) => void): void {
    this.#begin(request, { length: 0, lines, done: () => {}, failed: () => {} });
  }

  #begin(request: Uint8Array, stream: Stream): void {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#streams.set(id, stream);
    const sent = request.slice();
    const view = new DataView(sent.buffer);
    for (let at = 0; at < sent.length; at += 9 + (view.getUint32(at) >>> 8)) view.setUint32(at + 5, id);
    this.#send(sent);
  }

  /** What is asked while a write is under way goes out with the next one. */
  #send(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#writing ??= this.#write().catch((error: Error) => this.#broke(error));
  }

  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const bytes = joined(...this.#waiting.splice(0));
      for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
    }
    this.#writing = undefined;
  }

  #broke(error: Error): void {
    if (this.#closed) return;
    for (const { failed } of this.#streams.values()) failed(error);
    this.#streams.clear();
  }

  async #read(): Promise<void> {
    const input = new Input(this.#socket);
    while (!this.#closed) {
      await input.more();
      for (;;) {
        const { held } = input;
        if (held.length < 9) break;
        const length = (held[0]! << 16) | (held[1]! << 8) | held[2]!;
        if (held.length < 9 + length) break;
        const taken = input.take(9 + length);
        const id = ((taken[5]! & 0x7f) << 24) | (taken[6]! << 16) | (taken[7]! << 8) | taken[8]!;
        this.#frame(taken[3]!, taken[4]!, id, taken.subarray(9));
      }
      if (this.#consumed > 1 << 24) {
        this.#send(windowUpdate(0, this.#consumed));
        this.#consumed = 0;
      }
    }
  }

  #frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    if (type === Frame.settings && (flags & 1) === 0) return this.#send(frame(Frame.settings, 1, 0, new Uint8Array()));
    if (type === Frame.ping && (flags & 1) === 0) return this.#send(frame(Frame.ping, 1, 0, payload));
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (type === Frame.reset) return stream.failed(new Error("The server broke a stream off"));
    if (type === Frame.data) this.#data(id, stream, payload);
    if ((type === Frame.data || type === Frame.headers) && (flags & 1) !== 0) {
      this.#streams.delete(id);
      stream.done(stream.length);
    }
  }

  #data(id: number, stream: Stream, payload: Uint8Array): void {
    if (stream.length === 0) refuseStatus(payload);
    const before = stream.length;
    stream.length += payload.length;
    this.#consumed += payload.length;
    if (Math.floor(stream.length / windowStep) > Math.floor(before / windowStep)) {
      this.#send(windowUpdate(id, windowStep));
    }
    if (stream.lines === undefined) return;
    let ended = 0;
    for (let at = payload.indexOf(10); at >= 0; at = payload.indexOf(10, at + 1)) ended++;
    if (ended > 0) stream.lines(ended);
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
  }
}

function frame(type: Frame, flags: number, id: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | type);
  view.setUint8(4, flags);
  view.setUint32(5, id);
  bytes.set(payload, 9);
  return bytes;
}

function windowUpdate(id: number, by: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, by);
  return frame(Frame.windowUpdate, 0, id, payload);
}

/** An HPACK string, not Huffman coded. */
function text(value: string): number[] {
  const bytes = [...encoder.encode(value)];
  if (bytes.length < 127) return [bytes.length, ...bytes];
  const length = [0x7f];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return [...length, rest, ...bytes];
}
