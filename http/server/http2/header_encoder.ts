/**
 * Header blocks as we send them: literals that no later block refers to, so nothing has to be remembered for a
 * connection. What such a block is longer than the shortest possible is less than a packet's own head.
 */
import type { ResponseHeaders } from "../light_response.ts";
import { staticNames, staticTable } from "./static_table.ts";

export interface ResponseHead {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** When it is sent, as HTTP writes it; "" for what is not the answer yet. */
  readonly date: string;
  /** Whether it is the first of its connection. */
  readonly first: boolean;
}

/** Tells the peer that it need not keep a table for us. */
const noTable = 0x20;

const statuses = new Map(
  staticTable.flatMap(([name, value], index) => name === ":status" ? [[Number(value), index] as const] : []),
);

/** How long a block is at most. */
export function headerBlockBound({ headers, date }: ResponseHead): number {
  let bytes = 32 + date.length;
  for (const name in headers) {
    const value = headers[name]!;
    if (typeof value === "string") bytes += name.length + value.length + 10;
    else for (const one of value) bytes += name.length + one.length + 10;
  }
  return bytes;
}

/** Writes the block and answers where it ends. */
export function writeHeaderBlock(bytes: Uint8Array, at: number, head: ResponseHead): number {
  const { status, headers, date } = head;
  if (head.first) bytes[at++] = noTable;
  const index = statuses.get(status);
  if (index !== undefined) bytes[at++] = 0x80 | index;
  else at = writeField(bytes, at, ":status", String(status));
  if (date !== "") at = writeField(bytes, at, "date", date);
  for (const name in headers) {
    const value = headers[name]!;
    if (typeof value === "string") at = writeField(bytes, at, name, value);
    else for (const one of value) at = writeField(bytes, at, name, one);
  }
  return at;
}

function writeField(bytes: Uint8Array, at: number, name: string, value: string): number {
  const index = staticNames.get(name);
  if (index === undefined) {
    bytes[at++] = 0;
    at = writeText(bytes, at, name.toLowerCase());
  } else at = writeInteger(bytes, at, 0, 4, index);
  return writeText(bytes, at, value);
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  at = writeInteger(bytes, at, 0, 7, text.length);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // What cannot be in a header is no longer what it was, rather than the end of the connection.
    bytes[at++] = code > 0xff ? 0x3f : code === 0 || code === 10 || code === 13 ? 0x20 : code;
  }
  return at;
}

function writeInteger(bytes: Uint8Array, at: number, pattern: number, prefixBits: number, value: number): number {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    bytes[at++] = pattern | value;
    return at;
  }
  bytes[at++] = pattern | mask;
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}
