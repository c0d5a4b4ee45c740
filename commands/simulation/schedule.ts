/**
 * What happens to a cluster in a run: operations that people ask for, and faults. Drawn from the seed as a whole before
 * the run begins, so that a part of it can be left out and the rest stays what it was.
 */
import { SimulatedRandom } from "../../actors/simulated/simulated_random.ts";
import { drawOperations, type Operation } from "./operations.ts";

export const faultKinds = [
  "apiCrash",
  "powerLoss",
  "diskError",
  "schedulerCrash",
  "controllersCrash",
  "kubeletCrash",
  "proxyCrash",
  "partition",
  "delay",
  "loss",
  "brokenWatches",
  "slowNode",
  "stall",
  "engineRestart",
  "engineFailures",
  "droppedEvents",
  "containerDeath",
  "clockJump",
  "nodeReboot",
] as const;

export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  /** Its number in the schedule as it was drawn. */
  readonly id: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly forMs: number;
  /** Chooses whom it hits among those it can, in [0, 1). */
  readonly place: number;
  /** How hard, in [0, 1). */
  readonly strength: number;
}

export interface Schedule {
  readonly faults: readonly Fault[];
  readonly operations: readonly Operation[];
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly nodes: number;
  /** How long things happen; quiet comes after. */
  readonly forMs: number;
  readonly faults: readonly FaultKind[];
  /** Operations of people; without it the cluster is idle. */
  readonly workload: boolean;
}

/** Nothing happens before: the cluster comes up. */
export const settledMs = 20_000;

export function drawSchedule(options: ScheduleOptions): Schedule {
  const random = new SimulatedRandom(options.seed).fork("schedule");
  return {
    faults: drawFaults(options, random.fork("faults")),
    operations: options.workload ? drawOperations(random.fork("operations"), options) : [],
  };
}

/** Swarm testing: each seed has only some kinds of faults, each as often as it draws. */
function drawFaults({ faults, forMs }: ScheduleOptions, random: SimulatedRandom): Fault[] {
  const drawn: Omit<Fault, "id">[] = [];
  for (const kind of faultKinds) {
    const own = random.fork(kind);
    const on = own.next() < 0.4;
    // Between one in ten seconds and one in five minutes, evenly in orders of magnitude.
    const meanMs = 10_000 * 30 ** own.next();
    if (!on || !faults.includes(kind)) continue;
    for (let at = settledMs + gap(own, meanMs); at < settledMs + forMs; at += gap(own, meanMs)) {
      const rest = settledMs + forMs - at;
      drawn.push({
        kind,
        atMs: Math.floor(at),
        forMs: Math.floor(Math.min(rest, 500 * 120 ** own.next())),
        place: own.next(),
        strength: own.next(),
      });
    }
  }
  return drawn.sort((a, b) => a.atMs - b.atMs).map((fault, id) => ({ id, ...fault }));
}

function gap(random: SimulatedRandom, meanMs: number): number {
  return -Math.log(1 - random.next()) * meanMs;
}
