import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { lastRun, nextRun, parseSchedule } from "../../../../machines/controllers/cron_job/schedule.ts";
import { formatTime, parseTime } from "../../../../machines/objects/time.ts";
import { zoneOffset } from "../../../../actors/controllers/time_zones.ts";

const cases: { schedule: string; after: string; zone?: string; next: string | undefined }[] = [
  { schedule: "* * * * *", after: "2026-01-01T00:00:00Z", next: "2026-01-01T00:01:00Z" },
  { schedule: "*/15 3 * * *", after: "2026-01-01T03:45:00Z", next: "2026-01-02T03:00:00Z" },
  { schedule: "@monthly", after: "2026-01-31T12:00:00Z", next: "2026-02-01T00:00:00Z" },
  { schedule: "@every 1h30m", after: "2026-01-01T00:00:10Z", next: "2026-01-01T01:30:10Z" },
  { schedule: "0 0 29 feb *", after: "2026-01-01T00:00:00Z", next: "2028-02-29T00:00:00Z" },
  { schedule: "0 12 13 * FRI", after: "2026-01-03T00:00:00Z", next: "2026-01-09T12:00:00Z" },
  { schedule: "0 12 */1 * MON-TUE", after: "2026-01-03T00:00:00Z", next: "2026-01-05T12:00:00Z" },
  { schedule: "0 9 * * *", zone: "Europe/Berlin", after: "2026-07-01T00:00:00Z", next: "2026-07-01T07:00:00Z" },
  { schedule: "0 9 * * *", zone: "Asia/Kathmandu", after: "2026-07-01T04:00:00Z", next: "2026-07-02T03:15:00Z" },
  // 02:30 is left out when clocks go forward, and comes twice when they go back.
  { schedule: "30 2 * * *", zone: "Europe/Berlin", after: "2026-03-28T12:00:00Z", next: "2026-03-30T00:30:00Z" },
  { schedule: "30 2 * * *", zone: "Europe/Berlin", after: "2026-10-25T00:30:00Z", next: "2026-10-25T01:30:00Z" },
  { schedule: "0 0 31 2 *", after: "2026-01-01T00:00:00Z", next: undefined },
];
for (const { schedule, after, zone, next } of cases) {
  Deno.test(`nextRun of "${schedule}"${zone ? ` in ${zone}` : ""} after ${after} is ${next}`, () => {
    const offset = (at: number) => zone === undefined ? 0 : zoneOffset(zone, at)!;
    const found = nextRun(parseSchedule(schedule)!, parseTime(after)!, offset);
    assertEquals(found === undefined ? undefined : formatTime(found), next);
  });
}

Deno.test("parseSchedule refuses what is none", () => {
  for (const text of ["", "* * * *", "60 * * * *", "5-1 * * * *", "* * * * 7", "*/0 * * * *", "@often", "@every x"]) {
    assertEquals(parseSchedule(text), undefined, text);
  }
  assertEquals(zoneOffset("Nowhere/Land", 0), undefined);
});

Deno.test("lastRun is the last of what nextRun finds", () => {
  const start = parseTime("2026-03-20T00:00:00Z")!;
  const schedules = ["*/7 * * * *", "30 2 * * *", "0 */5 1,29 * 1", "15 1-3 * * *", "@every 90m"];
  const zones = ["Europe/Berlin", "America/St_Johns", "UTC"];
  const anywhere = fc.nat(12 * 24 * 60);
  fc.assert(
    fc.property(
      fc.constantFrom(...schedules),
      fc.constantFrom(...zones),
      anywhere,
      fc.nat(3000),
      (text, zone, from, length) => {
        const schedule = parseSchedule(text)!;
        const offset = (at: number) => zoneOffset(zone, at)!;
        const [after, until] = [start + from * 60_000, start + (from + length) * 60_000];
        let last: number | undefined;
        for (
          let at = nextRun(schedule, after, offset);
          at !== undefined && at <= until;
          at = nextRun(schedule, at, offset)
        ) {
          last = at;
        }
        assertEquals(lastRun(schedule, after, until, offset), last);
      },
    ),
    { numRuns: 60 },
  );
});
