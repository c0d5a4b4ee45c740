/** What admission reads of the cluster: small copies, kept by watches. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { ApiClient, ResourceRef } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Following, followResource, ResourceCopy } from "../auth/follow_resource.ts";

const read = {
  namespaces: { group: "", version: "v1", resource: "namespaces" },
  serviceAccounts: { group: "", version: "v1", resource: "serviceaccounts" },
  resourceQuotas: { group: "", version: "v1", resource: "resourcequotas" },
  limitRanges: { group: "", version: "v1", resource: "limitranges" },
  priorityClasses: { group: "scheduling.k8s.io", version: "v1", resource: "priorityclasses" },
  runtimeClasses: { group: "node.k8s.io", version: "v1", resource: "runtimeclasses" },
  storageClasses: { group: "storage.k8s.io", version: "v1", resource: "storageclasses" },
  ingressClasses: { group: "networking.k8s.io", version: "v1", resource: "ingressclasses" },
} as const satisfies Record<string, ResourceRef>;

export type ClusterState = { readonly [Name in keyof typeof read]: ResourceCopy<KubeObject> };

export function clusterState(client: ApiClient): ClusterState {
  return Object.fromEntries(
    Object.entries(read).map(([name, ref]) => [name, new ResourceCopy<KubeObject>(client, ref)]),
  ) as unknown as ClusterState;
}

export function followCluster(state: ClusterState, client: ApiClient, clock: Clock): Following {
  const all = Object.entries(read).map(([name, ref]) =>
    followResource(client, clock, ref, state[name as keyof ClusterState])
  );
  return {
    ready: Promise.all(all.map((one) => one.ready)).then(() => {}),
    stop: () => all.forEach((one) => one.stop()),
  };
}
