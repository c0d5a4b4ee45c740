/** How many replicas each ReplicaSet of a Deployment gets next. Plain arithmetic over a Rollout. */
import type { ReplicaSet } from "../../objects/object.ts";
import { isActive } from "../pod_readiness.ts";
import { annotation, availableOf, replicasOf, type Rollout, total } from "./rollout.ts";

/** New sizes; what is not in it stays. */
export type Sizes = ReadonlyMap<ReplicaSet, number>;

/** How many the new ReplicaSet may have now (rolling: never above wanted + maxSurge in all). */
export function currentSize({ deployment, wanted, maxSurge, all, current }: Rollout): number {
  if (deployment.spec?.strategy?.type === "Recreate") return wanted;
  const have = replicasOf(current);
  if (have >= wanted) return wanted;
  const room = wanted + maxSurge - total(all, replicasOf);
  return have + Math.max(0, Math.min(room, wanted - have));
}

/** Old ReplicaSets shrink by what can go without falling below wanted - maxUnavailable; unhealthy pods go first. */
export function shrinkOld(rollout: Rollout): Sizes {
  const { wanted, maxUnavailable, all, old, current } = rollout;
  const sizes = new Map(old.filter((set) => replicasOf(set) > 0).map((set) => [set, replicasOf(set)]));
  const least = wanted - maxUnavailable;
  const notYetAvailable = replicasOf(current) - staying(current);
  let unhealthyMayGo = total(all, replicasOf) - least - notYetAvailable;
  if (unhealthyMayGo <= 0) return new Map();
  for (const [set, size] of sizes) {
    const cut = Math.max(0, Math.min(unhealthyMayGo, size - availableOf(set)));
    sizes.set(set, size - cut);
    unhealthyMayGo -= cut;
  }
  let availableMayGo = total(all, (set) => Math.min(staying(set), sizes.get(set) ?? replicasOf(set))) - least;
  for (const [set, size] of sizes) {
    const cut = Math.max(0, Math.min(availableMayGo, size));
    sizes.set(set, size - cut);
    availableMayGo -= cut;
  }
  return changed(sizes);
}

/**
 * Available, and not about to go: a status may be older than the size that was set a moment ago. One that was written
 * before the last resizing says nothing: of a ReplicaSet that shrank and grows again the pods it counts are gone.
 */
function staying(set: ReplicaSet | undefined): number {
  const { generation } = set?.metadata ?? {};
  const observed = set?.status?.observedGeneration;
  if (generation !== undefined && observed !== undefined && observed < generation) return 0;
  return Math.min(availableOf(set), replicasOf(set));
}

/** Recreate: everything old goes before anything new comes. Undefined once nothing old runs any more. */
export function emptyOld({ old, pods }: Rollout): Sizes | undefined {
  const sizes = new Map(old.filter((set) => replicasOf(set) > 0).map((set) => [set, 0]));
  if (sizes.size > 0) return sizes;
  const uids = new Set(old.map((set) => set.metadata.uid));
  const running = pods.some((pod) =>
    pod.metadata.ownerReferences?.some(({ uid }) => uids.has(uid)) &&
    (isActive(pod) || pod.metadata.deletionTimestamp !== undefined)
  );
  return running ? new Map() : undefined;
}

/** `replicas` was changed since the ReplicaSets were last sized: share the difference out in proportion. */
export function isScaling({ all, wanted }: Rollout): boolean {
  return all.some((set) => isBehind(set, wanted));
}

/** It was last sized for another number of replicas. */
function isBehind(set: ReplicaSet, wanted: number): boolean {
  const desired = set.metadata.annotations?.[annotation.desired];
  return replicasOf(set) > 0 && desired !== undefined && Number(desired) !== wanted;
}

/** What keeps its size is in it too while it is behind: as long as one is, the rollout does not go on. */
export function proportional(rollout: Rollout): Sizes {
  const sizes = shares(rollout);
  return new Map([...sizes].filter(([set, size]) => size !== replicasOf(set) || isBehind(set, rollout.wanted)));
}

function shares(rollout: Rollout): Sizes {
  const { deployment, wanted, maxSurge, current, old, all } = rollout;
  const active = all.filter((set) => replicasOf(set) > 0);
  const only = active.length === 0 ? current ?? all.at(-1) : active.length === 1 ? active[0] : undefined;
  if (only !== undefined) return new Map([[only, wanted]]);
  if (current !== undefined && replicasOf(current) === wanted && availableOf(current) === wanted) {
    return new Map(old.filter((set) => replicasOf(set) > 0).map((set) => [set, 0]));
  }
  if (deployment.spec?.strategy?.type === "Recreate") return new Map();
  const allowed = wanted > 0 ? wanted + maxSurge : 0;
  let left = allowed - total(active, replicasOf);
  // Growing: the largest first, then the newest; shrinking: the largest first, then the oldest.
  const order = [...active].sort((a, b) =>
    replicasOf(b) - replicasOf(a) || (left > 0 ? all.indexOf(b) - all.indexOf(a) : all.indexOf(a) - all.indexOf(b))
  );
  const sizes = new Map<ReplicaSet, number>();
  for (const set of order) {
    const share = left === 0 ? 0 : fraction(set, rollout);
    const change = left > 0 ? Math.max(0, Math.min(share, left)) : Math.min(0, Math.max(share, left));
    sizes.set(set, replicasOf(set) + change);
    left -= change;
  }
  const first = order[0];
  if (first !== undefined && left !== 0) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + left));
  return sizes;
}

function fraction(set: ReplicaSet, { deployment, wanted, maxSurge }: Rollout): number {
  if (wanted === 0) return -replicasOf(set);
  const before = Number(set.metadata.annotations?.[annotation.max]) || deployment.status?.replicas || 0;
  if (before === 0) return 0;
  return Math.round(replicasOf(set) * (wanted + maxSurge) / before) - replicasOf(set);
}

function changed(sizes: Sizes): Sizes {
  return new Map([...sizes].filter(([set, size]) => size !== replicasOf(set)));
}
