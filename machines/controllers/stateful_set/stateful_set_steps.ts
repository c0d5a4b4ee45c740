/**
 * Which pods of a StatefulSet come and which go now (Kubernetes docs, "StatefulSets", deployment and scaling guarantees).
 * OrderedReady: one step at a time, upwards when pods come, downwards when they go, each only when all before it serve.
 */
import type { Pod, StatefulSet } from "../../objects/object.ts";
import { availableInMs } from "../pod_readiness.ts";
import { ordinalOf, podName, revisionOf } from "./ordinals.ts";

export interface StatefulSetView {
  readonly set: StatefulSet;
  readonly now: number;
  /** By ordinal: those that should be there and are. */
  readonly members: ReadonlyMap<number, Pod>;
  /** Ordinals that should be there, upwards. */
  readonly wanted: readonly number[];
  /** Pods beyond them, the highest first. */
  readonly condemned: readonly Pod[];
  /** Names of revisions. */
  readonly currentRevision: string;
  readonly updateRevision: string;
}

export interface StatefulSetSteps {
  /** Ordinals. */
  readonly create: readonly number[];
  readonly remove: readonly Pod[];
  /** Those of the removed that ended by themselves. */
  readonly recreated: readonly Pod[];
  readonly waitsFor?: string;
}

export function viewOf(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: { readonly currentRevision: string; readonly updateRevision: string },
  now: number,
): StatefulSetView {
  const start = set.spec?.ordinals?.start ?? 0;
  const wanted = Array.from({ length: set.spec?.replicas ?? 1 }, (_, index) => start + index);
  const members = new Map<number, Pod>();
  const condemned: Pod[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod)!;
    if (ordinal >= start && ordinal < start + wanted.length) members.set(ordinal, pod);
    else condemned.push(pod);
  }
  condemned.sort((a, b) => ordinalOf(set, b)! - ordinalOf(set, a)!);
  return { set, now, members, wanted, condemned, ...revisions };
}

export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

export function isAvailable({ set, now }: StatefulSetView, pod: Pod): boolean {
  return pod.status?.phase === "Running" && availableInMs(pod, set.spec?.minReadySeconds ?? 0, now) === 0;
}

function serves(view: StatefulSetView, pod: Pod): boolean {
  return isAvailable(view, pod) && !isTerminating(pod);
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Failed" || status?.phase === "Succeeded";
}

export function steps(view: StatefulSetView): StatefulSetSteps {
  return view.set.spec?.podManagementPolicy === "Parallel" ? parallel(view) : ordered(view);
}

function ordered(view: StatefulSetView): StatefulSetSteps {
  const { set, wanted, members, condemned } = view;
  const none = { create: [], remove: [], recreated: [] };
  const waiting = (pod: Pod) => ({
    ...none,
    waitsFor: `${pod.metadata.name} to ${isTerminating(pod) ? "be gone" : "be ready"}`,
  });
  for (const ordinal of wanted) {
    const pod = members.get(ordinal);
    if (pod === undefined) return { ...none, create: [ordinal], waitsFor: `${podName(set, ordinal)} to be ready` };
    if (isTerminating(pod)) return waiting(pod);
    if (hasEnded(pod)) return { ...none, remove: [pod], recreated: [pod] };
    if (!serves(view, pod)) return waiting(pod);
  }
  const [last] = condemned;
  if (last !== undefined) return isTerminating(last) ? waiting(last) : { ...none, remove: [last] };
  return { ...none, ...update(view) };
}

function parallel(view: StatefulSetView): StatefulSetSteps {
  const { wanted, members, condemned } = view;
  const there = [...members.values()].filter((pod) => !isTerminating(pod));
  const recreated = there.filter(hasEnded);
  const create = wanted.filter((ordinal) => !members.has(ordinal));
  const surplus = condemned.filter((pod) => !isTerminating(pod));
  const updated = update(view);
  return {
    ...updated,
    create,
    recreated,
    remove: [...new Set([...recreated, ...surplus, ...updated.remove])],
  };
}

/** Pods of another revision go from the highest ordinal down to the partition, as many as may be missing at a time. */
function update(view: StatefulSetView): Pick<StatefulSetSteps, "remove" | "waitsFor"> {
  const { set, wanted, members, updateRevision } = view;
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type === "OnDelete") return { remove: [] };
  const least = (set.spec?.ordinals?.start ?? 0) + (rollingUpdate?.partition ?? 0);
  const mayMiss = Math.max(1, shareOf(rollingUpdate?.maxUnavailable ?? 1, wanted.length));
  const remove: Pod[] = [];
  let missing = wanted.filter((ordinal) => !members.has(ordinal)).length;
  for (const ordinal of wanted.toReversed()) {
    const pod = members.get(ordinal);
    if (ordinal < least || missing >= mayMiss) break;
    if (pod === undefined) continue;
    if (revisionOf(pod) !== updateRevision && !isTerminating(pod)) remove.push(pod);
    else if (serves(view, pod)) continue;
    else if (missing + 1 >= mayMiss) return { remove, waitsFor: `${pod.metadata.name} to be ready` };
    missing++;
  }
  return { remove };
}

function shareOf(value: number | string, of: number): number {
  if (typeof value === "number") return value;
  return value.endsWith("%") ? Math.ceil(Number(value.slice(0, -1)) * of / 100) : Number(value) || 0;
}

/** Which revision a pod that is missing comes back with: below the partition the one from before the update. */
export function revisionFor(view: StatefulSetView, ordinal: number): string {
  const { updateStrategy, ordinals } = view.set.spec ?? {};
  const partition = (ordinals?.start ?? 0) + (updateStrategy?.rollingUpdate?.partition ?? 0);
  return updateStrategy?.type !== "OnDelete" && ordinal < partition ? view.currentRevision : view.updateRevision;
}
