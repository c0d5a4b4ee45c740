/** A bug that the judges do not find fails the suite. */
import { assert } from "@std/assert";
import { simulateStore } from "./simulated/simulate_store.ts";
import { type StoreMutant, storeMutants } from "./store_mutants.ts";

/** Within so many seeds it must be found. */
const mostSeeds = 12;

async function find({ accidents, found, seams, workload, plant, seconds = 4 }: StoreMutant): Promise<string> {
  let told = "nothing";
  for (let seed = 1; seed <= mostSeeds; seed++) {
    const mend = plant?.();
    try {
      const { story } = await simulateStore({
        seed,
        seconds,
        accidents,
        ...seams,
        workload: { keptRevisions: 0, pauseMs: 25, keys: 5, ...workload },
      });
      if (found.test(story)) return "";
      if (story !== "") told = story;
    } finally {
      mend?.();
    }
  }
  return told;
}

for (const mutant of storeMutants) {
  Deno.test(`what clients see gives away that ${mutant.name}`, async () => {
    const other = await find(mutant);
    assert(other === "", `Of "${mutant.found.source}" nothing was found within ${mostSeeds} seeds, but:\n${other}`);
  });
}
