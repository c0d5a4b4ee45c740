/** The table of built-in resources. */
import type { Resource } from "../machinery/types.ts";
import { admissionRegistrationResources } from "./admission_registration.ts";
import { apiExtensionsResources } from "./api_extensions.ts";
import { appsResources } from "./apps.ts";
import { autoscalingResources } from "./autoscaling.ts";
import { batchResources } from "./batch.ts";
import { coreResources } from "./core/core.ts";
import { newEvents } from "./core/event.ts";
import { discoveryResources } from "./discovery.ts";
import { dynamicResources } from "./dynamic_resources.ts";
import { flowControlResources } from "./flow_control.ts";
import { networkingResources } from "./networking.ts";
import { policyResources } from "./policy.ts";
import { rbacResources } from "./rbac.ts";
import { apiRegistrationResources, certificateResources } from "./registration.ts";
import { reviewResources } from "./reviews.ts";
import type { ResourceHooks } from "./row.ts";
import { coordinationResources, nodeResources, schedulingResources } from "./scheduling.ts";
import { storageResources } from "./storage.ts";

/** Every built-in resource, with the hooks of the parts that answer some of them. */
export function createResources(hooks: ResourceHooks = {}): readonly Resource[] {
  return [
    ...coreResources(hooks),
    ...admissionRegistrationResources(hooks.cel),
    ...apiExtensionsResources,
    ...apiRegistrationResources,
    ...appsResources,
    ...reviewResources(hooks),
    ...autoscalingResources,
    ...batchResources,
    ...certificateResources,
    ...coordinationResources,
    ...discoveryResources,
    newEvents,
    ...flowControlResources,
    ...networkingResources,
    ...nodeResources,
    ...policyResources,
    ...rbacResources,
    ...dynamicResources(hooks.cel),
    ...schedulingResources,
    ...storageResources,
  ];
}

/** The table without hooks: what the rows are, for those who only read them. */
export const builtInResources: readonly Resource[] = createResources();
