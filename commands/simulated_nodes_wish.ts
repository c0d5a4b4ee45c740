/** What `up` was told about simulated nodes. */
import { parse } from "@std/yaml";
import { readBehaviours, type SimulatedWorld } from "../machines/simulated_nodes/behaviours.ts";
import type { SimulatedNodesWish } from "./simulated_nodes.ts";
import type { UpOptions } from "./up.ts";

/** Undefined: none. @throws Error that says what to do instead. */
export async function simulatedNodesWish(options: UpOptions): Promise<SimulatedNodesWish | undefined> {
  const { simulatedNodes: count, behaviours, nodes = 0, split = false, masters = 0 } = options;
  if (count === undefined) {
    if (behaviours === undefined) return undefined;
    throw new Error("Cannot use --behaviours: it says how pods behave on simulated nodes; add --simulated-nodes COUNT");
  }
  if (split || masters > 0) {
    throw new Error(
      "Cannot simulate nodes of a cluster in several processes: leave --masters and --split out, or --simulated-nodes",
    );
  }
  const world = behaviours === undefined ? { nodes: {}, behaviours: [] } : await readFile(behaviours);
  return { count, world, mixed: nodes > 0 };
}

async function readFile(path: string): Promise<SimulatedWorld> {
  try {
    return readBehaviours(parse(await Deno.readTextFile(path)), "");
  } catch (error) {
    throw new Error(`Cannot read the behaviours in "${path}": ${(error as Error).message}`);
  }
}
