/** A daemon pod: for which node it is, which node it may run on, how it is made (Kubernetes docs, "DaemonSet"). */
import type { DaemonSet, Node, Pod, PodSpec } from "../../objects/object.ts";
import { matchesRequired } from "../../scheduler/node_affinity.ts";
import { type Toleration, untoleratedTaint } from "../../scheduler/tolerations.ts";
import { podOf } from "../workload_pods.ts";

export const hashLabel = "controller-revision-hash";
const generationAnnotation = "deprecated.daemonset.template.generation";

/** What a daemon pod bears with, so that it runs where nothing else would. */
const borne: readonly (readonly [string, "NoExecute" | "NoSchedule"])[] = [
  ["not-ready", "NoExecute"],
  ["unreachable", "NoExecute"],
  ["disk-pressure", "NoSchedule"],
  ["memory-pressure", "NoSchedule"],
  ["pid-pressure", "NoSchedule"],
  ["unschedulable", "NoSchedule"],
];

function tolerationsOf(spec: PodSpec | undefined): Toleration[] {
  const result = [...spec?.tolerations ?? []];
  const network = [["network-unavailable", "NoSchedule"]] as const;
  for (const [name, effect] of spec?.hostNetwork ? [...borne, ...network] : borne) {
    const key = `node.kubernetes.io/${name}`;
    const same = result.findIndex((each) => each.key === key && each.effect === effect && each.operator === "Exists");
    const toleration: Toleration = { key, operator: "Exists", effect };
    if (same < 0) result.push(toleration);
    else result[same] = toleration;
  }
  return result;
}

/** Whether a pod of the set should come to the node, and whether one that is there may stay. */
export function fits({ spec }: DaemonSet, node: Node): { readonly comes: boolean; readonly stays: boolean } {
  const pod = spec?.template?.spec;
  const named = !pod?.nodeName || pod.nodeName === node.metadata.name;
  if (!named || !matchesRequired({ spec: pod } as Pod, node)) return { comes: false, stays: false };
  const tolerations = tolerationsOf(pod);
  const taints = node.spec?.taints ?? [];
  return {
    comes: untoleratedTaint(tolerations, taints, ["NoSchedule", "NoExecute"]) === undefined,
    stays: untoleratedTaint(tolerations, taints, ["NoExecute"]) === undefined,
  };
}

/** The node a daemon pod is on, or is meant for. */
export function nodeOf({ spec }: Pod): string | undefined {
  if (spec?.nodeName) return spec.nodeName;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms.flatMap(({ matchFields }) => matchFields ?? [])
    .find(({ key, operator }) => key === "metadata.name" && operator === "In")?.values?.[0];
}

export function daemonPod(set: DaemonSet, hash: string, node: string): object {
  const template = set.spec?.template;
  const { metadata, spec } = template ?? {};
  const generation = set.metadata.annotations?.[generationAnnotation];
  const labels = {
    ...metadata?.labels,
    [hashLabel]: hash,
    ...(generation !== undefined && { "pod-template-generation": generation }),
  };
  const matchFields = [{ key: "metadata.name", operator: "In", values: [node] }];
  const nodeAffinity = {
    ...spec?.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
  };
  const own = { ...spec, affinity: { ...spec?.affinity, nodeAffinity }, tolerations: tolerationsOf(spec) };
  return podOf(set, { metadata: { ...metadata, labels }, spec: own }, { generateName: `${set.metadata.name}-` });
}
