/** What a Deployment and its ReplicaSets are to each other: numbers, revisions, which one is new. */
import { jsonEquals } from "../../objects/json.ts";
import type { Deployment, Pod, ReplicaSet } from "../../objects/object.ts";

export const hashLabel = "pod-template-hash";
export const annotation = {
  revision: "deployment.kubernetes.io/revision",
  history: "deployment.kubernetes.io/revision-history",
  desired: "deployment.kubernetes.io/desired-replicas",
  max: "deployment.kubernetes.io/max-replicas",
} as const;

/** Annotations that a ReplicaSet does not inherit from its Deployment. */
const ownAnnotations = new Set<string>([
  "kubectl.kubernetes.io/last-applied-configuration",
  ...Object.values(annotation),
  "deprecated.deployment.rollback.to",
]);

/** Everything a rollout decides from. */
export interface Rollout {
  readonly deployment: Deployment;
  readonly wanted: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  /** The ReplicaSet with the deployment's own template, if it exists. */
  readonly current: ReplicaSet | undefined;
  /** All others, oldest first. */
  readonly old: readonly ReplicaSet[];
  readonly all: readonly ReplicaSet[];
  /** Pods of those ReplicaSets. */
  readonly pods: readonly Pod[];
  readonly now: number;
}

export function rolloutOf(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  pods: readonly Pod[],
  now: number,
): Rollout {
  const wanted = deployment.spec?.replicas ?? 1;
  const all = [...sets].sort(byAge);
  const current = all.find((set) => sameTemplate(set, deployment));
  const rolling = deployment.spec?.strategy?.type !== "Recreate";
  const { maxSurge = "25%", maxUnavailable = "25%" } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = rolling ? shareOf(maxSurge, wanted, Math.ceil) : 0;
  const unavailable = rolling ? shareOf(maxUnavailable, wanted, Math.floor) : 0;
  return {
    deployment,
    wanted,
    maxSurge: surge,
    // Both rounded to nothing would never move: one pod may then be missing.
    maxUnavailable: rolling ? Math.min(wanted, surge === 0 && unavailable === 0 ? 1 : unavailable) : 0,
    current,
    old: all.filter((set) => set !== current),
    all,
    pods,
    now,
  };
}

function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [left, right] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (left !== right) return left < right ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

function shareOf(value: number | string, of: number, round: (value: number) => number): number {
  if (typeof value === "number") return value;
  return value.endsWith("%") ? round(Number(value.slice(0, -1)) * of / 100) : Number(value) || 0;
}

function sameTemplate(set: ReplicaSet, deployment: Deployment): boolean {
  return jsonEquals(withoutHash(set.spec?.template), withoutHash(deployment.spec?.template));
}

function withoutHash(template: Template): unknown {
  const { metadata = {}, spec } = template ?? {};
  const { [hashLabel]: _, ...labels } = metadata.labels ?? {};
  const { labels: __, creationTimestamp: ___, ...rest } = metadata as Record<string, unknown>;
  return { labels, metadata: rest, spec };
}

type Template = NonNullable<NonNullable<Deployment["spec"]>["template"]> | undefined;

/**
 * A hash of the template for the ReplicaSet's name and its pods' label. FNV-1a over the template's JSON with sorted
 * keys, in letters that spell no word; the value itself is nobody's business (Kubernetes' own changes between releases).
 */
export function templateHash(template: Template, collisions: number): string {
  let hash = 0x811c9dc5;
  for (const character of `${canonical(withoutHash(template))}${collisions || ""}`) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  }
  const alphabet = "bcdfghjklmnpqrstvwxz2456789";
  return [...String(hash)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join("");
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "";
  const entries = Object.entries(value).filter(([, each]) => each !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join()}}`;
}

export function replicasOf(set: ReplicaSet | undefined): number {
  return set?.spec?.replicas ?? 0;
}

export function availableOf(set: ReplicaSet | undefined): number {
  return set?.status?.availableReplicas ?? 0;
}

export function total(sets: readonly ReplicaSet[], value: (set: ReplicaSet) => number): number {
  return sets.reduce((sum, set) => sum + value(set), 0);
}

export function revisionOf(object: Deployment | ReplicaSet | undefined): number {
  return Number(object?.metadata.annotations?.[annotation.revision] ?? 0) || 0;
}

/** The annotations the new ReplicaSet should have: the deployment's, its revision and its sizes. */
export function currentAnnotations({ deployment, current, old, wanted, maxSurge }: Rollout): Record<string, string> {
  const before = current?.metadata.annotations ?? {};
  const next = Math.max(0, ...old.map(revisionOf)) + 1;
  const revision = Math.max(revisionOf(current), next);
  const inherited = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !ownAnnotations.has(key));
  const kept = Object.entries(before).filter(([key]) => key === annotation.history || !ownAnnotations.has(key));
  const history = revisionOf(current) > 0 && revisionOf(current) < next
    ? { [annotation.history]: [before[annotation.history], before[annotation.revision]].filter(Boolean).join(",") }
    : {};
  return {
    ...Object.fromEntries(kept),
    ...Object.fromEntries(inherited),
    ...history,
    [annotation.revision]: String(revision),
    ...sizeAnnotations(wanted, maxSurge),
  };
}

/** What a scaled ReplicaSet remembers, so that a later change of `replicas` can be shared out in proportion. */
export function sizeAnnotations(wanted: number, maxSurge: number): Record<string, string> {
  return { [annotation.desired]: String(wanted), [annotation.max]: String(wanted + maxSurge) };
}
