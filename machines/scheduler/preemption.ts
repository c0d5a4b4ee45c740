/**
 * Making room for a pod of higher priority (Kubernetes docs, "Pod Priority and Preemption"): on which node which pods of
 * lower priority would have to go, as few and as unimportant as possible.
 */
import { parseTime } from "../objects/time.ts";
import { NodeCheck } from "./node_check.ts";
import { NodeInfo } from "./node_info.ts";
import type { ClusterView } from "./plugin.ts";
import { scanPods } from "./pod_index.ts";
import type { PodFacts } from "./pod_facts.ts";

export interface Preemption {
  readonly node: string;
  /** Never empty. */
  readonly victims: readonly PodFacts[];
}

/** Nodes that are looked at closely at most: a tenth of them, but no fewer than a hundred. */
function looksFor(nodes: number): number {
  return Math.max(100, Math.floor(nodes / 10));
}

/** `candidates`: nodes whose refusal may be helped by removing pods. */
export function preempt(pod: PodFacts, view: ClusterView, candidates: readonly NodeInfo[]): Preemption | undefined {
  let best: { readonly preemption: Preemption; readonly rank: readonly number[] } | undefined;
  for (const node of candidates.slice(0, looksFor(view.nodes.length))) {
    const victims = victimsOn(pod, view, node);
    if (victims === undefined) continue;
    const rank = rankOf(victims);
    if (best === undefined || isLess(rank, best.rank)) best = { preemption: { node: node.name, victims }, rank };
  }
  return best?.preemption;
}

/** The pods that must go; undefined where even without all pods of lower priority the pod does not fit. */
function victimsOn(pod: PodFacts, view: ClusterView, node: NodeInfo): PodFacts[] | undefined {
  const lower = [...node.pods.values()].filter(({ priority }) => priority < pod.priority);
  if (lower.length === 0) return undefined;
  const emptied = copyOf(node);
  for (const { key } of lower) emptied.remove(key);
  const fits = () => new NodeCheck(pod, withNode(view, node, emptied)).refusalOf(emptied) === undefined;
  if (!fits()) return undefined;
  const victims: PodFacts[] = [];
  // The more important are spared first.
  for (const each of lower.sort(byImportance)) {
    emptied.add(each);
    if (fits()) continue;
    emptied.remove(each.key);
    victims.push(each);
  }
  return victims.length === 0 ? undefined : victims;
}

function byImportance(a: PodFacts, b: PodFacts): number {
  return b.priority - a.priority || startOf(a) - startOf(b);
}

function startOf({ pod }: PodFacts): number {
  return parseTime(pod.status?.startTime ?? pod.metadata.creationTimestamp) ?? 0;
}

/**
 * Compared in turn, the smaller is better: the highest priority that goes, the sum of priorities, how many go, and, the
 * other way round, how late the most important of them started.
 */
function rankOf(victims: readonly PodFacts[]): number[] {
  const highest = Math.max(...victims.map(({ priority }) => priority));
  const earliest = Math.min(...victims.filter(({ priority }) => priority === highest).map(startOf));
  const sum = victims.reduce((total, { priority }) => total + priority + 2 ** 31, 0);
  return [highest, sum, victims.length, -earliest];
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (const [index, value] of a.entries()) {
    if (value !== b[index]) return value < b[index]!;
  }
  return false;
}

function copyOf(node: NodeInfo): NodeInfo {
  const copy = new NodeInfo(node.name);
  copy.setNode(node.node);
  for (const pod of node.pods.values()) copy.add(pod);
  return copy;
}

function withNode(view: ClusterView, old: NodeInfo, node: NodeInfo): ClusterView {
  const replaced = (nodes: ReadonlySet<NodeInfo>, pods: ReadonlyMap<string, PodFacts>) => {
    const others = new Set(nodes);
    others.delete(old);
    if (pods.size > 0) others.add(node);
    return others;
  };
  const nodes = view.nodes.map((each) => each === old ? node : each);
  return {
    nodes,
    podsOf: (namespace, selector) => [
      ...view.podsOf(namespace, selector).filter((placed) => placed.node !== old),
      ...scanPods([node], namespace, selector),
    ],
    affine: replaced(view.affine, node.affine),
    antiAffine: replaced(view.antiAffine, node.antiAffine),
    namespaces: view.namespaces,
    labelsOf: view.labelsOf,
    claim: view.claim,
  };
}
