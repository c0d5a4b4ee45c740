import { assertEquals, assertRejects } from "@std/assert";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { InFlight } from "../../../http/machinery/in_flight.ts";
import { ApiError } from "../../../machines/objects/status.ts";

Deno.test("of writes 200 run at a time, 2,000 wait in order, further ones are refused with 429; reads go on", async () => {
  const inFlight = new InFlight(new ManualClock());
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (index: number) => () => {
    begun.push(index);
    return new Promise<number>((resolve) => ends.push(() => resolve(index)));
  };
  const all = Array.from({ length: 2_200 }, (_, index) => inFlight.run("write", work(index)));
  await Promise.resolve();
  assertEquals(begun.length, 200);
  const refusal = await assertRejects(() => inFlight.run("write", work(9_999)), ApiError) as ApiError;
  assertEquals([refusal.code, refusal.status.details?.retryAfterSeconds], [429, 1]);
  assertEquals(await inFlight.run("read", () => Promise.resolve("read")), "read");
  for (let index = 0; index < 2_200; index++) {
    ends[index]!();
    await all[index];
  }
  assertEquals(begun, Array.from({ length: 2_200 }, (_, index) => index));
});

Deno.test("a request that takes more than a minute is answered 504 and gives its place up", async () => {
  const clock = new ManualClock();
  const inFlight = new InFlight(clock);
  const stuck = assertRejects(() => inFlight.run("write", () => new Promise(() => {})), ApiError);
  clock.advance(62_000);
  assertEquals((await stuck as ApiError).code, 504);
  assertEquals(clock.nextWake, undefined);
});
