/** Spreading pods over domains (Kubernetes docs, "Pod Topology Spread Constraints"). */
import { type Labels, type LabelSelector, matchesLabels, requirementsOf } from "../objects/label_selector.ts";
import type { Pod, PodSpec } from "../objects/object.ts";
import { matchesRequired } from "./node_affinity.ts";
import type { NodeInfo } from "./node_info.ts";
import type { ClusterView } from "./plugin.ts";
import type { PodFacts } from "./pod_facts.ts";
import { untoleratedTaint } from "./tolerations.ts";
import { labelOf } from "./topology.ts";

type Given = NonNullable<PodSpec["topologySpreadConstraints"]>[number];

export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: LabelSelector | undefined;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

export interface SpreadConstraints {
  readonly required: readonly SpreadConstraint[];
  readonly preferred: readonly SpreadConstraint[];
}

const none: SpreadConstraints = { required: [], preferred: [] };

export function spreadConstraints({ metadata, spec }: Pod): SpreadConstraints {
  const given = spec?.topologySpreadConstraints ?? [];
  if (given.length === 0) return none;
  const of = (when: Given["whenUnsatisfiable"]) =>
    given.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when)
      .map((each) => compiled(each, metadata.labels ?? {}));
  return { required: of("DoNotSchedule"), preferred: of("ScheduleAnyway") };
}

function compiled(given: Given, labels: Labels): SpreadConstraint {
  const selector = given.labelSelector === undefined ? undefined : requirementsOf(given.labelSelector);
  const alike = (given.matchLabelKeys ?? []).flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : requirementsOf({ matchLabels: { [key]: value } }) ?? [];
  });
  return {
    topologyKey: given.topologyKey,
    maxSkew: given.maxSkew,
    minDomains: given.minDomains ?? 1,
    selector: selector === undefined ? undefined : [...selector, ...alike],
    honorsAffinity: (given.nodeAffinityPolicy ?? "Honor") === "Honor",
    honorsTaints: (given.nodeTaintsPolicy ?? "Ignore") === "Honor",
  };
}

export function isCounted({ selector }: SpreadConstraint, labels: Labels | undefined): boolean {
  return selector !== undefined && matchesLabels(selector, labels);
}

/** Matching pods per domain of a constraint, over the nodes that count for it; domains without any have 0. */
export function countDomains(
  constraint: SpreadConstraint,
  all: readonly SpreadConstraint[],
  pod: PodFacts,
  view: ClusterView,
): Map<string, number> {
  const counts = new Map<string, number>();
  const counted = new Map<NodeInfo, string>();
  for (const node of view.nodes) {
    const value = labelOf(node, constraint.topologyKey);
    if (value === undefined || !all.every(({ topologyKey }) => labelOf(node, topologyKey) !== undefined)) continue;
    if (!takesPart(constraint, pod, node)) continue;
    counted.set(node, value);
    counts.set(value, counts.get(value) ?? 0);
  }
  for (const [node, count] of countNodes(constraint, pod, view)) {
    const value = counted.get(node);
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + count);
  }
  return counts;
}

/** Matching pods per node; nodes without any are not in it. */
export function countNodes(
  { selector }: SpreadConstraint,
  { pod }: PodFacts,
  view: ClusterView,
): Map<NodeInfo, number> {
  const counts = new Map<NodeInfo, number>();
  if (selector === undefined) return counts;
  for (const { pod: other, node } of view.podsOf(pod.metadata.namespace ?? "", selector)) {
    if (other.pod.metadata.deletionTimestamp === undefined) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

function takesPart({ honorsAffinity, honorsTaints }: SpreadConstraint, pod: PodFacts, { node }: NodeInfo): boolean {
  if (node === undefined) return false;
  if (honorsAffinity && !matchesRequired(pod.pod, node)) return false;
  return !honorsTaints ||
    untoleratedTaint(pod.tolerations, node.spec?.taints ?? [], ["NoSchedule", "NoExecute"]) === undefined;
}
