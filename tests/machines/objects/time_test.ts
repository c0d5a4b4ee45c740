import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatMicroTime, formatTime, parseTime } from "../../../machines/objects/time.ts";

const anyTime = fc.integer({ min: Date.UTC(1, 0, 1), max: Date.UTC(9998, 0, 1) });

Deno.test("formatTime and formatMicroTime write what Date writes", () => {
  fc.assert(fc.property(anyTime, (ms) => {
    const iso = new Date(ms).toISOString();
    assertEquals(formatTime(ms), iso.replace(/\.\d+Z$/, "Z"));
    assertEquals(formatMicroTime(ms), iso.replace("Z", "000Z"));
  }));
});

Deno.test("parseTime reads what Date writes", () => {
  fc.assert(fc.property(anyTime, (ms) => assertEquals(parseTime(new Date(ms).toISOString()), ms)));
});

for (
  const [text, expected] of [
    ["2026-01-02T03:04:05+02:00", Date.UTC(2026, 0, 2, 1, 4, 5)],
    ["2026-01-02T03:04:05.25-00:30", Date.UTC(2026, 0, 2, 3, 34, 5, 250)],
    ["2026-01-02", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`parseTime reads ${JSON.stringify(text)}`, () => assertEquals(parseTime(text), expected));
}
