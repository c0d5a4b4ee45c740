/** What a search in several workers and they tell each other. */
import type { SavedCoverage } from "../../machines/check/machine_coverage.ts";
import type { SystemModel } from "../../machines/check/system_model.ts";

/** Where a worker finds the model: machines and functions cannot be sent. */
export interface ModelSource {
  /** The URL of a module, as `import.meta.resolve` gives it. */
  readonly module: string;
  /** What it exports: a function that makes the model. */
  readonly make: string;
  /** What that function is given; plain data. */
  readonly args?: readonly unknown[];
}

export type ToWorker =
  | {
    readonly type: "begin";
    readonly model: ModelSource;
    readonly worker: number;
    readonly workers: number;
    readonly memory: SharedArrayBuffer;
  }
  /** A search of its own: `make` does it and gives back what was found. */
  | { readonly type: "whole"; readonly model: ModelSource }
  | { readonly type: "go"; readonly memory?: SharedArrayBuffer }
  | { readonly type: "turn" }
  | { readonly type: "end" };

/** Coverage of a chart, whose machine cannot be sent. */
export interface SentCoverage {
  /** The machine's. */
  readonly id: string;
  readonly saved: SavedCoverage;
}

/** What `whole` is answered by. */
export type WholeAnswer<Found> = Omit<Found, "coverage"> & { readonly coverage: readonly SentCoverage[] };

export async function modelOf(source: ModelSource): Promise<SystemModel> {
  return await madeBy<SystemModel>(source);
}

export async function madeBy<Made>({ module, make, args = [] }: ModelSource): Promise<Made> {
  const made = (await import(module) as Record<string, unknown>)[make];
  if (typeof made !== "function") throw new Error(`Cannot make the model: ${module} exports no function "${make}"`);
  return made(...args) as Made;
}
