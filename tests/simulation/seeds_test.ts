/** Whole clusters under a few seeds: nothing may be violated, and everything comes to rest where it should. */
import { assertEquals } from "@std/assert";
import { faultKinds } from "../../commands/simulation/schedule.ts";
import { simulate } from "../../commands/simulation/simulate.ts";

/** Others than the suite `simulation` runs. */
const firstSeed = 100_001;
const seeds = 2;

Deno.test(`simulation of ${seeds} seeds for a minute violates nothing`, async () => {
  const failed: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const { violation } = await simulate({
      seed,
      nodes: 3,
      masters: seed % 2 === 0 ? 3 : 1,
      minutes: 1,
      faults: faultKinds,
    });
    if (violation !== undefined) failed.push(`seed ${seed}: ${violation.invariant}: ${violation.message}`);
  }
  assertEquals(failed, []);
});
