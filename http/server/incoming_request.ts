/** A request as it comes, whichever HTTP version it came by. */
import type { Readable } from "node:stream";

/** Whoever reads a body. */
export interface BodySink {
  data(chunk: Uint8Array): void;
  /** It is whole. */
  end(): void;
  /** It will never be whole: the client has gone. May be called after `end`. */
  gone(): void;
}

export interface IncomingRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Name in lower case to value; with the pseudo headers of HTTP/2. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Hands the body over, from its beginning. Once. */
  receive(sink: BodySink): void;
  /** Breaks off what the request came by. */
  destroy(): void;
}

/** A request of node's. */
export class NodeRequest implements IncomingRequest {
  readonly #incoming: Readable;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingRequest["headers"];

  constructor(incoming: Readable & Pick<IncomingRequest, "method" | "url" | "headers">) {
    this.#incoming = incoming;
    this.method = incoming.method;
    this.url = incoming.url;
    this.headers = incoming.headers;
  }

  receive(sink: BodySink): void {
    const incoming = this.#incoming;
    incoming.on("data", (chunk: Uint8Array) => sink.data(chunk));
    incoming.on("end", () => sink.end());
    incoming.on("error", () => sink.gone());
    incoming.on("close", () => sink.gone());
  }

  destroy(): void {
    this.#incoming.destroy();
  }
}
