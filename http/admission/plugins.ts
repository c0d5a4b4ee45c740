/**
 * The plugins in Kubernetes' order: those in the tree, policies and webhooks, and at last what gives out and checks what
 * is stored.
 */
import type { KubeObject, Service } from "../../machines/objects/object.ts";
import { type ApiClient, type ResourceRef, resources } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { type Follower, type Following, followResource } from "../auth/follow_resource.ts";
import { escalationCheck } from "../auth/rbac/escalation.ts";
import type { RbacPolicy } from "../auth/rbac/policy.ts";
import type { ResourceRegistry } from "../machinery/resource_registry.ts";
import { webhookCaller } from "../outgoing/webhook_caller.ts";
import type { SchemaAccess } from "../machinery/schema_access.ts";
import type { AdmissionPlugin, Authorizer } from "../machinery/types.ts";
import { clusterState, followCluster } from "./cluster_state.ts";
import {
  defaultIngressClass,
  defaultStorageClass,
  storageObjectInUseProtection,
  taintNodesByCondition,
} from "./defaulting_plugins.ts";
import { dynamicMutation } from "./dynamic_mutation.ts";
import { limitRanger } from "./limit_ranger.ts";
import { namespaceLifecycle } from "./namespace_lifecycle.ts";
import { defaultTolerationSeconds, priority, runtimeClass } from "./pod_plugins.ts";
import { nodeRestriction } from "./node_restriction.ts";
import { MutatingPolicies } from "./policies/mutating_policies.ts";
import { PolicyContext } from "./policies/policy_context.ts";
import { validatingPolicies } from "./policies/validating_policies.ts";
import { podSecurity } from "./pod_security.ts";
import { resourceQuota } from "./resource_quota.ts";
import { serviceAccount } from "./service_account.ts";
import { serviceAllocation } from "./service_allocation.ts";
import { ServiceAllocator, type ServiceRanges } from "./service_allocator.ts";
import { unenforced } from "./unenforced.ts";
import { MutatingWebhooks } from "./webhooks/mutating_webhooks.ts";
import { validatingWebhooks } from "./webhooks/validating_webhooks.ts";

export interface AdmissionOptions extends ServiceRanges {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly authorizer: Authorizer;
  readonly policy: RbacPolicy;
  readonly registry: ResourceRegistry;
  readonly schema: SchemaAccess;
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
  const context = new PolicyContext(options.registry, client, state.namespaces, options.authorizer);
  const mutatingPolicies = new MutatingPolicies(context, options.schema);
  const validating = validatingPolicies(context);
  const calls = {
    matcher: context.matcher,
    authorizer: options.authorizer,
    caller: webhookCaller(options),
    random,
  };
  const mutatingHooks = new MutatingWebhooks(calls, options.schema);
  const validatingHooks = validatingWebhooks(calls);
  const early = [
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
  ];
  return {
    allocator,
    early,
    late: [
      dynamicMutation(early, [mutatingPolicies, mutatingHooks]),
      serviceAllocation(allocator),
      escalationCheck(options.policy, options.authorizer),
      validating,
      validatingHooks,
      unenforced,
      // The last: what it counts is let in by all others.
      resourceQuota(state.resourceQuotas, client),
    ],
    follow() {
      const cluster = followCluster(state, client, clock);
      const follower = allocator as unknown as Follower<KubeObject>;
      const all = [
        cluster,
        followResource<KubeObject>(client, clock, resources.services, follower),
        mutatingPolicies.table.follow(
          client,
          clock,
          read("mutatingadmissionpolicies"),
          read("mutatingadmissionpolicybindings"),
        ),
        mutatingHooks.table.follow(client, clock, read("mutatingwebhookconfigurations")),
        validatingHooks.table.follow(client, clock, read("validatingwebhookconfigurations")),
        validating.table.follow(
          client,
          clock,
          read("validatingadmissionpolicies"),
          read("validatingadmissionpolicybindings"),
        ),
      ];
      return {
        ready: Promise.all(all.map(({ ready }) => ready)).then(() => {}),
        stop: () => all.forEach((one) => one.stop()),
      };
    },
  };
}

const read = (resource: string): ResourceRef => ({ group: "admissionregistration.k8s.io", version: "v1", resource });

/** The type of what the allocator follows, for those who feed it from an informer. */
export type ServiceFollower = Follower<KubeObject & Service>;
