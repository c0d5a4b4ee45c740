/** What a filter and a score are (Kubernetes docs, "Scheduling Framework"). One plain function per file, one row each. */
import type { Labels, LabelSelector } from "../objects/label_selector.ts";
import type { PersistentVolumeClaim } from "../objects/object.ts";
import type { NodeInfo } from "./node_info.ts";
import type { PodFacts } from "./pod_facts.ts";
import type { PlacedPod } from "./pod_index.ts";

/** A change of the cluster that can make room for a pod that did not fit. */
export type ClusterChange = "nodeAdded" | "nodeChanged" | "podGone" | "podChanged" | "podAdded" | "claimChanged";

/** The cluster as filters and scores see it. */
export interface ClusterView {
  readonly nodes: readonly NodeInfo[];
  /** Nodes with pods that have any wish about other pods. */
  readonly affine: ReadonlySet<NodeInfo>;
  /** Nodes with pods that have required anti-affinity. */
  readonly antiAffine: ReadonlySet<NodeInfo>;
  /** Placed pods of a namespace that a selector means. */
  podsOf(namespace: string, selector: LabelSelector): readonly PlacedPod[];
  /** Names of all namespaces. */
  namespaces(): readonly string[];
  /** Labels of a namespace. */
  labelsOf(namespace: string): Labels | undefined;
  /** A claim for a volume by "namespace/name". */
  claim(key: string): PersistentVolumeClaim | undefined;
}

/** Why a pod cannot run on a node. */
export interface Refusal {
  /** In Kubernetes' words, without the number of nodes. */
  readonly reasons: readonly string[];
  /** Whether removing other pods could help. */
  readonly preemptible: boolean;
}

/** `Prepared`: what is worked out once per attempt. */
export interface Filter<Prepared = unknown> {
  /** Kubernetes' name of the plugin. */
  readonly name: string;
  /** Whether the pod concerns it at all; default: always. */
  applies?(pod: PodFacts, view: ClusterView): boolean;
  /** Why no node at all will do. */
  refuses?(pod: PodFacts, view: ClusterView): string | undefined;
  prepare?(pod: PodFacts, view: ClusterView): Prepared;
  check(pod: PodFacts, node: NodeInfo, prepared: Prepared): Refusal | undefined;
  /** Changes after which a refused pod is worth another look. */
  readonly wakesOn: readonly ClusterChange[];
}

export interface Score<Prepared = unknown> {
  readonly name: string;
  readonly weight: number;
  applies?(pod: PodFacts, view: ClusterView): boolean;
  /** `fitting`: the nodes that are to be told apart. */
  prepare?(pod: PodFacts, view: ClusterView, fitting: readonly NodeInfo[]): Prepared;
  /** A raw score per node, any range; higher is better. */
  score(pod: PodFacts, node: NodeInfo, prepared: Prepared, view: ClusterView): number;
  /** Raw scores to 0..100 over the nodes that fit; default: they are that already. */
  normalize?(scores: readonly number[]): number[];
}

/** A filter whose `prepare` and `check` agree; in the table that is nobody's business. */
export function filter<Prepared>(of: Filter<Prepared>): Filter {
  return of as Filter;
}

/** Likewise for a score. */
export function score<Prepared>(of: Score<Prepared>): Score {
  return of as Score;
}

/** The highest becomes 100. `reverse`: the lowest does. */
export function normalizeByMax(scores: readonly number[], reverse = false): number[] {
  const highest = Math.max(0, ...scores);
  if (highest === 0) return scores.map(() => reverse ? 100 : 0);
  return scores.map((score) => reverse ? 100 - score * 100 / highest : score * 100 / highest);
}
