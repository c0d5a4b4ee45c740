/** Where the table of resources is known to answer otherwise than the recorded server, and why. Anything else fails. */

export interface Deviation {
  readonly recording: string;
  /** `create` or `update`, the path of the changed value and how it was changed. */
  readonly request: string;
  readonly why: string;
}

const nodePorts = "The server allocates node ports before it validates; here they are allocated after.";
const decoded = "Decoding drops a null or empty value in a map or list, where Go keeps the key or the empty list.";

function all(recording: string, why: string, requests: readonly string[]): Deviation[] {
  return requests.map((request) => ({ recording, request, why }));
}

export const deviations: readonly Deviation[] = [
  ...all("02_v1_Service", nodePorts, ["create spec.ports twice"]),
  ...all("04_v1_Service", nodePorts, ["create spec.ports twice"]),
  ...all("09_v1_Secret", decoded, ["create data.tls.crt null", "create data.tls.key null"]),
  ...all("30_autoscaling_v2_HorizontalPodAutoscaler", decoded, [
    "create spec.behavior.scaleDown.policies.0 removed",
    "create spec.behavior.scaleDown.policies empty",
  ]),
];

/**
 * Messages that show a value of Go's inner types, or the difference of two of them, agree in everything but that text:
 * inner types have other fields than the API has. So many of a recording's refusals may differ in it alone.
 */
export const differentDumps: Readonly<Record<string, number>> = {
  "00_v1_Pod": 95,
  "01_v1_Pod": 1,
  "13_v1_PersistentVolume": 3,
  "14_v1_PersistentVolumeClaim": 5,
  "15_v1_ReplicationController": 3,
  "21_apps_v1_Deployment": 1,
  "22_apps_v1_Deployment": 6,
  "23_apps_v1_ReplicaSet": 3,
  "24_apps_v1_StatefulSet": 3,
  "25_apps_v1_DaemonSet": 3,
  "27_batch_v1_Job": 11,
  "28_batch_v1_Job": 4,
  "33_networking.k8s.io_v1_Ingress": 2,
  "62_resource.k8s.io_v1_ResourceClaim": 3,
};

/** Parts of a created object that admission plugins, allocators and answers of reviews fill in, not the table. */
export const filledElsewhere: readonly RegExp[] = [
  /^\.metadata\.(namespace|uid|resourceVersion|generation|creationTimestamp|managedFields)$/,
  /^\.metadata\.finalizers$/,
  /^\.spec\.(volumes|initContainers\.\d+\.volumeMounts|containers\.\d+\.volumeMounts|tolerations|taints)(\.\d+)?$/,
  /^\.spec\.(serviceAccount|serviceAccountName|priority|preemptionPolicy)$/,
  /^\.spec\.(clusterIP|clusterIPs|ipFamilies|ipFamilyPolicy|healthCheckNodePort|ports\.\d+\.nodePort)$/,
  /^\.status\.lastPhaseTransitionTime$/,
];

/** Cells that differ: the recorded table of IPAddresses has a cell more than it has columns. */
export const differentCells: readonly string[] = ["37_networking.k8s.io_v1_IPAddress"];
