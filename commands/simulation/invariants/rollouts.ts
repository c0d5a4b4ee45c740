/** A Deployment's controller stays within maxSurge and maxUnavailable, by what it could have seen when it decided. */
import type { Deployment, ReplicaSet } from "../../../machines/objects/object.ts";
import { keyOf } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import type { Invariant, Watched } from "./invariant.ts";

interface Bounds {
  readonly generation: number;
  readonly replicas: number;
  readonly surge: number;
  readonly unavailable: number;
  /** When another took its place. */
  until: number;
}

interface Seen {
  readonly at: number;
  readonly available: number;
}

/** How old what a controller decides on may be: the longest delay of a request and its answer, and then some. */
const stalenessMs = 60_000;
const revisionName = "deployment.kubernetes.io/revision";

export function rollouts({ cluster, mirror, failed }: Watched): Invariant {
  const bounds = new Map<string, Bounds[]>();
  const owned = new Map<string, Map<string, ReplicaSet>>();
  const seen = new Map<string, Seen[]>();
  const now = () => cluster.clock.now();

  mirror.on<Deployment>(resources.deployments, ({ now: deployment, before }) => {
    if (deployment === undefined) {
      if (before !== undefined) { for (const kept of [bounds, owned]) kept.delete(before.metadata.uid); }
      return;
    }
    const { uid, generation = 0 } = deployment.metadata;
    let known = bounds.get(uid);
    if (known === undefined) bounds.set(uid, known = []);
    if (known.at(-1)?.generation !== generation) {
      const last = known.at(-1);
      if (last !== undefined) last.until = now();
      known.push({ generation, until: Infinity, ...boundsOf(deployment) });
    }
    const observed = deployment.status?.observedGeneration ?? 0;
    bounds.set(uid, known.filter((each) => each.generation >= observed || each.until > now() - stalenessMs));
  });

  mirror.on<ReplicaSet>(resources.replicaSets, ({ now: set, before }) => {
    const owner = (set ?? before)?.metadata.ownerReferences?.find(({ controller }) => controller)?.uid ?? "";
    const sets = owned.get(owner) ?? new Map<string, ReplicaSet>();
    owned.set(owner, sets);
    if (set === undefined) {
      if (before !== undefined) {
        sets.delete(before.metadata.uid);
        seen.delete(before.metadata.uid);
      }
      return;
    }
    const { uid } = set.metadata;
    sets.set(uid, set);
    note(uid, set.status?.availableReplicas ?? 0);
    const [old, wanted] = [before?.spec?.replicas ?? 0, set.spec?.replicas ?? 0];
    if (wanted > old) checkSurge(owner, sets);
    if (wanted < old) checkUnavailable(owner, sets, set);
  });

  function note(uid: string, available: number): void {
    const history = seen.get(uid) ?? [];
    if (history.at(-1)?.available === available) return;
    const fresh = history.filter((_, index) => (history[index + 1]?.at ?? now()) > now() - stalenessMs);
    fresh.push({ at: now(), available });
    seen.set(uid, fresh);
  }

  /** The most that it was in the time that counts. */
  function recentlyAvailable(uid: string): number {
    const history = seen.get(uid) ?? [];
    const fresh = history.filter((_, index) => (history[index + 1]?.at ?? now()) > now() - stalenessMs);
    return Math.max(0, ...fresh.map(({ available }) => available));
  }

  function checkSurge(owner: string, sets: ReadonlyMap<string, ReplicaSet>): void {
    const known = bounds.get(owner);
    if (known === undefined || known.length === 0) return;
    const sum = [...sets.values()].reduce((total, { spec }) => total + (spec?.replicas ?? 0), 0);
    const most = Math.max(...known.map(({ replicas, surge }) => replicas + surge));
    if (sum > most) {
      failed("a Deployment never exceeds maxSurge", `${nameOf(owner)} has ${sum} replicas asked for, ${most} allowed`);
    }
  }

  function checkUnavailable(owner: string, sets: ReadonlyMap<string, ReplicaSet>, shrunk: ReplicaSet): void {
    const known = bounds.get(owner);
    if (known === undefined || known.length === 0) return;
    const newest = [...sets.values()].reduce((a, b) => revisionOf(b) > revisionOf(a) ? b : a);
    if (newest.metadata.uid === shrunk.metadata.uid) return;
    const least = Math.min(...known.map(({ replicas, unavailable }) => replicas - unavailable));
    const left = [...sets.values()].reduce(
      (sum, set) => sum + (set === newest ? recentlyAvailable(set.metadata.uid) : set.spec?.replicas ?? 0),
      0,
    );
    if (left < least) {
      failed(
        "a Deployment never goes below maxUnavailable",
        `${nameOf(owner)} leaves ${left} pods that can be available, at least ${least} must be`,
      );
    }
  }

  function nameOf(uid: string): string {
    const deployment = mirror.all<Deployment>(resources.deployments).find(({ metadata }) => metadata.uid === uid);
    return deployment === undefined ? `deployment ${uid}` : `deployment ${keyOf(deployment)}`;
  }

  return {};
}

function boundsOf({ spec }: Deployment): Omit<Bounds, "generation" | "until"> {
  const { maxSurge = 1, maxUnavailable = 0 } = spec?.strategy?.rollingUpdate ?? {};
  const replicas = spec?.replicas ?? 1;
  return { replicas, surge: Number(maxSurge), unavailable: Number(maxUnavailable) };
}

function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[revisionName] ?? 0);
}
