/** The table of built-in resources. */
import type { Resource } from "../machinery/types.ts";
import { appsResources } from "./apps.ts";
import { autoscalingResources } from "./autoscaling.ts";
import { batchResources } from "./batch.ts";
import { coreResources } from "./core/core.ts";
import { newEvents } from "./core/event.ts";
import { discoveryResources } from "./discovery.ts";
import { networkingResources } from "./networking.ts";
import { policyResources } from "./policy.ts";
import { rbacResources } from "./rbac.ts";
import { reviewResources } from "./reviews.ts";
import { coordinationResources, nodeResources, schedulingResources } from "./scheduling.ts";
import { storageResources } from "./storage.ts";
import type { ResourceHooks } from "./row.ts";

/** Every built-in resource, with the hooks of the parts that answer some of them. */
export function createResources(hooks: ResourceHooks = {}): readonly Resource[] {
  return [
    ...coreResources(hooks),
    ...appsResources,
    ...autoscalingResources,
    ...batchResources,
    ...coordinationResources,
    ...discoveryResources,
    newEvents,
    ...networkingResources,
    ...nodeResources,
    ...policyResources,
    ...rbacResources,
    ...reviewResources(hooks),
    ...schedulingResources,
    ...storageResources,
  ];
}

/** The table without hooks: what the rows are, for those who only read them. */
export const builtInResources: readonly Resource[] = createResources();
