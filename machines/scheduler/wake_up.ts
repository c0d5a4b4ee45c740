import { filters } from "./filters/filters.ts";
import type { ClusterChange } from "./plugin.ts";

/** Whether a change can help a pod that these filters refused; with no nodes at all, only a new one can. */
export function isWorthAnotherLook(refusedBy: readonly string[], change: ClusterChange): boolean {
  if (change === "nodeAdded") return true;
  return filters.some(({ name, wakesOn }) => refusedBy.includes(name) && wakesOn.includes(change));
}
