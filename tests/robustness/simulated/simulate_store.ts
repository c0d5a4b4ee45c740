/** One seed: a trial in simulation. The same seed runs the same. */
import { type Accident, Nemesis } from "../nemesis.ts";
import { hold, type Verdict } from "../trial.ts";
import { Workload, type WorkloadOptions } from "../workload.ts";
import { type Seams, SimulatedWorld } from "./simulated_world.ts";

export interface StoreSimulation extends Seams {
  readonly seed: number;
  /** Of trouble, on the simulated clock. */
  readonly seconds?: number;
  /** Absent: drawn. */
  readonly accidents?: readonly Accident[];
  readonly workload?: Partial<WorkloadOptions>;
}

export interface StoreRun extends Verdict {
  /** What an equal run has equal. */
  readonly fingerprint: string;
}

/** More simulated time than a trial takes: something stands still. */
const limitMs = 300_000;

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
  const hashes = () => Promise.all(world.running().map((name) => world.storage(name).hash()));
  try {
    await world.run(Promise.all([...world.names].map((name) => world.start(name))), 60_000);
    const verdict = await world.run(hold({ stage: world, workload, nemesis, seconds, hashes }), limitMs);
    const { operations, watches } = world.history;
    return { ...verdict, fingerprint: JSON.stringify([operations, watches.map(({ said }) => said)]) };
  } finally {
    workload.close();
    await world.run(world.closeAll(), 60_000).catch(() => {});
  }
}
