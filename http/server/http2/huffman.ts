/**
 * HPACK's Huffman code (RFC 7541, appendix B). The code is canonical: codes of one length follow each other in the order
 * of their symbols, and a longer code begins where the shorter ones end, so the lengths alone give the whole table.
 */

import { ConnectionFault, ErrorCode } from "./frame.ts";

/** Length of each symbol's code: the 256 octets, then the end of the string. */
const lengths = [
  ...[13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  ...[28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  ...[6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  ...[5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  ...[13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  ...[7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  ...[15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  ...[6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  ...[20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  ...[24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  ...[22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  ...[21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  ...[26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  ...[19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  ...[20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  ...[26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
  30,
];
const endOfString = 256;
const longest = 30;

/** Symbols in the order of their codes. */
const symbols = lengths.map((_, symbol) => symbol).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
/** By length of code: the first code, how many there are, and where in `symbols` the first one's symbol is. */
const first = new Uint32Array(longest + 1);
const counts = new Uint32Array(longest + 1);
const places = new Uint32Array(longest + 1);
/** By the next eight bits: the symbol whose code they begin with (`symbol << 4 | length`), 0 when it is longer. */
const short = new Uint16Array(256);

for (let length = 1, code = 0, place = 0; length <= longest; length++) {
  const count = lengths.filter((of) => of === length).length;
  first[length] = code;
  counts[length] = count;
  places[length] = place;
  for (let index = 0; index < count && length <= 8; index++) {
    const from = (code + index) << (8 - length);
    short.fill(symbols[place + index]! << 4 | length, from, from + (1 << (8 - length)));
  }
  code = (code + count) << 1;
  place += count;
}

/** @throws ConnectionFault for what is no code, ends within one, or is filled up with anything but the end of the string. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string {
  const bits = (end - start) * 8;
  const byteAt = (at: number) => at < end ? bytes[at]! : 0xff;
  let text = "";
  for (let bit = 0; bit < bits;) {
    const at = start + (bit >>> 3);
    const shift = bit & 7;
    const next = (((byteAt(at) << 8) | byteAt(at + 1)) >>> (8 - shift)) & 0xff;
    let found = short[next]!;
    if (found === 0) {
      const low = (byteAt(at + 1) << 24) | (byteAt(at + 2) << 16) | (byteAt(at + 3) << 8) | byteAt(at + 4);
      found = longSymbol(((byteAt(at) << (24 + shift)) | (low >>> (8 - shift))) >>> 0);
    }
    const length = found & (found >= 1 << 16 ? 31 : 15);
    if (bit + length > bits) {
      const left = bits - bit;
      if (left < 8 && next >>> (8 - left) === (1 << left) - 1) return text;
      throw unreadable("it is cut off");
    }
    const symbol = found >= 1 << 16 ? (found >>> 5) & 0x1ff : found >>> 4;
    if (symbol === endOfString) throw unreadable("it ends the string before its end");
    text += String.fromCharCode(symbol);
    bit += length;
  }
  return text;
}

/** Of the next 32 bits: `1 << 16 | symbol << 5 | length`. */
function longSymbol(next: number): number {
  for (let length = 9; length <= longest; length++) {
    const index = (next >>> (32 - length)) - first[length]!;
    if (index >= 0 && index < counts[length]!) return 1 << 16 | symbols[places[length]! + index]! << 5 | length;
  }
  throw unreadable("none begins like this");
}

function unreadable(why: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.compressionError, `Cannot read a Huffman code: ${why}`);
}
