/** Answers to a request that asked for `Upgrade` and is not given it: plain HTTP/1.1 on the bare socket. */
import { type Duplex, Writable } from "node:stream";
import { STATUS_CODES } from "node:http";
import type { OutgoingResponse } from "./raw_response.ts";

/** Sends a whole response and closes the connection. */
export async function answerOnSocket(response: Response, socket: Duplex): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers = [...response.headers].filter(([name]) => name !== "content-length" && name !== "connection");
  socket.write(headOf(response.status, [...headers, ["content-length", String(body.length)], ["connection", "close"]]));
  socket.end(body);
}

/** The head of an HTTP/1.1 response. */
export function headOf(status: number, headers: readonly (readonly [string, string])[]): string {
  const lines = headers.map(([name, value]) => `${name}: ${value.replace(/[\r\n]/g, " ")}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n${lines.join("")}\r\n`;
}

/** The response of an offered connection, for an application that streams instead of upgrading. Ends with the connection. */
export class UpgradeResponse extends Writable implements OutgoingResponse {
  readonly #socket: Duplex;
  headersSent = false;

  constructor(socket: Duplex) {
    super();
    this.#socket = socket;
  }

  writeHead(status: number, headers: Record<string, string | string[]>): void {
    this.headersSent = true;
    const flat = Object.entries(headers).flatMap(([name, value]) =>
      (typeof value === "string" ? [value] : value).map((one) => [name, one] as const)
    );
    this.#socket.write(headOf(status, [...flat, ["connection", "close"]]));
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    if (this.#socket.write(chunk)) done();
    else this.#socket.once("drain", done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }
}
