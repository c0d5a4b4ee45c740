/**
 * etcd's keys are bytes, the store's are strings ordered by their UTF-8. Every string is a key of bytes; bytes that are no
 * UTF-8 are no key here, and only what names such a key is refused. The bounds of a range may be any bytes: since only
 * UTF-8 keys exist, a bound that is none stands for the first string that follows it, and the range is the same.
 */
import { noEnd } from "../store/key_order.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function keyBytes(key: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(key);
}

/** The key; nothing when the bytes are not UTF-8. */
export function keyOf(bytes: Uint8Array): string | undefined {
  // Most keys are short ASCII: this is several times as fast as the decoder.
  if (bytes.length <= 96) {
    let text = "";
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i]! > 127) return decoded(bytes);
      text += String.fromCharCode(bytes[i]!);
    }
    return text;
  }
  return decoded(bytes);
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

export interface KeyRange {
  readonly key: string;
  readonly end?: string;
}

/** A range that holds no key. */
export const emptyRange: KeyRange = { key: "\0", end: "\0\0" };

/** The keys that etcd means; nothing when it is one key, and that is not UTF-8. An empty start is the first key. */
export function rangeOf(start: Uint8Array, end: Uint8Array): KeyRange | undefined {
  if (end.length === 0) {
    const key = keyOf(start);
    return key === undefined ? undefined : { key };
  }
  const key = firstFrom(start);
  if (key === undefined) return emptyRange;
  if (end.length === 1 && end[0] === 0) return { key, end: noEnd };
  const until = firstFrom(end);
  return { key, end: until ?? noEnd };
}

/** The first string whose bytes are not before these; nothing when there is none. */
export function firstFrom(bytes: Uint8Array): string | undefined {
  const whole = keyOf(bytes);
  if (whole !== undefined) return whole;
  const prefix = validPrefix(bytes);
  const next = nextCodePoint(bytes.subarray(keyBytes(prefix).length));
  if (next !== undefined) return prefix + String.fromCodePoint(next);
  return afterPrefix(prefix);
}

/** The longest start of the bytes that is UTF-8. */
function validPrefix(bytes: Uint8Array): string {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at]!;
    const size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const piece = at + size <= bytes.length ? keyOf(bytes.subarray(at, at + size)) : undefined;
    if (piece === undefined) break;
    text += piece;
    at += size;
  }
  return text;
}

/** The first code point whose UTF-8 is after these bytes. */
function nextCodePoint(rest: Uint8Array): number | undefined {
  let low = 0;
  let high = 0x110000;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isAfter(keyBytes(String.fromCodePoint(skipSurrogates(middle))), rest)) high = middle;
    else low = middle + 1;
  }
  return low === 0x110000 ? undefined : skipSurrogates(low);
}

/** Surrogates are no characters: the next one stands for them. */
function skipSurrogates(point: number): number {
  return point >= 0xd800 && point <= 0xdfff ? 0xe000 : point;
}

function isAfter(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! > b[i]!;
  return a.length > b.length;
}

/** The first string after all that begin with the prefix. */
function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (char) => char.codePointAt(0)!);
  while (points.length > 0) {
    const last = points.pop()!;
    if (last < 0x10ffff) return String.fromCodePoint(...points, skipSurrogates(last + 1));
  }
  return undefined;
}
