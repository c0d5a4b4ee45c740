import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { firstFrom, keyBytes, keyOf, rangeOf } from "../../../machines/etcd/keys.ts";
import { compareKeys, inRange } from "../../../machines/store/key_order.ts";

const someBytes = fc.array(
  fc.constantFrom(
    0,
    1,
    0x61,
    0x7f,
    0x80,
    0xbf,
    0xc2,
    0xc3,
    0xdf,
    0xe0,
    0xed,
    0x9f,
    0xa0,
    0xee,
    0xef,
    0xf0,
    0xf4,
    0x8f,
    0xff,
  ),
  { maxLength: 6 },
).map((list) => Uint8Array.from(list));
const someString = fc.string({ unit: "grapheme", maxLength: 4 }).filter((text) => text.isWellFormed() && text !== "");

function order(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

Deno.test("keyOf gives back every string, also one that begins with a byte order mark", () => {
  fc.assert(fc.property(someString, (text) => assertEquals(keyOf(keyBytes(text)), text)));
  assertEquals(keyOf(keyBytes("\ufeffa")), "\ufeffa");
  assertEquals(keyOf(Uint8Array.of(0xff)), undefined);
});

Deno.test("firstFrom gives the first string that is not before the bytes", () => {
  fc.assert(
    fc.property(someBytes, someString, someBytes, (bytes, text, tail) => {
      const first = firstFrom(bytes);
      const near = keyOf(Uint8Array.from([...bytes, ...tail])) ?? text;
      for (const other of [text, near]) {
        const isBefore = order(keyBytes(other), bytes) < 0;
        assertEquals(first === undefined || compareKeys(other, first) < 0, isBefore, `${bytes} ${other}`);
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("rangeOf holds exactly the strings whose bytes are in the range", () => {
  const isIn = (bytes: Uint8Array, start: Uint8Array, end: Uint8Array) =>
    order(bytes, start) >= 0 && ((end.length === 1 && end[0] === 0) || order(bytes, end) < 0);
  fc.assert(
    fc.property(someBytes, someBytes.filter((end) => end.length > 0), someString, (start, end, text) => {
      const range = rangeOf(start, end)!;
      assertEquals(inRange(text, range.key, range.end), isIn(keyBytes(text), start, end), `${start} ${end} ${text}`);
    }),
    { numRuns: 2_000 },
  );
});
