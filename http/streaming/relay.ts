/** Passing connections and answers on, for whoever stands between a client and a server behind. */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { RawResponse, UpgradeOffer } from "../server.ts";

/** Said on this side alone: the client's credentials, and whom it acts as. */
export const withheld = /^(authorization|cookie|host|impersonate-.*|x-remote-.*)$/i;

export function requestHead({ method, rawHeaders }: UpgradeOffer, path: string, host: string): string {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (!withheld.test(name)) lines.push(`${name}: ${withoutToken(name, rawHeaders[index + 1]!)}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Browsers send bearer tokens as a subprotocol: the kubelet has no business with them. */
function withoutToken(name: string, value: string): string {
  if (name.toLowerCase() !== "sec-websocket-protocol") return value;
  return value.split(",").map((one) => one.trim()).filter((one) => !one.startsWith("base64url.bearer.")).join(", ");
}

const switched = "HTTP/1.1 101 ";

/**
 * Whichever side ends or breaks, the other follows; pipe holds back a side that is slower. Nothing of the client's goes
 * on (`head`: what it has said already) until the other side has agreed to another protocol, and nothing ever after a
 * refusal: on a connection that still speaks HTTP it could ask for anything in the API server's name.
 */
export function splice(client: Duplex, upstream: Duplex, head: Uint8Array): void {
  let start = "";
  const look = (chunk: Uint8Array) => {
    start += Buffer.from(chunk).toString("latin1", 0, switched.length - start.length);
    if (start.length < switched.length && switched.startsWith(start)) return;
    upstream.off("data", look);
    if (start !== switched) return void upstream.end();
    if (head.length > 0) upstream.write(head);
    client.pipe(upstream);
  };
  upstream.on("data", look);
  upstream.pipe(client);
  for (const [one, other] of [[client, upstream], [upstream, client]] as const) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroySoon?.() ?? other.end());
  }
}

declare module "node:stream" {
  interface Duplex {
    /** Sockets have it: destroys once what was written has gone out. */
    destroySoon?(): void;
  }
}

/** The body goes on as it comes, and no faster than the client takes it. */
export function passOn(reply: IncomingMessage, raw: RawResponse): void {
  reply.on("data", (chunk: Uint8Array) => {
    if (raw.write(chunk) || raw.closed) return;
    reply.pause();
    raw.onDrain(() => reply.resume());
  });
  reply.on("end", () => raw.end());
  reply.on("error", () => raw.destroy());
  raw.onDraining(() => raw.end());
}

export function bodyOf(reply: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = reply[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value as Uint8Array));
    },
    cancel: () => void reply.destroy(),
  });
}
