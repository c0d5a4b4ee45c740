/** What a worker knows of itself: `worker.json` in its state directory. */
import type { WorkerAnswer } from "./join_routes.ts";

/** What is known once it has joined; in `worker.json`. */
export interface WorkerIdentity extends WorkerAnswer {
  readonly name: string;
  readonly servers: readonly string[];
  readonly nodeAddress?: string;
}

/** Whole or not at all. */
export async function writeIdentity(directory: string, identity: WorkerIdentity): Promise<void> {
  const path = `${directory}/worker.json`;
  await Deno.writeTextFile(`${path}.new`, `${JSON.stringify(identity, null, 2)}\n`, { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
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
