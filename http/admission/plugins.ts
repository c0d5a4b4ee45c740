/**
 * The in-tree plugins in Kubernetes' order. Webhooks and policies belong between `early` and `late`: what `late` gives
 * out and checks must be what is stored.
 */
import type { KubeObject, Service } from "../../machines/objects/object.ts";
import { type ApiClient, resources } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { type Follower, type Following, followResource } from "../auth/follow_resource.ts";
import { escalationCheck } from "../auth/rbac/escalation.ts";
import type { RbacPolicy } from "../auth/rbac/policy.ts";
import type { AdmissionPlugin, Authorizer } from "../machinery/types.ts";
import { clusterState, followCluster } from "./cluster_state.ts";
import {
  defaultIngressClass,
  defaultStorageClass,
  storageObjectInUseProtection,
  taintNodesByCondition,
} from "./defaulting_plugins.ts";
import { limitRanger } from "./limit_ranger.ts";
import { namespaceLifecycle } from "./namespace_lifecycle.ts";
import { defaultTolerationSeconds, priority, runtimeClass } from "./pod_plugins.ts";
import { nodeRestriction } from "./node_restriction.ts";
import { podSecurity } from "./pod_security.ts";
import { serviceAccount } from "./service_account.ts";
import { serviceAllocation } from "./service_allocation.ts";
import { ServiceAllocator, type ServiceRanges } from "./service_allocator.ts";
import { unenforced } from "./unenforced.ts";

export interface AdmissionOptions extends ServiceRanges {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly authorizer: Authorizer;
  readonly policy: RbacPolicy;
}

export interface Admission {
  readonly early: readonly AdmissionPlugin[];
  readonly late: readonly AdmissionPlugin[];
  readonly allocator: ServiceAllocator;
  /** Starts the copies the plugins read; before that they ask the API each time. Services wait for `ready`. */
  follow(): Following;
}

export function admission(options: AdmissionOptions): Admission {
  const { client, clock, random } = options;
  const state = clusterState(client);
  const allocator = new ServiceAllocator(options, () => clock.now(), () => random.next());
  return {
    allocator,
    early: [
      namespaceLifecycle(state),
      limitRanger(state),
      serviceAccount(state, { clock, random }),
      nodeRestriction(client),
      taintNodesByCondition,
      podSecurity(state),
      priority(state),
      defaultTolerationSeconds,
      defaultStorageClass(state),
      storageObjectInUseProtection,
      runtimeClass(state),
      defaultIngressClass(state),
    ],
    late: [serviceAllocation(allocator), escalationCheck(options.policy, options.authorizer), unenforced],
    follow() {
      const cluster = followCluster(state, client, clock);
      const follower = allocator as unknown as Follower<KubeObject>;
      const services = followResource<KubeObject>(client, clock, resources.services, follower);
      return {
        ready: Promise.all([cluster.ready, services.ready]).then(() => {}),
        stop() {
          cluster.stop();
          services.stop();
        },
      };
    },
  };
}

/** The type of what the allocator follows, for those who feed it from an informer. */
export type ServiceFollower = Follower<KubeObject & Service>;
