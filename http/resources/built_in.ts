/** The table of built-in resources. */
import type { Resource } from "../machinery/types.ts";
import { appsResources } from "./apps.ts";
import { batchResources } from "./batch.ts";
import { pods } from "./core/pod.ts";
import type { ResourceHooks } from "./row.ts";

export function createResources(_hooks: ResourceHooks = {}): readonly Resource[] {
  return [pods, ...appsResources, ...batchResources];
}
