/** The scores and their weights (kube-scheduler's default plugins). */
import type { Score } from "../plugin.ts";
import { affinityPreference } from "./affinity_preference.ts";
import { balancedAllocation } from "./balanced_allocation.ts";
import { imageLocality } from "./image_locality.ts";
import { leastAllocated } from "./least_allocated.ts";
import { podAffinityPreference } from "./pod_affinity_preference.ts";
import { spreadPreference } from "./spread_preference.ts";
import { taintPreference } from "./taint_preference.ts";

export const scores: readonly Score[] = [
  taintPreference,
  affinityPreference,
  spreadPreference,
  podAffinityPreference,
  leastAllocated,
  balancedAllocation,
  imageLocality,
];
