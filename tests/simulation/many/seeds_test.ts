/** A sample of seeds, in shards that tell how far they are; `deno task soak` takes thousands of ten minutes each. */
import { assertEquals } from "@std/assert";
import { faultKinds } from "../../../commands/simulation/schedule.ts";
import { simulate } from "../../../commands/simulation/simulate.ts";

const shards = 4;
const seedsInShard = 10;
const minutes = 2;

for (let shard = 0; shard < shards; shard++) {
  const first = 1 + shard * seedsInShard;
  const last = first + seedsInShard - 1;
  Deno.test(`simulation of the seeds ${first} to ${last} for ${minutes} minutes violates nothing`, async () => {
    const failed: string[] = [];
    for (let seed = first; seed <= last; seed++) {
      const { violation } = await simulate({
        seed,
        nodes: 3,
        masters: seed % 10 === 0 ? 3 : 1,
        minutes,
        faults: faultKinds,
      });
      if (violation !== undefined) failed.push(`seed ${seed}: ${violation.invariant}: ${violation.message}`);
    }
    assertEquals(failed, []);
  });
}
