import type { Pod } from "../../objects/object.ts";
import { parseTime } from "../../objects/time.ts";
import { readySince } from "../pod_readiness.ts";

/**
 * Which pods go first when there are too many (Kubernetes docs, "ReplicaSet": scaling down): unassigned before
 * assigned, pending before running, not ready before ready, lower deletion cost, more crowded nodes, shorter ready, more
 * restarts, younger.
 */
export function podsToDelete(pods: readonly Pod[], count: number): Pod[] {
  if (count >= pods.length) return [...pods];
  const perNode = new Map<string, number>();
  for (const { spec } of pods) {
    if (spec?.nodeName) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  }
  const ranked = pods.map((pod) => ({ pod, rank: rankOf(pod, perNode) }));
  ranked.sort((a, b) => {
    for (const [index, value] of a.rank.entries()) {
      const difference = value - b.rank[index]!;
      if (difference !== 0) return difference;
    }
    return a.pod.metadata.name < b.pod.metadata.name ? -1 : 1;
  });
  return ranked.slice(0, count).map(({ pod }) => pod);
}

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1 };

/** Numbers to be compared in turn; the smaller goes first. */
function rankOf(pod: Pod, perNode: ReadonlyMap<string, number>): number[] {
  const { nodeName } = pod.spec ?? {};
  const since = readySince(pod);
  const cost = Number(pod.metadata.annotations?.["controller.kubernetes.io/pod-deletion-cost"] ?? 0);
  const restarts = Math.max(0, ...pod.status?.containerStatuses?.map(({ restartCount }) => restartCount) ?? []);
  return [
    nodeName ? 1 : 0,
    phaseRank[pod.status?.phase ?? "Pending"] ?? 2,
    since === undefined ? 0 : 1,
    Number.isFinite(cost) ? cost : 0,
    -(nodeName === undefined ? 0 : perNode.get(nodeName) ?? 0),
    -(since ?? 0),
    -restarts,
    -(parseTime(pod.metadata.creationTimestamp) ?? 0),
  ];
}
