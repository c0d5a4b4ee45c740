/** Names and labels of a pod's containers at the runtime (cri-dockerd's scheme): the name is the idempotency key. */
import type { Pod } from "../objects/object.ts";

export const labelNames = {
  cluster: "chartroom.cluster",
  node: "chartroom.node",
  /** Hash of the container's part of the spec that a restart is needed for. */
  hash: "chartroom.hash",
  /** Seconds that the pod's containers get to end; for pods whose object is gone. */
  grace: "chartroom.grace",
  podName: "io.kubernetes.pod.name",
  podNamespace: "io.kubernetes.pod.namespace",
  podUid: "io.kubernetes.pod.uid",
  container: "io.kubernetes.container.name",
  sandbox: "io.kubernetes.sandbox.id",
  restartCount: "annotation.io.kubernetes.container.restartCount",
  messagePath: "annotation.io.kubernetes.container.terminationMessagePath",
} as const;

/** The sandbox's container name. */
export const sandboxContainer = "POD";

export interface Owner {
  readonly cluster: string;
  readonly node: string;
}

/** What everything of this node carries, and nothing else does. */
export function ownerLabels({ cluster, node }: Owner): Record<string, string> {
  return { [labelNames.cluster]: cluster, [labelNames.node]: node };
}

export function containerName(pod: Pod, container: string, attempt: number): string {
  const { name, namespace, uid } = pod.metadata;
  return ["k8s", container, name, namespace, uid, attempt].join("_");
}

/** The attempt number at the end of a name; undefined for a name that is none of ours. */
export function attemptOf(name: string): number | undefined {
  const parts = name.split("_");
  if (parts.length !== 6 || parts[0] !== "k8s" || !/^\d+$/.test(parts[5] ?? "")) return undefined;
  return Number(parts[5]);
}

export function podLabels(owner: Owner, pod: Pod, container: string): Record<string, string> {
  const { name, namespace, uid } = pod.metadata;
  return {
    ...ownerLabels(owner),
    [labelNames.podName]: name,
    [labelNames.podNamespace]: namespace ?? "",
    [labelNames.podUid]: uid,
    [labelNames.container]: container,
    [labelNames.grace]: String(pod.spec?.terminationGracePeriodSeconds ?? 30),
  };
}
