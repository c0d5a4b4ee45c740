/**
 * The long run, until it is stopped: `deno task soak:store [--seed N] [--seeds M] [--seconds S]`. Prints each broken
 * seed as it is found, with the story.
 */
import { sayReport, simulateSeeds } from "./simulated/many_seeds.ts";

const numbers = new Map<string, number>();
for (let at = 0; at < Deno.args.length; at += 2) numbers.set(Deno.args[at]!, Number(Deno.args[at + 1]));
const [first, count] = [numbers.get("--seed") ?? 1, numbers.get("--seeds") ?? 5_000];

const report = await simulateSeeds({ first, count, seconds: numbers.get("--seconds") ?? 15 }, (seed, story) => {
  if (story !== "") console.log(`Seed ${seed} is broken: ${story}\n`);
  else if (seed % 100 === 0) console.log(`Seed ${seed} is well`);
});
console.log(sayReport(report));
if (report.broken.length > 0) Deno.exit(1);
