/** What a worker knows of itself: `worker.json` in its state directory. */
import type { WorkerAnswer } from "./join_routes.ts";

/** What is known once it has joined; in `worker.json`. */
export interface WorkerIdentity extends WorkerAnswer {
  readonly name: string;
  readonly servers: readonly string[];
  readonly nodeAddress?: string;
}

/** Undefined: it has not joined yet. */
export async function readIdentity(directory: string): Promise<WorkerIdentity | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(`${directory}/worker.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
