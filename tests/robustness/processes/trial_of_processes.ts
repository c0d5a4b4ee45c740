/** A trial of three real processes. */
import { type Accident, Nemesis } from "../nemesis.ts";
import { hold, type Verdict } from "../trial.ts";
import { Workload, type WorkloadOptions } from "../workload.ts";
import { Killer } from "./killer.ts";
import { ProcessStage, type ProcessStageOptions } from "./process_stage.ts";

export interface ProcessTrial extends ProcessStageOptions {
  /** Of trouble, at most. */
  readonly seconds: number;
  /** What befalls members, or how many of them are killed. */
  readonly accidents: readonly Accident[] | { readonly kills: number };
  readonly workload?: Partial<WorkloadOptions>;
}

/** An event takes so long at most from a member to the test, on a machine that has other things to do. */
const leaseSlackMs = 50;

export async function tryProcesses(
  { seconds, accidents, workload: asked, ...options }: ProcessTrial,
): Promise<Verdict> {
  const stage = new ProcessStage(options);
  const workload = new Workload(stage, { clients: 8, watchers: 6, keys: 8, pauseMs: 20, ...asked });
  try {
    await stage.startAll();
    const nemesis = "kills" in accidents
      ? new Killer(stage, stage.random, accidents.kills)
      : new Nemesis(stage, stage.random, accidents);
    return await hold({ stage, workload, nemesis, seconds, hashes: () => stage.hashes(), leaseSlackMs });
  } finally {
    workload.close();
    await stage.close();
  }
}

/** Kills so many processes in rounds, each on a store of its own that is judged at its end. */
export async function killMany(kills: number, seed: number, told: (text: string) => void = () => {}) {
  const most = 50;
  const sums = { kills: 0, writes: 0, operations: 0, unknown: 0 };
  const stories: string[] = [];
  for (let round = 0; sums.kills < kills && stories.length === 0; round++) {
    const verdict = await tryProcesses({
      seed: seed + round,
      seconds: 600,
      accidents: { kills: Math.min(most, kills - sums.kills) },
      workload: { keptRevisions: round % 2 === 0 ? 0 : 200 },
    });
    sums.kills += [...verdict.accidents.values()].reduce((sum, count) => sum + count, 0);
    for (const name of ["writes", "operations", "unknown"] as const) sums[name] += verdict.judgement.counts[name];
    if (verdict.story !== "") stories.push(`Seed ${seed + round}: ${verdict.story}`);
    told(`${sums.kills} killed: ${sayVerdict(verdict)}`);
  }
  return { ...sums, stories };
}

/** One line of what a trial came to. */
export const sayVerdict = ({ judgement: { counts, unknown }, accidents }: Verdict): string =>
  `${[...accidents].map(([accident, times]) => `${times} ${accident}`).join(", ")}: ` +
  Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(", ") + `, ${unknown.length} keys undecided`;
