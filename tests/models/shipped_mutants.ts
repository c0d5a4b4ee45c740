/**
 * Seeded faults in the shipped machines and plans: a guard that is swapped, an order that is dropped, a timer that is
 * missing, a step out of order. Each names the model that must notice it.
 */
import { apiServerMutants } from "./mutants/api_server_mutants.ts";
import { controllerMutants } from "./mutants/controller_mutants.ts";
import { garbageMutants } from "./mutants/garbage_mutants.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { containerMutants, podMutants } from "./mutants/pod_mutants.ts";
import { rolloutMutants } from "./mutants/rollout_mutants.ts";
import { schedulerMutants } from "./mutants/scheduler_mutants.ts";

export const shippedMutants: readonly Mutant[] = [
  ...apiServerMutants,
  ...controllerMutants,
  ...schedulerMutants,
  ...podMutants,
  ...containerMutants,
  ...rolloutMutants,
  ...garbageMutants,
];
