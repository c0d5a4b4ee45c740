/** The replicated store under a few of the seeds of which `deno task soak:store` runs thousands. */
import { assert, assertEquals } from "@std/assert";
import { sayReport, simulateSeeds } from "./simulated/many_seeds.ts";
import { accidents } from "./nemesis.ts";
import { simulateStore } from "./simulated/simulate_store.ts";

const first = Number(Deno.env.get("CHARTROOM_SEED") ?? 1);
const count = Number(Deno.env.get("CHARTROOM_SEEDS") ?? 40);

Deno.test("three members keep every promise to clients and watches, whatever befalls them under these seeds", async () => {
  const report = await simulateSeeds({ first, count, seconds: 8 });
  console.log(sayReport(report));
  assertEquals(report.broken.map(({ seed, story }) => `CHARTROOM_SEED=${seed} CHARTROOM_SEEDS=1\n${story}`), []);
  assert(report.undecided <= report.keys / 100, `The search came to no end for ${report.undecided} keys`);
  if (count < 40) return;
  assert(report.writes > 100 * count, `Only ${report.writes} writes`);
  for (const accident of accidents) assert(report.accidents[accident] > 0, `Nothing was tried with ${accident}`);
});

Deno.test("a seed runs exactly as it ran before", async () => {
  const [one, two] = [await simulateStore({ seed: 7, seconds: 4 }), await simulateStore({ seed: 7, seconds: 4 })];
  assert(one.judgement.counts.operations > 100);
  assertEquals(one.fingerprint === two.fingerprint, true, "Two runs with seed 7 differ");
});
