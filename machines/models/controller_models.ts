/** Controllers over an API with caches that lag, in the situations that matter. */
import { type CronJobOptions, cronJobSystem } from "./cron_job_system.ts";
import { type DaemonSetOptions, daemonSetSystem } from "./daemon_set_system.ts";
import { type DataplaneOptions, dataplaneSystem } from "./dataplane_system.ts";
import { deploymentSystem, type DeploymentSystemOptions } from "./deployment_system.ts";
import { type EndpointOptions, endpointSystem } from "./endpoint_system.ts";
import { garbageSystem, type GarbageSystemOptions } from "./garbage_system.ts";
import type { NamedModel } from "./model.ts";
import { nodeSystem, type NodeSystemOptions } from "./node_system.ts";
import type { SystemModel } from "../check/system_model.ts";
import { type TwoNodesOptions, twoNodesSystem } from "./two_nodes_system.ts";
import { jobSystem, statefulSetSystem, type WorkloadOptions } from "./workload_systems.ts";

type Row<Options> = readonly [name: string, about: string, size: NamedModel["size"], options: Options];

const deployments: readonly Row<DeploymentSystemOptions>[] = [
  ["rollout", "a new image, two replicas, maxSurge 1, maxUnavailable 0", "small", {}],
  ["crash", "a new image, and the controller manager dies", "small", { replicas: 1, budgets: { crashes: 1 } }],
  ["recreate", "strategy Recreate", "small", { replicas: 1, strategy: "Recreate" }],
  ["scaling", "is scaled down", "small", { budgets: { edits: 0, scalings: 1 } }],
  ["deleted", "a pod is deleted", "small", { budgets: { edits: 0, deletions: 1 } }],
  ["failure", "a pod fails", "small", { budgets: { edits: 0, failures: 1 } }],
  ["recreate-two", "strategy Recreate, two replicas", "large", { strategy: "Recreate" }],
  ["no-surge", "a new image, maxSurge 0, maxUnavailable 1", "large", { maxSurge: 0, maxUnavailable: 1 }],
  ["rollback", "a new image, and another or back again at any moment", "large", {
    replicas: 1,
    budgets: { edits: 2 },
    states: 400_000,
  }],
];

const garbage: readonly Row<GarbageSystemOptions>[] = [
  ["background", "an owner goes, and its name comes back", "small", { budgets: { creations: 1, deletions: 2 } }],
  ["foreground", "an owner goes after its dependents; one of them gets another owner", "small", {
    propagation: "Foreground",
    budgets: { adoptions: 1, crashes: 1 },
  }],
  ["shared", "an owner goes after dependents that it shares", "small", {
    propagation: "Foreground",
    secondOwner: true,
    budgets: { creations: 1, crashes: 1, deletions: 2 },
  }],
  ["orphan", "an owner goes and leaves its dependents", "small", {
    propagation: "Orphan",
    budgets: { creations: 1, crashes: 1, deletions: 2 },
  }],
  ["family", "an owner and its dependent are made, and the caches show the dependent first", "small", {
    budgets: { families: 1 },
  }],
  ["adopted", "a dependent gets another owner while it is being deleted", "small", { budgets: { adoptions: 1 } }],
];

const nodes: readonly Row<NodeSystemOptions>[] = [
  ["silent", "a node falls silent and may come back", "small", {}],
  ["twice", "it falls silent again", "small", { budgets: { silences: 2 } }],
  ["late-pod", "a pod arrives as the node falls silent", "small", { budgets: { arrivals: 1, returns: 0 } }],
  ["crash", "the controller manager dies", "small", { budgets: { crashes: 1 } }],
  ["late-pod-back", "a pod arrives, and the node may come back", "large", { budgets: { arrivals: 1 } }],
];

const jobs: readonly Row<WorkloadOptions>[] = [
  ["completes", "two completions at once", "small", {}],
  ["crash", "two completions, and the controller manager dies", "small", { budgets: { crashes: 1 } }],
];

const statefulSets: readonly Row<WorkloadOptions>[] = [
  ["rollout", "a new image, and the controller manager dies", "small", { budgets: { edits: 1, crashes: 1 } }],
  ["scaling", "is scaled, and its first pod is deleted", "small", { budgets: { scalings: 1, deletions: 1 } }],
  ["back", "is scaled down and up again", "small", { budgets: { scalings: 2 } }],
];

const daemonSets: readonly Row<DaemonSetOptions>[] = [
  ["nodes", "a node comes, a pod is deleted", "small", { budgets: { arrivals: 1, deletions: 1 } }],
  ["rollout", "a new image, and the controller manager dies", "small", { budgets: { edits: 1, crashes: 1 } }],
];

const endpoints: readonly Row<EndpointOptions>[] = [
  ["pods", "pods come, fail and go, and the controller manager dies", "small", {
    budgets: { crashes: 1, failures: 1 },
  }],
  ["meddling", "somebody deletes a slice", "small", { budgets: { meddlings: 1 } }],
];

const dataplanes: readonly Row<DataplaneOptions>[] = [
  ["rollout", "a new image behind a service, pods serve until the proxy leaves them alone", "small", {}],
  ["crash", "likewise, and the controller manager dies", "large", { budgets: { crashes: 1 } }],
  ["two", "likewise, two replicas", "large", { replicas: 2 }],
];

const identities: readonly Row<TwoNodesOptions>[] = [
  ["silent", "a StatefulSet's pod, its node falls silent and may come back", "small", {}],
  ["crash", "likewise, and the controller manager dies", "large", { budgets: { crashes: 1 } }],
  ["twice", "likewise, twice", "large", { budgets: { silences: 2, returns: 2 } }],
];

const cronJobs: readonly Row<CronJobOptions>[] = [
  ["forbid", "concurrencyPolicy Forbid, three minutes, and the controller manager dies", "small", {
    budgets: { minutes: 3, crashes: 1 },
  }],
  ["replace", "concurrencyPolicy Replace, likewise", "small", {
    policy: "Replace",
    budgets: { minutes: 3, crashes: 1 },
  }],
  ["allow", "concurrencyPolicy Allow, likewise", "small", { policy: "Allow", budgets: { minutes: 3, crashes: 1 } }],
];

/** By name, for those who check other controllers in the same situations. */
export const nodeSituations: Readonly<Record<string, NodeSystemOptions>> = Object.fromEntries(
  nodes.map(([name, , , options]) => [name, options]),
);
export const deploymentSituations: Readonly<Record<string, DeploymentSystemOptions>> = Object.fromEntries(
  deployments.map(([name, , , options]) => [name, options]),
);
export const garbageSituations: Readonly<Record<string, GarbageSystemOptions>> = Object.fromEntries(
  garbage.map(([name, , , options]) => [name, options]),
);

function named<Options>(
  kind: string,
  rows: readonly Row<Options>[],
  system: (options: Options) => SystemModel,
): NamedModel[] {
  return rows.map(([name, about, size, options]) => ({
    name: `${kind}/${name}`,
    about,
    size,
    system: () => system(options),
  }));
}

export const controllerModels: readonly NamedModel[] = [
  ...named("cronjob", cronJobs, cronJobSystem),
  ...named("daemonset", daemonSets, daemonSetSystem),
  ...named("dataplane", dataplanes, dataplaneSystem),
  ...named("deployment", deployments, deploymentSystem),
  ...named("garbage", garbage, garbageSystem),
  ...named("node", nodes, nodeSystem),
  ...named("endpoints", endpoints, endpointSystem),
  ...named("identity", identities, twoNodesSystem),
  ...named("job", jobs, jobSystem),
  ...named("statefulset", statefulSets, statefulSetSystem),
];
