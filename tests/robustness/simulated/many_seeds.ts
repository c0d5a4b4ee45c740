/** Many seeds, one after the other, and what they came to. */
import { type Accident, accidents } from "../nemesis.ts";
import { simulateStore, type StoreSimulation } from "./simulate_store.ts";

export interface SeedsReport {
  readonly seeds: number;
  readonly operations: number;
  readonly writes: number;
  readonly events: number;
  readonly unknown: number;
  /** Keys of which the search came to no end, of all that were looked at. */
  readonly undecided: number;
  readonly keys: number;
  readonly accidents: Readonly<Record<Accident, number>>;
  readonly broken: readonly { readonly seed: number; readonly story: string }[];
}

export async function simulateSeeds(
  { first, count, ...options }: Omit<StoreSimulation, "seed"> & { first: number; count: number },
  told: (seed: number, story: string) => void = () => {},
): Promise<SeedsReport> {
  const sums = { operations: 0, writes: 0, events: 0, unknown: 0, undecided: 0, keys: 0 };
  const struck = Object.fromEntries(accidents.map((accident) => [accident, 0])) as Record<Accident, number>;
  const broken: { seed: number; story: string }[] = [];
  for (let seed = first; seed < first + count; seed++) {
    let story: string;
    try {
      const run = await simulateStore({ seed, ...options });
      const { counts, unknown } = run.judgement;
      for (const name of ["operations", "writes", "events", "unknown", "keys"] as const) sums[name] += counts[name];
      sums.undecided += unknown.length;
      for (const [accident, times] of run.accidents) struck[accident] += times;
      story = run.story;
    } catch (error) {
      story = error instanceof Error ? error.stack ?? error.message : String(error);
    }
    if (story !== "") broken.push({ seed, story });
    told(seed, story);
  }
  return { seeds: count, ...sums, accidents: struck, broken };
}

export const sayReport = ({ seeds, accidents, broken, ...sums }: SeedsReport): string =>
  `${seeds} seeds, ${broken.length} broken; ` +
  Object.entries(sums).map(([name, sum]) => `${sum} ${name}`).join(", ") + "; " +
  Object.entries(accidents).map(([name, times]) => `${times} ${name}`).join(", ");
