/** What a filter and a score are (Kubernetes docs, "Scheduling Framework"). One plain function per file, one row each. */
import type { NodeInfo } from "./node_info.ts";
import type { PodFacts } from "./pod_facts.ts";

/** A change of the cluster that can make room for a pod that did not fit. */
export type ClusterChange = "nodeAdded" | "nodeChanged" | "podGone" | "podChanged" | "podAdded";

/** Why a pod cannot run on a node. */
export interface Refusal {
  /** In Kubernetes' words, without the number of nodes. */
  readonly reasons: readonly string[];
  /** Whether removing other pods could help. */
  readonly preemptible: boolean;
}

export interface Filter {
  /** Kubernetes' name of the plugin. */
  readonly name: string;
  /** Whether the pod concerns it at all; default: always. */
  applies?(pod: PodFacts): boolean;
  check(pod: PodFacts, node: NodeInfo): Refusal | undefined;
  /** Changes after which a refused pod is worth another look. */
  readonly wakesOn: readonly ClusterChange[];
}

export interface Score {
  readonly name: string;
  readonly weight: number;
  applies?(pod: PodFacts): boolean;
  /** A raw score per node, any range; higher is better. */
  score(pod: PodFacts, node: NodeInfo, all: readonly NodeInfo[]): number;
  /** Raw scores to 0..100 over the nodes that fit; default: they are that already. */
  normalize?(scores: readonly number[]): number[];
}

/** The highest becomes 100. `reverse`: the lowest does. */
export function normalizeByMax(scores: readonly number[], reverse = false): number[] {
  const highest = Math.max(0, ...scores);
  if (highest === 0) return scores.map(() => reverse ? 100 : 0);
  return scores.map((score) => reverse ? 100 - score * 100 / highest : score * 100 / highest);
}
