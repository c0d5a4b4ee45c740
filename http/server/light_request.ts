/**
 * A `Request` that costs nothing until it is looked at. Building a real one takes longer than most answers; the
 * application reads the method, the URL and a header or two. Everything rarer is made on first use.
 */
import { badRequest, bodyTooSlow, tooManyBytes } from "../machinery/errors.ts";
import { maxRequestBytes } from "./environment.ts";
import type { IncomingRequest } from "./incoming_request.ts";

class LightRequest {
  readonly #incoming: IncomingRequest;
  readonly #origin: string;
  readonly #aborted: () => AbortSignal;
  readonly #bodyMs: number;
  #headers: Headers | undefined;
  #body: Promise<Uint8Array<ArrayBuffer>> | undefined;
  #real: Request | undefined;

  constructor(incoming: IncomingRequest, origin: string, aborted: () => AbortSignal, bodyMs: number) {
    this.#incoming = incoming;
    this.#origin = origin;
    this.#aborted = aborted;
    this.#bodyMs = bodyMs;
  }

  get method(): string {
    return this.#incoming.method ?? "GET";
  }

  get url(): string {
    return this.#origin + (this.#incoming.url ?? "/");
  }

  get headers(): Headers {
    return this.#headers ??= headersOf(this.#incoming);
  }

  get signal(): AbortSignal {
    return this.#aborted();
  }

  get bodyUsed(): boolean {
    return this.#body !== undefined;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#whole().body;
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#body ??= readBody(this.#incoming, this.#bodyMs);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.bytes();
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.bytes()], { type: this.headers.get("content-type") ?? "" });
  }

  formData(): Promise<FormData> {
    return this.#whole().formData();
  }

  clone(): Request {
    return this.#whole().clone();
  }

  /** The real thing, for what nobody on a fast path asks for. */
  #whole(): Request {
    return this.#real ??= new Request(this.url, {
      method: this.method,
      headers: this.headers,
      ...(this.method === "GET" || this.method === "HEAD" ? {} : { body: bodyStream(() => this.bytes()) }),
    });
  }
}
Object.setPrototypeOf(LightRequest.prototype, Request.prototype);

/** A body that is not whole by then is no longer waited for: a little before requests as a whole run out of time. */
const bodyPatienceMs = 50_000;
/** Who was told so has this long to read it before the connection (of HTTP/2: the stream) is cut. */
const cutAfterMs = 1_000;

/**
 * A `Request` over one that came in. `aborted` is asked only when the application looks at the signal; `bodyMs`: how long
 * the body may take.
 */
export function lightRequest(
  incoming: IncomingRequest,
  origin: string,
  aborted: () => AbortSignal,
  bodyMs: number = bodyPatienceMs,
): Request {
  return new LightRequest(incoming, origin, aborted, bodyMs) as unknown as Request;
}

export function headersOf(incoming: Pick<IncomingRequest, "headers">): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value === undefined || name.charCodeAt(0) === 58 /* ":" */) continue;
    if (typeof value === "string") headers.set(name, value);
    else for (const one of value) headers.append(name, one);
  }
  return headers;
}

/** @throws ApiError 413 as soon as it is known that the body is too long, 408 when it has not come in time. */
function readBody(incoming: IncomingRequest, bodyMs: number): Promise<Uint8Array<ArrayBuffer>> {
  const announced = Number(incoming.headers["content-length"] ?? 0);
  if (announced > maxRequestBytes) return Promise.reject(tooManyBytes(maxRequestBytes));
  if (incoming.method === "GET" || incoming.method === "HEAD") return Promise.resolve(new Uint8Array());
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let over = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  incoming.receive({
    data(chunk) {
      length += chunk.length;
      if (length > maxRequestBytes) {
        chunks.length = 0;
        reject(tooManyBytes(maxRequestBytes));
      } else chunks.push(chunk);
    },
    end() {
      over = true;
      clearTimeout(timer);
      resolve(chunks.length === 1 ? chunks[0] as Uint8Array<ArrayBuffer> : joined(chunks, length));
    },
    // A client that has gone is its own affair, not a fault of the server.
    gone() {
      clearTimeout(timer);
      if (!over) reject(badRequest("unexpected EOF"));
      over = true;
    },
  });
  // Most bodies are there by now: a timer would be half of what reading them costs.
  if (over) return promise;
  timer = setTimeout(() => {
    chunks.length = 0;
    reject(bodyTooSlow(bodyMs));
    timer = setTimeout(() => incoming.destroy(), cutAfterMs);
  }, bodyMs);
  return promise;
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

function bodyStream(read: () => Promise<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(await read());
      controller.close();
    },
  });
}
