import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { base64Error } from "../../../http/schema/base64.ts";
import { durationText, parseDuration } from "../../../http/schema/go_duration.ts";
import { readMicroTime, readTime, secondsOf, secondsText, TimeError } from "../../../http/schema/go_time.ts";

const layout = `"2006-01-02T15:04:05Z07:00"`;
const times: [text: string, wanted: string][] = [
  ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"],
  ["2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z"],
  ["2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00Z"],
  ["2024-02-29T00:00:00+14:00", "2024-02-28T10:00:00Z"],
];
for (const [text, wanted] of times) {
  Deno.test(`readTime turns ${text} into UTC`, () => assertEquals(readTime(text), wanted));
}

const badTimes: [text: string, message: string][] = [
  ["", `parsing time "" as ${layout}: cannot parse "" as "2006"`],
  ["2026", `parsing time "2026" as ${layout}: cannot parse "" as "-"`],
  ["2026-13-01T00:00:00Z", `parsing time "2026-13-01T00:00:00Z": month out of range`],
  ["2026-02-30T00:00:00Z", `parsing time "2026-02-30T00:00:00Z": day out of range`],
  ["2026-01-01T24:00:00Z", `parsing time "2026-01-01T24:00:00Z": hour out of range`],
  ["2026-01-01 00:00:00Z", `parsing time "2026-01-01 00:00:00Z" as ${layout}: cannot parse " 00:00:00Z" as "T"`],
  ["2026-01-01T00:00:00", `parsing time "2026-01-01T00:00:00" as ${layout}: cannot parse "" as "Z07:00"`],
  ["2026-01-01T00:00:00Zx", `parsing time "2026-01-01T00:00:00Zx": extra text: "x"`],
];
for (const [text, message] of badTimes) {
  Deno.test(`readTime refuses ${JSON.stringify(text)} in Go's words`, () => {
    assertEquals(assertThrows(() => readTime(text), TimeError).message, message);
  });
}

Deno.test("readMicroTime keeps six decimals and wants them", () => {
  assertEquals(readMicroTime("2026-01-02T03:04:05.000007+00:30"), "2026-01-02T02:34:05.000007Z");
  assertThrows(() => readMicroTime("2026-01-02T03:04:05Z"), TimeError, `cannot parse "Z" as ".000000"`);
});

Deno.test("seconds and their text are two forms of one time", () => {
  fc.assert(fc.property(fc.integer({ min: -62135596800, max: 253402300799 }), (seconds) => {
    assertEquals(`${secondsText(seconds)}.000Z`, new Date(seconds * 1000).toISOString());
    assertEquals(secondsOf(`${secondsText(seconds)}Z`), seconds);
  }));
});

Deno.test("base64Error accepts what is base64, and says nothing of line breaks", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assertEquals(base64Error(bytes.toBase64()), undefined)));
  assertEquals(base64Error("YW\nJj\r\n"), undefined);
});

const badBase64: [text: string, at: number][] = [["!", 0], ["abc", 0], ["abcde", 4], ["ab_d", 2], ["ab=c", 2], [
  "ab==c",
  4,
], ["=", 0]];
for (const [text, at] of badBase64) {
  Deno.test(`base64Error finds where ${text} goes wrong`, () => {
    assertEquals(base64Error(text), `illegal base64 data at input byte ${at}`);
  });
}

const durations: [nanoseconds: number, text: string][] = [
  [0, "0s"],
  [1, "1ns"],
  [1500, "1.5µs"],
  [20e6, "20ms"],
  [1.5e9, "1.5s"],
  [60e9, "1m0s"],
  [3600e9, "1h0m0s"],
  [-5e9, "-5s"],
];
for (const [nanoseconds, text] of durations) {
  Deno.test(`${nanoseconds} ns are written ${text}, and read back`, () => {
    assertEquals([durationText(nanoseconds), parseDuration(text)], [text, nanoseconds]);
  });
}
