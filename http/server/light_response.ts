/**
 * A `Response` whose bytes are there already. Building a real one and reading its stream again takes longer than most
 * answers; the listener sends this as it is. Who looks closer (tests, middleware) gets a real one, made on first use.
 */

export type ResponseHeaders = Readonly<Record<string, string | string[]>>;

class LightResponse {
  readonly status: number;
  readonly sent: ResponseHeaders;
  readonly content: Uint8Array<ArrayBuffer>;
  #real: Response | undefined;

  constructor(status: number, headers: ResponseHeaders, content: Uint8Array<ArrayBuffer>) {
    this.status = status;
    this.sent = headers;
    this.content = content;
  }

  /** Whether somebody has the real one, whose headers may be others by now. */
  get isReal(): boolean {
    return this.#real !== undefined;
  }

  get real(): Response {
    if (this.#real !== undefined) return this.#real;
    const headers = new Headers();
    for (const [name, value] of Object.entries(this.sent)) {
      for (const one of typeof value === "string" ? [value] : value) headers.append(name, one);
    }
    return this.#real = new Response(this.content, { status: this.status, headers });
  }
}
for (const name of ["headers", "body", "bodyUsed", "ok", "statusText", "type", "url", "redirected"] as const) {
  Object.defineProperty(LightResponse.prototype, name, {
    get(this: LightResponse) {
      return this.real[name];
    },
  });
}
for (const name of ["arrayBuffer", "blob", "bytes", "clone", "formData", "json", "text"] as const) {
  Object.defineProperty(LightResponse.prototype, name, {
    value(this: LightResponse) {
      return this.real[name]();
    },
  });
}
Object.setPrototypeOf(LightResponse.prototype, Response.prototype);

export function lightResponse(status: number, headers: ResponseHeaders, content: Uint8Array<ArrayBuffer>): Response {
  return new LightResponse(status, headers, content) as unknown as Response;
}

/** The response with more headers; it may be changed. */
export function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  const ready = readyToSend(response) as LightResponse | undefined;
  if (ready !== undefined) return lightResponse(ready.status, { ...ready.sent, ...headers }, ready.content);
  for (const name in headers) response.headers.set(name, headers[name]!);
  return response;
}

/** What is to be sent, when that is the whole truth about a response. */
export function readyToSend(
  response: Response,
): { readonly status: number; readonly sent: ResponseHeaders; readonly content: Uint8Array } | undefined {
  const light: unknown = response;
  return light instanceof LightResponse && !light.isReal ? light : undefined;
}
