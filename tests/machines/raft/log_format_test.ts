import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../machines/raft/bytes.ts";
import { crc32c } from "../../../machines/raft/crc32c.ts";
import type { Entry } from "../../../machines/raft/entry.ts";
import { BatchWriter, encodeConfiguration, readBatch, readConfiguration } from "../../../machines/raft/log_format.ts";

const header = {
  member: "00000000000000aa",
  cluster: "00000000000000cc",
  segment: 3,
  before: { index: 40, term: 2 },
  hardState: { term: 2, vote: "00000000000000aa", commit: 39 },
};
const entry: fc.Arbitrary<Entry> = fc.record({
  index: fc.nat(),
  term: fc.maxSafeNat(),
  type: fc.constantFrom("command", "configuration", "empty"),
  payload: fc.uint8Array({ maxLength: 40 }),
});

function batch(number: number, entries: readonly Entry[]): Uint8Array {
  const writer = new BatchWriter();
  writer.begin(number);
  writer.segment(header);
  writer.hardState(header.hardState);
  for (const { index, term, type, payload } of entries) writer.entry(index, term, type, (out) => out.raw(payload));
  return writer.finish().slice();
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("crc32c is Castagnoli's, and can be continued", () => {
  const digits = new TextEncoder().encode("123456789");
  assertEquals(crc32c(digits), 0xe3069283);
  assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa); // RFC 3720, B.4
  assertEquals(crc32c(digits, 4, 9, crc32c(digits, 0, 4)), 0xe3069283);
});

Deno.test("ByteReader reads what ByteWriter wrote", () => {
  const text = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());
  fc.assert(fc.property(fc.maxSafeNat(), text, fc.uint8Array(), fc.nat({ max: 255 }), (number, text, blob, byte) => {
    const out = new ByteWriter(1);
    out.number(number);
    out.string(text);
    out.blob(blob);
    out.byte(byte);
    out.fixed32(number % 2 ** 32);
    const reader = new ByteReader(out.copy());
    assertEquals([reader.number(), reader.string()], [number, text]);
    assertEquals([[...reader.blob()], reader.byte(), reader.fixed32()], [[...blob], byte, number % 2 ** 32]);
    reader.end();
  }));
});

Deno.test("readBatch reads what BatchWriter wrote, at any offset", () => {
  fc.assert(fc.property(fc.array(entry), fc.uint8Array({ maxLength: 50 }), (entries, before) => {
    const written = batch(7, entries);
    const check = readBatch(joined(before, written), before.length, 7);
    assert(check.found === "batch");
    assertEquals(check.end, before.length + written.length);
    const [first, second, ...rest] = check.records;
    assertEquals([first, second], [{ kind: "segment", header }, { kind: "hardState", hardState: header.hardState }]);
    assertEquals(
      rest.map((record) => record.kind === "entry" && { ...record.entry, payload: [...record.entry.payload] }),
      entries.map((each) => ({ ...each, payload: [...each.payload] })),
    );
  }));
});

Deno.test("readBatch takes a cut batch for torn, and one with a later batch after it for damaged", () => {
  const whole = batch(4, [{ index: 41, term: 2, type: "command", payload: new Uint8Array(600).fill(7) }]);
  const later = batch(5, []);
  for (let cut = 1; cut < whole.length; cut += 3) {
    assertEquals(readBatch(whole.subarray(0, cut), 0, 4), { found: "torn" });
    const missing = whole.slice();
    missing[cut]! ^= 1;
    assertEquals(readBatch(missing, 0, 4).found, "damage");
    assertEquals(readBatch(joined(missing, later), 0, 4).found, "damage");
  }
});

Deno.test("readBatch takes a batch with a sector that was never written for torn, unless a later one follows", () => {
  const whole = batch(4, [{ index: 41, term: 2, type: "command", payload: new Uint8Array(2_000).fill(7) }]);
  for (const sector of [0, 512, 1_024]) {
    const holed = whole.slice().fill(0, sector, sector + 512);
    assertEquals(readBatch(holed, 0, 4), { found: "torn" });
    assertEquals(readBatch(joined(holed, batch(5, [])), 0, 4).found, "damage");
  }
});

Deno.test("readBatch does not take a batch of another number", () => {
  assertEquals(readBatch(batch(3, []), 0, 4).found, "damage");
});

Deno.test("readConfiguration reads what encodeConfiguration wrote", () => {
  const configuration = { voters: ["a", "b", "c"], learners: ["d"] };
  assertEquals(readConfiguration(new ByteReader(encodeConfiguration(configuration))), configuration);
});
