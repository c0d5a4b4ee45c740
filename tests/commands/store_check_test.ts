import { assertEquals } from "@std/assert";
import { ManualClock } from "../../actors/simulated/manual_clock.ts";
import { storeCheck } from "../../commands/store_check.ts";
import type { RangeResult } from "../../ports/storage.ts";

const nothing = { revision: 1, kvs: [], count: 0, more: false } as unknown as RangeResult;

Deno.test("storeCheck has nothing against a store that answers, and says what one says that refuses", async () => {
  const clock = new ManualClock();
  assertEquals(await storeCheck({ range: () => Promise.resolve(nothing) }, clock)(), undefined);
  const refusing = { range: () => Promise.reject(new Error("there is no leader")) };
  assertEquals(await storeCheck(refusing, clock)(), "there is no leader");
});

Deno.test("storeCheck waits for two seconds, and asks the store once for all who ask meanwhile", async () => {
  const clock = new ManualClock();
  let asked = 0;
  const check = storeCheck({ range: () => (asked++, new Promise<RangeResult>(() => {})) }, clock);
  const answers = Promise.all([check(), check()]);
  clock.advance(2_000);
  const problem = "the store has not answered within 2 s: a majority of its members is needed";
  assertEquals([await answers, asked], [[problem, problem], 1]);
  const again = check();
  clock.advance(2_000);
  assertEquals([await again, asked], [problem, 2]);
});
