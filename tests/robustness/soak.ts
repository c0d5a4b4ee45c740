/**
 * The long run: `deno task soak:store [--seed N] [--seeds M] [--seconds S] [--kills K]`. Thousands of simulated seeds,
 * then kill -9 of real processes under load. Prints what is broken as it is found, with the story.
 */
import { killMany } from "./processes/trial_of_processes.ts";
import { sayReport, simulateSeeds } from "./simulated/many_seeds.ts";

const numbers = new Map<string, number>();
for (let at = 0; at < Deno.args.length; at += 2) numbers.set(Deno.args[at]!, Number(Deno.args[at + 1]));
const [first, count] = [numbers.get("--seed") ?? 1, numbers.get("--seeds") ?? 5_000];

const report = await simulateSeeds({ first, count, seconds: numbers.get("--seconds") ?? 15 }, (seed, story) => {
  if (story !== "") console.log(`Seed ${seed} is broken: ${story}\n`);
  else if (seed % 100 === 0) console.log(`Seed ${seed} is well`);
});
console.log(sayReport(report));

const { stories, ...sums } = await killMany(numbers.get("--kills") ?? 1_000, first, (text) => console.log(text));
console.log(`kill -9: ${Object.entries(sums).map(([name, sum]) => `${sum} ${name}`).join(", ")}`);
for (const story of stories) console.log(story);
if (report.broken.length + stories.length > 0) Deno.exit(1);
