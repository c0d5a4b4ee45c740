/** One scheduling cycle: filter, score, choose; or say why not (Kubernetes docs, "Kubernetes Scheduler"). */
import type { Cluster } from "./cluster.ts";
import { NodeCheck, type NodeRefusal } from "./node_check.ts";
import type { NodeInfo } from "./node_info.ts";
import type { ClusterView } from "./plugin.ts";
import type { PodFacts } from "./pod_facts.ts";
import { preempt, type Preemption } from "./preemption.ts";
import { Refusals } from "./refusals.ts";
import { scores } from "./scores/scores.ts";

export type Placement =
  | { readonly fits: true; readonly node: string; readonly seen: number }
  | {
    readonly fits: false;
    /** In Kubernetes' words. */
    readonly message: string;
    /** Names of the filters that refused. */
    readonly refusedBy: readonly string[];
    readonly seen: number;
    /** Room can be made. */
    readonly preemption?: Preemption;
    /** The node where room is being made. */
    readonly nominated?: string;
  };

/**
 * Places a pod. Large clusters are not searched whole: the search starts at `start`, which goes round, and ends when
 * enough nodes fit (kube-scheduler's percentageOfNodesToScore). `draw`, uniform in [0, 1), settles ties.
 */
export function schedulePod(pod: PodFacts, cluster: Cluster, start: number, draw: number): Placement {
  const { nodes } = cluster;
  const check = new NodeCheck(pod, cluster);
  const refusals = new Refusals(nodes.length);
  if (check.refused !== undefined) return { fits: false, ...refusals.describeWhole(check.refused), seen: 0 };
  // Room was made for it on a node: that one is asked first.
  const promised = nodes.find(({ name }) => name === cluster.nominatedNode(pod.key));
  if (promised !== undefined && refusalOf(check, promised, cluster) === undefined) {
    return { fits: true, node: promised.name, seen: 0 };
  }
  const enough = enoughNodes(nodes.length);
  const fitting: NodeInfo[] = [];
  const preemptible: NodeInfo[] = [];
  let seen = 0;
  for (; seen < nodes.length && fitting.length < enough; seen++) {
    const node = nodes[(start + seen) % nodes.length]!;
    const refusal = refusalOf(check, node, cluster);
    if (refusal === undefined) {
      fitting.push(node);
      continue;
    }
    refusals.add(refusal);
    if (refusal.preemptible) preemptible.push(node);
  }
  if (fitting.length > 0) {
    const node = fitting.length === 1 ? fitting[0]! : best(pod, fitting, cluster, draw);
    return { fits: true, node: node.name, seen };
  }
  return { fits: false, ...makeRoom(pod, cluster, preemptible, refusals), seen };
}

function makeRoom(pod: PodFacts, cluster: Cluster, candidates: readonly NodeInfo[], refusals: Refusals) {
  if (pod.pod.spec?.preemptionPolicy === "Never") {
    return refusals.describe("not eligible due to preemptionPolicy=Never.");
  }
  const promised = cluster.nodes.find(({ name }) => name === cluster.nominatedNode(pod.key));
  const leaving = [...promised?.pods.values() ?? []].some((other) =>
    other.priority < pod.priority && other.pod.metadata.deletionTimestamp !== undefined
  );
  if (promised !== undefined && leaving) {
    const why = "not eligible due to a terminating pod on the nominated node.";
    return { ...refusals.describe(why), nominated: promised.name };
  }
  const preemption = preempt(pod, cluster, candidates);
  if (preemption === undefined) return refusals.describe();
  return { ...refusals.describe(""), preemption, nominated: preemption.node };
}

/** At least 100 nodes, and 50 % less a percent for every 125 nodes, but never under 5 %. */
export function enoughNodes(count: number): number {
  if (count < 100) return count;
  const percent = Math.max(5, 50 - Math.floor(count / 125));
  return Math.max(100, Math.floor(count * percent / 100));
}

/** A place that is being cleared for others is taken, and it must do as it is now as well. */
function refusalOf(check: NodeCheck, node: NodeInfo, cluster: Cluster): NodeRefusal | undefined {
  const expected = cluster.nominatedTo(node.name, check.pod);
  if (expected.length === 0) return check.refusalOf(node);
  for (const pod of expected) node.add(pod);
  const refusal = check.refusalOf(node);
  for (const { key } of expected) node.remove(key);
  return refusal ?? check.refusalOf(node);
}

function best(pod: PodFacts, fitting: readonly NodeInfo[], view: ClusterView, draw: number): NodeInfo {
  const totals = new Float64Array(fitting.length);
  for (const score of scores) {
    if (score.applies !== undefined && !score.applies(pod, view)) continue;
    const prepared = score.prepare?.(pod, view, fitting);
    const raw = fitting.map((node) => score.score(pod, node, prepared, view));
    const normal = score.normalize?.(raw) ?? raw;
    for (let index = 0; index < totals.length; index++) totals[index]! += Math.trunc(normal[index]!) * score.weight;
  }
  const highest = totals.reduce((a, b) => Math.max(a, b));
  const winners = fitting.filter((_, index) => totals[index] === highest);
  return winners[Math.floor(draw * winners.length)]!;
}
