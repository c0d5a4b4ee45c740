/** A DaemonSet, the nodes, and which of its pods are on which. */
import type { DaemonSet, Node, Pod } from "../../objects/object.ts";
import { availableInMs, isReady } from "../pod_readiness.ts";
import { fits, hashLabel, nodeOf } from "./daemon_pod.ts";

/** One node as the set sees it. */
export interface Place {
  readonly node: string;
  readonly comes: boolean;
  readonly stays: boolean;
  /** Oldest first, with those that are ending. */
  readonly pods: readonly Pod[];
}

export interface DaemonSetView {
  readonly set: DaemonSet;
  readonly hash: string;
  readonly now: number;
  /** Every node that exists. */
  readonly places: readonly Place[];
  /** Pods for nodes that are gone, not placed yet. */
  readonly lost: readonly Pod[];
}

export function viewOf(
  set: DaemonSet,
  nodes: readonly Node[],
  pods: readonly Pod[],
  hash: string,
  now: number,
): DaemonSetView {
  const byNode = new Map<string | undefined, Pod[]>();
  for (const pod of [...pods].sort(byAge)) byNode.set(nodeOf(pod), [...byNode.get(nodeOf(pod)) ?? [], pod]);
  const places = nodes.map((node) => ({
    node: node.metadata.name,
    ...fits(set, node),
    pods: byNode.get(node.metadata.name) ?? [],
  }));
  const known = new Set(nodes.map(({ metadata }) => metadata.name));
  const lost = pods.filter((pod) => !pod.spec?.nodeName && !known.has(nodeOf(pod) ?? "") && !isEnding(pod));
  return { set, hash, now, places, lost };
}

function byAge(a: Pod, b: Pod): number {
  const [left, right] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return left !== right ? (left < right ? -1 : 1) : a.metadata.name < b.metadata.name ? -1 : 1;
}

export function isEnding({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

export function isUpdated({ hash }: DaemonSetView, pod: Pod): boolean {
  return pod.metadata.labels?.[hashLabel] === hash;
}

export function isAvailable({ set, now }: DaemonSetView, pod: Pod): boolean {
  return availableInMs(pod, set.spec?.minReadySeconds ?? 0, now) === 0;
}

export function statusOf(view: DaemonSetView, collisionCount: number | undefined): object {
  const { set, places } = view;
  const wanted = places.filter(({ comes }) => comes);
  const first = wanted.map(({ pods }) => pods[0]).filter((pod) => pod !== undefined);
  const available = first.filter((pod) => isAvailable(view, pod)).length;
  const updated = first.filter((pod) => isUpdated(view, pod)).length;
  const unavailable = wanted.length - available;
  const { generation = 0 } = set.metadata;
  return {
    currentNumberScheduled: first.length,
    numberMisscheduled: places.filter(({ comes, pods }) => !comes && pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: first.filter(isReady).length,
    ...(generation > 0 && { observedGeneration: generation }),
    ...(updated > 0 && { updatedNumberScheduled: updated }),
    ...(available > 0 && { numberAvailable: available }),
    ...(unavailable > 0 && { numberUnavailable: unavailable }),
    ...(collisionCount !== undefined && { collisionCount }),
    ...(set.status?.conditions && { conditions: set.status.conditions }),
  };
}
