/** The same workload and judges as in simulation, on three real processes with real disks, over TLS. */
import { assert, assertEquals } from "@std/assert";
import type { Accident } from "./nemesis.ts";
import { SmallDisks } from "./processes/full_disk.ts";
import { killMany, type ProcessTrial, sayVerdict, tryProcesses } from "./processes/trial_of_processes.ts";

const seed = Number(Deno.env.get("CHARTROOM_SEED") ?? 1);

async function tried(trial: Omit<ProcessTrial, "seed">): Promise<void> {
  const verdict = await tryProcesses({ seed, ...trial });
  console.log(sayVerdict(verdict));
  assertEquals(verdict.story, "", `With CHARTROOM_SEED=${seed}:\n${verdict.story}`);
  const { writes, events, keys } = verdict.judgement.counts;
  assert(writes > 20 && events > 50, `Too little has happened: ${sayVerdict(verdict)}`);
  assert(verdict.judgement.unknown.length <= keys / 10, `Undecided: ${verdict.judgement.unknown}`);
  assert([...verdict.accidents.values()].some((count) => count > 0), "Nothing has happened to the members");
}

const trials: Record<string, { readonly seconds: number; readonly accidents: readonly Accident[] }> = {
  "are killed, stand still and are cut off": { seconds: 15, accidents: ["kill", "everybody", "pause", "partition"] },
  "do not hear each other well": { seconds: 12, accidents: ["noise", "oneWay", "moveLeader", "pause"] },
  "lose the end of their logs or themselves": { seconds: 12, accidents: ["cutTail", "replace"] },
};
for (const [what, trial] of Object.entries(trials)) {
  Deno.test(`three processes keep every promise while members ${what}`, () => tried(trial));
}

Deno.test({
  name: "three processes keep every promise while their disks are full",
  ignore: SmallDisks.missing() !== undefined,
  fn: async () => {
    const disks = new SmallDisks();
    try {
      await tried({ seconds: 12, accidents: ["diskError"], ...disks.stage });
    } finally {
      disks.unmount();
    }
  },
});

Deno.test("three processes lose no answered write to kill -9 under load", async () => {
  const report = await killMany(Number(Deno.env.get("CHARTROOM_KILLS") ?? 20), seed);
  console.log(`${report.kills} killed, ${report.writes} answered writes, ${report.unknown} whose answer was lost`);
  assertEquals(report.stories, []);
  assert(report.writes > 5 * report.kills, `Too little was written: ${report.writes}`);
});
