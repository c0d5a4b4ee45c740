/**
 * The smallest part of a failing schedule that still fails the same way: delta debugging (Zeller's ddmin), first over
 * the faults, then over the operations.
 */
import type { Schedule } from "./schedule.ts";
import { simulate, type SimulationOptions, type SimulationResult } from "./simulate.ts";

export interface Shrunk {
  readonly schedule: Schedule;
  readonly result: SimulationResult;
  readonly runs: number;
}

export async function shrink(
  options: SimulationOptions,
  failing: SimulationResult,
  mostRuns: number,
  ran?: (runs: number, left: number) => void,
): Promise<Shrunk> {
  let { schedule } = failing;
  let result = failing;
  let runs = 0;
  const fails = async (candidate: Schedule): Promise<boolean> => {
    if (runs >= mostRuns) return false;
    runs++;
    const tried = await simulate({ ...options, schedule: candidate });
    ran?.(runs, candidate.faults.length + candidate.operations.length);
    if (tried.violation?.invariant !== failing.violation?.invariant) return false;
    schedule = candidate;
    result = tried;
    return true;
  };
  // What comes after the failure has no part in it.
  const atMs = failing.violation?.atMs ?? Infinity;
  const before = <Item extends { atMs: number }>(items: readonly Item[]) => items.filter((item) => item.atMs <= atMs);
  await fails({ faults: before(schedule.faults), operations: before(schedule.operations) });
  await minimise(schedule.faults, (faults) => fails({ ...schedule, faults }));
  await minimise(schedule.operations, (operations) => fails({ ...schedule, operations }));
  return { schedule, result, runs };
}

/** Leaves out ever smaller parts, as long as what is left still fails. */
export async function minimise<Item>(
  items: readonly Item[],
  fails: (left: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  let left = items;
  if (left.length > 0 && await fails([])) return [];
  for (let size = Math.ceil(left.length / 2); size >= 1;) {
    let shorter = false;
    for (let start = 0; start < left.length;) {
      const rest = [...left.slice(0, start), ...left.slice(start + size)];
      if (rest.length > 0 && await fails(rest)) {
        left = rest;
        shorter = true;
      } else start += size;
    }
    if (size === 1 && !shorter) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return left;
}
