/**
 * Says in a budget's status how many of its pods may go now (Kubernetes docs, "Disruptions"; kube-controller-manager's
 * disruption controller). Evictions take from that number before it is counted anew.
 */
import { type LabelSelectorObject, matchesSelector } from "../../objects/label_selector.ts";
import { jsonEquals } from "../../objects/json.ts";
import type { KubeObject, OwnerReference, Pod } from "../../objects/object.ts";
import { type ResourceRef, resources } from "../../objects/resources.ts";
import { formatTime, parseTime } from "../../objects/time.ts";
import { type Caches, type Controller, type EventDraft, ownKey, type Plan } from "../controller.ts";
import { controllerOf } from "../ownership.ts";
import { isReady } from "../pod_readiness.ts";

interface Budget extends KubeObject {
  readonly spec: {
    readonly minAvailable?: number | string;
    readonly maxUnavailable?: number | string;
    readonly selector?: LabelSelectorObject;
  };
  readonly status: BudgetStatus;
}

interface BudgetStatus {
  readonly disruptedPods?: Readonly<Record<string, string>>;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
}

/** How long an evicted pod may take until it is asked to end; then it counts as staying. */
const deletionTimeoutMs = 2 * 60_000;

const scales: Readonly<Record<string, ResourceRef>> = {
  ReplicationController: resources.replicationControllers,
  ReplicaSet: resources.replicaSets,
  Deployment: resources.deployments,
  StatefulSet: resources.statefulSets,
};

/** Keys are budgets, "namespace/name". */
export const disruptionController: Controller = {
  name: "disruption-controller",
  eventSource: "controllermanager",
  account: "disruption-controller",
  watches: [
    { resource: resources.podDisruptionBudgets, keys: ownKey },
    {
      resource: resources.pods,
      keys: (pod, previous, caches) =>
        budgetsIn(pod, caches).filter((budget) =>
          [pod, previous].some((each) => each !== undefined && selects(budget, each))
        ).flatMap(ownKey),
    },
    ...Object.values(scales).map((resource) => ({
      resource,
      keys: (owner: KubeObject, previous: KubeObject | undefined, caches: Caches) =>
        previous !== undefined && replicasOf(owner) === replicasOf(previous)
          ? []
          : budgetsIn(owner, caches).flatMap(ownKey),
    })),
  ],
  plan(key, caches, { now }): Plan | undefined {
    const budget = caches.of<Budget>(resources.podDisruptionBudgets).get(key);
    if (budget === undefined) return undefined;
    const pods = caches.of<Pod>(resources.pods).inNamespace(budget.metadata.namespace ?? "")
      .filter((pod) => selects(budget, pod as unknown as KubeObject));
    const events: EventDraft[] = pods.length > 0 ? [] : [{
      about: budget,
      type: "Normal",
      reason: "NoPods",
      message: "No matching pods found",
    }];
    const expected = expectation(budget, pods, caches);
    const { disruptedPods, againAfterMs } = stillGoing(budget, pods, now);
    const healthy =
      pods.filter((pod) =>
        pod.metadata.deletionTimestamp === undefined && !(pod.metadata.name in disruptedPods) && isReady(pod)
      ).length;
    const status = statusOf(budget, expected, healthy, disruptedPods, now);
    // Told once: when the status changes, not at each look.
    if (jsonEquals(status, budget.status ?? {})) {
      return { writes: [], ...(againAfterMs === undefined ? {} : { againAfterMs }) };
    }
    if ("error" in expected) {
      const message = `Failed to calculate the number of expected pods: ${expected.error}`;
      events.push({ about: budget, type: "Warning", reason: "CalculateExpectedPodCountFailed", message });
    }
    const object = { ...budget, status } as unknown as KubeObject;
    return {
      writes: [
        ...events.map((event) => ({ type: "event" as const, event })),
        { type: "update", resource: resources.podDisruptionBudgets, object, subresource: "status" },
      ],
      ...(againAfterMs === undefined ? {} : { againAfterMs }),
    };
  },
};

function budgetsIn({ metadata }: KubeObject, caches: Caches): readonly Budget[] {
  return caches.of<Budget>(resources.podDisruptionBudgets).inNamespace(metadata.namespace ?? "");
}

/** An empty selector means all pods, none means none. */
function selects({ spec: { selector } }: Budget, pod: KubeObject): boolean {
  return matchesSelector(selector, pod.metadata.labels);
}

function replicasOf(owner: KubeObject): number {
  return (owner["spec"] as { replicas?: number } | undefined)?.replicas ?? 1;
}

type Expectation = { readonly pods: number; readonly healthy: number } | { readonly error: string };

/** How many pods there should be, and how many of them have to be healthy. */
function expectation({ spec }: Budget, pods: readonly Pod[], caches: Caches): Expectation {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable === undefined && typeof minAvailable === "number") {
    return { pods: pods.length, healthy: minAvailable };
  }
  if (maxUnavailable === undefined && minAvailable === undefined) return { pods: pods.length, healthy: 0 };
  const scale = expectedScale(pods, caches);
  if (typeof scale === "string") return { error: scale };
  if (maxUnavailable !== undefined) return { pods: scale, healthy: Math.max(0, scale - scaled(maxUnavailable, scale)) };
  return { pods: scale, healthy: scaled(minAvailable!, scale) };
}

/** A number, or a percentage rounded up. */
function scaled(value: number | string, total: number): number {
  return typeof value === "number" ? value : Math.ceil(Number.parseInt(value, 10) * total / 100);
}

/** What the controllers of the pods are asked to run, together; a text where one of them has no scale. */
function expectedScale(pods: readonly Pod[], caches: Caches): number | string {
  const owners = new Map<string, number>();
  for (const pod of pods) {
    const reference = controllerOf(pod);
    if (reference === undefined) continue;
    const owner = scaledOwner(reference, pod.metadata.namespace ?? "", caches);
    if (owner === undefined) return `found no controllers for pod ${JSON.stringify(pod.metadata.name)}`;
    owners.set(owner.metadata.uid, replicasOf(owner));
  }
  return [...owners.values()].reduce((total, count) => total + count, 0);
}

/** A replica set of a deployment stands for the deployment. */
function scaledOwner({ kind, name, uid }: OwnerReference, namespace: string, caches: Caches): KubeObject | undefined {
  const resource = scales[kind];
  const owner = resource === undefined ? undefined : caches.of(resource).get(`${namespace}/${name}`);
  if (owner === undefined || owner.metadata.uid !== uid) return undefined;
  const above = controllerOf(owner);
  if (kind !== "ReplicaSet" || above?.kind !== "Deployment") return owner;
  return scaledOwner(above, namespace, caches) ?? owner;
}

/** Evictions that were granted and have not become deletions yet. */
function stillGoing(
  { status }: Budget,
  pods: readonly Pod[],
  now: number,
): { disruptedPods: Record<string, string>; againAfterMs?: number } {
  const disruptedPods: Record<string, string> = {};
  let againAfterMs: number | undefined;
  for (const [name, time] of Object.entries(status?.disruptedPods ?? {})) {
    const pod = pods.find(({ metadata }) => metadata.name === name);
    const left = (parseTime(time) ?? 0) + deletionTimeoutMs - now;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || left <= 0) continue;
    disruptedPods[name] = time;
    againAfterMs = Math.min(againAfterMs ?? Infinity, left);
  }
  return { disruptedPods, ...(againAfterMs === undefined ? {} : { againAfterMs }) };
}

function statusOf(
  budget: Budget,
  expected: Expectation,
  currentHealthy: number,
  disruptedPods: Record<string, string>,
  now: number,
): object {
  if ("error" in expected) {
    return {
      ...budget.status,
      disruptionsAllowed: 0,
      conditions: [condition(budget, "SyncFailed", expected.error, now)],
    };
  }
  const spare = currentHealthy - expected.healthy;
  const disruptionsAllowed = expected.pods <= 0 || spare <= 0 ? 0 : spare;
  return {
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy: expected.healthy,
    expectedPods: expected.pods,
    observedGeneration: budget.metadata.generation,
    conditions: [condition(budget, disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods", "", now)],
  };
}

function condition({ metadata, status }: Budget, reason: string, message: string, now: number): object {
  const type = "DisruptionAllowed";
  const said = reason === "SufficientPods" ? "True" : "False";
  const before = status?.conditions?.find((each) => each.type === type) as
    | { status: string; lastTransitionTime?: string }
    | undefined;
  const lastTransitionTime = before?.status === said ? before.lastTransitionTime : formatTime(now);
  return { type, status: said, observedGeneration: metadata.generation, lastTransitionTime, reason, message };
}
