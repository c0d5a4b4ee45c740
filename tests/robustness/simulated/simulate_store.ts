/** One seed: a workload on a simulated store that accidents befall, then peace, and a judgement of all that was seen. */
import { describe, judge, type Judgement } from "../judge/judge.ts";
import { perform } from "../recorder.ts";
import { Workload, type WorkloadOptions } from "../workload.ts";
import { type History, root } from "../history.ts";
import { type Accident, Nemesis } from "../nemesis.ts";
import { type Seams, SimulatedWorld } from "./simulated_world.ts";

export interface StoreSimulation extends Seams {
  readonly seed: number;
  /** Of trouble, on the simulated clock. */
  readonly seconds?: number;
  /** Absent: drawn. */
  readonly accidents?: readonly Accident[];
  readonly workload?: Partial<WorkloadOptions>;
}

export interface StoreRun {
  readonly history: History;
  readonly endsAt: number;
  readonly judgement: Judgement;
  readonly accidents: ReadonlyMap<Accident, number>;
  /** What an equal run has equal. */
  readonly fingerprint: string;
  /** In words; empty when all promises were kept. */
  readonly story: string;
}

/** Time in peace, at the end: elections, catching up, watches that resume. */
const peaceMs = 20_000;

export async function simulateStore(options: StoreSimulation): Promise<StoreRun> {
  const { seed, seconds = 10, accidents, workload: drawn } = options;
  const world = new SimulatedWorld(seed, options);
  const draws = world.chance();
  const workload = new Workload(world, {
    keys: 2 + Math.floor(draws.next() * 8),
    pauseMs: 15 + draws.next() * 60,
    keptRevisions: draws.next() < 0.5 ? 5 + Math.floor(draws.next() * 40) : 0,
    ...drawn,
  });
  const nemesis = new Nemesis(world, world.chance(), accidents);
  const problems: string[] = [];
  try {
    await world.run(Promise.all([...world.names].map((name) => world.start(name))), 60_000);
    workload.start();
    const trouble = nemesis.run().catch((error) => void problems.push(said(error)));
    await world.clock.pass(seconds * 1_000);
    nemesis.isOver = true;
    await world.run(trouble, 120_000);
    await world.run(nemesis.restore().catch((error) => void problems.push(said(error))), 120_000);
    await world.clock.pass(peaceMs / 10);
    await world.run(workload.stop(), 60_000);
    const endsAt = await world.run(lastRevision(world), 60_000);
    await world.run(workload.drain(endsAt, peaceMs), peaceMs + 1_000);
    problems.push(...await world.run(differences(world), 60_000));
    const { history } = world;
    const judgement = judge(history, { endsAt });
    const story = [...problems, ...judgement.violations.length > 0 ? [describe(history, judgement)] : []].join("\n\n");
    const fingerprint = JSON.stringify([history.operations, history.watches.map(({ said }) => said)]);
    return { history, endsAt, judgement, accidents: nemesis.counts, fingerprint, story };
  } finally {
    workload.close();
    await world.run(world.closeAll(), 60_000).catch(() => {});
  }
}

const said = (error: unknown) => error instanceof Error ? error.message : String(error);

/** In peace the store serves: a linearizable list at each member; the highest revision of them. */
async function lastRevision(world: SimulatedWorld): Promise<number> {
  let last = 0;
  for (const door of world.doors()) {
    for (let tries = 0;; tries++) {
      const { answer } = await perform(world.history, "last", door, { do: "list", prefix: root, stale: false });
      if (answer?.came === "read") {
        last = Math.max(last, answer.revision);
        break;
      }
      if (tries === 3) throw new Error(`Cannot read from ${door.member} in peace: ${JSON.stringify(answer)}`);
    }
  }
  return last;
}

/** Members that have applied the same entries hold the same. */
async function differences(world: SimulatedWorld): Promise<string[]> {
  const hashes = await Promise.all(world.running().map((name) => world.storage(name).hash()));
  const [first] = hashes;
  return hashes.some(({ hash, appliedIndex }) => appliedIndex === first!.appliedIndex && hash !== first!.hash)
    ? [`members hold different things: ${JSON.stringify(hashes)}`]
    : [];
}
