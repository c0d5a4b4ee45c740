/** What a search in several workers and they tell each other. */
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
  | { readonly type: "go"; readonly memory?: SharedArrayBuffer }
  | { readonly type: "turn" }
  | { readonly type: "end" };

export async function modelOf({ module, make, args = [] }: ModelSource): Promise<SystemModel> {
  const made = (await import(module) as Record<string, unknown>)[make];
  if (typeof made !== "function") throw new Error(`Cannot make the model: ${module} exports no function "${make}"`);
  return made(...args) as SystemModel;
}
