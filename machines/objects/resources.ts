/** A resource as it stands in a URL; `group` is "" for core. */
export interface ResourceRef {
  readonly group: string;
  readonly version: string;
  /** Lower-case plural, for example "deployments". */
  readonly resource: string;
}

/** Resources that components name. */
export const resources = {
  pods: core("pods"),
  nodes: core("nodes"),
  services: core("services"),
  endpoints: core("endpoints"),
  namespaces: core("namespaces"),
  configMaps: core("configmaps"),
  secrets: core("secrets"),
  serviceAccounts: core("serviceaccounts"),
  events: core("events"),
  deployments: { group: "apps", version: "v1", resource: "deployments" },
  replicaSets: { group: "apps", version: "v1", resource: "replicasets" },
  replicationControllers: core("replicationcontrollers"),
  daemonSets: { group: "apps", version: "v1", resource: "daemonsets" },
  statefulSets: { group: "apps", version: "v1", resource: "statefulsets" },
  controllerRevisions: { group: "apps", version: "v1", resource: "controllerrevisions" },
  jobs: { group: "batch", version: "v1", resource: "jobs" },
  cronJobs: { group: "batch", version: "v1", resource: "cronjobs" },
  leases: { group: "coordination.k8s.io", version: "v1", resource: "leases" },
  endpointSlices: { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" },
  persistentVolumeClaims: core("persistentvolumeclaims"),
  resourceQuotas: core("resourcequotas"),
  podDisruptionBudgets: { group: "policy", version: "v1", resource: "poddisruptionbudgets" },
  priorityClasses: { group: "scheduling.k8s.io", version: "v1", resource: "priorityclasses" },
} as const satisfies Record<string, ResourceRef>;

function core(resource: string): ResourceRef {
  return { group: "", version: "v1", resource };
}

/** A form that tells resources apart: `pods`, `deployments.apps`. */
export function resourceName({ group, resource }: ResourceRef): string {
  return group === "" ? resource : `${resource}.${group}`;
}
