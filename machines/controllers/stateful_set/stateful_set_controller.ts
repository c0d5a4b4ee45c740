/** Keeps pods with stable names and storage, one of each ordinal (Kubernetes docs, "StatefulSets"). */
import { jsonEquals } from "../../objects/json.ts";
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { type Controller, controllerKeys, ownKey, type Plan, type Write } from "../controller.ts";
import { claim } from "../ownership.ts";
import { availableInMs, isReady } from "../pod_readiness.ts";
import { currentRevision, surplusRevisions } from "../revisions.ts";
import { burst, createPod, deletePod, event, podKeys, writeStatus } from "../workload_pods.ts";
import { ordinalOf, podName, revisionOf, statefulPod, templateOf } from "./ordinals.ts";
import {
  isAvailable,
  isTerminating,
  revisionFor,
  type StatefulSetSteps,
  type StatefulSetView,
  steps,
  viewOf,
} from "./stateful_set_steps.ts";
import { createClaims, ownClaims } from "./volume_claims.ts";

const hashLabel = "controller.kubernetes.io/hash";

export const statefulSetController: Controller = {
  name: "statefulset-controller",
  account: "statefulset-controller",
  watches: [
    { resource: resources.statefulSets, keys: ownKey },
    { resource: resources.pods, keys: podKeys("StatefulSet", resources.statefulSets) },
    { resource: resources.controllerRevisions, keys: controllerKeys("StatefulSet") },
  ],
  reads: [resources.persistentVolumeClaims],
  plan(key, caches, { now }): Plan | undefined {
    const set = caches.of<StatefulSet>(resources.statefulSets).get(key);
    if (set === undefined) return undefined;
    const namespace = set.metadata.namespace ?? "";
    const { selector } = set.spec ?? {};
    const candidates = caches.of<Pod>(resources.pods).inNamespace(namespace)
      .filter((pod) => ordinalOf(set, pod) !== undefined);
    const pods = claim(set, selector, candidates, resources.pods);
    const revisions = claim(
      set,
      selector,
      caches.of<ControllerRevision>(resources.controllerRevisions).inNamespace(namespace),
      resources.controllerRevisions,
    );
    const claims = caches.of<PersistentVolumeClaim>(resources.persistentVolumeClaims).inNamespace(namespace);
    const plan = planStatefulSet(set, pods.owned, revisions.owned, claims, now);
    return { ...plan, writes: [pods.writes, revisions.writes, ...plan.writes] };
  },
};

/** The plan for a StatefulSet, with the pods and revisions that are its own, and the claims of its namespace. */
export function planStatefulSet(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: readonly ControllerRevision[],
  claims: readonly PersistentVolumeClaim[],
  now: number,
): Plan {
  const { collisionCount = 0, currentRevision: before } = set.status ?? {};
  const revision = currentRevision(set, set.spec?.template, revisions, { hashLabel, collisions: collisionCount });
  const current = revisions.find(({ metadata }) => metadata.name === before)?.metadata.name ?? revision.name;
  const names = { currentRevision: current, updateRevision: revision.name };
  const view = viewOf(set, pods, names, now);
  if (revision.collided) return { writes: status(view, collisionCount + 1) };
  const dying = set.metadata.deletionTimestamp !== undefined;
  const next: StatefulSetSteps = dying ? { create: [], remove: [], recreated: [] } : steps(view);
  const used = new Set([...pods.map(revisionOf), current, revision.name]);
  const waits = pods.map((pod) => availableInMs(pod, set.spec?.minReadySeconds ?? 0, now) ?? 0)
    .filter((wait) => wait > 0);
  return {
    writes: [
      ...revision.writes,
      ...podWrites(view, next, revisions, claims),
      surplusRevisions(revisions, set.spec?.revisionHistoryLimit ?? 10, ({ metadata }) => used.has(metadata.name)),
      ...status(view, collisionCount),
    ],
    ...(waits.length > 0 && { againAfterMs: Math.min(...waits) }),
    ...(next.waitsFor !== undefined && { waitsFor: next.waitsFor }),
  };
}

function podWrites(
  view: StatefulSetView,
  { create, remove, recreated }: StatefulSetSteps,
  revisions: readonly ControllerRevision[],
  claims: readonly PersistentVolumeClaim[],
): (readonly Write[])[] {
  const { set, members, condemned } = view;
  const existing = new Map(claims.map((each) => [each.metadata.name, each]));
  const made = create.slice(0, burst);
  // A pod that waits for a claim that was deleted gets a new one.
  const pending = [...members].filter(([, { status }]) => (status?.phase ?? "Pending") === "Pending");
  const claiming = [...made, ...pending.map(([ordinal]) => ordinal)];
  const condemnedByName = new Map(condemned.map((pod) => [ordinalOf(set, pod)!, pod]));
  const owned = [...members.keys(), ...condemnedByName.keys()];
  return [
    claiming.flatMap((ordinal) => createClaims(set, ordinal, existing)),
    owned.flatMap((ordinal) => ownClaims(set, ordinal, condemnedByName.get(ordinal), existing)),
    made.map((ordinal) => creation(view, ordinal, revisions)),
    recreated.map((pod) => ({ type: "event", event: recreation(set, pod) })),
    remove.map((pod) => deletion(set, pod)),
  ];
}

function creation(view: StatefulSetView, ordinal: number, revisions: readonly ControllerRevision[]): Write {
  const { set } = view;
  const wanted = revisionFor(view, ordinal);
  const old = revisions.find(({ metadata }) => metadata.name === wanted && wanted !== view.updateRevision);
  const template = old === undefined ? set.spec!.template : templateOf(old);
  const of = `Pod ${podName(set, ordinal)} in StatefulSet ${set.metadata.name}`;
  return {
    ...createPod(set, statefulPod(set, template, old?.metadata.name ?? view.updateRevision, ordinal)),
    onSuccess: event(set, "Normal", "SuccessfulCreate", `create ${of} successful`),
    onFailure: event(set, "Warning", "FailedCreate", `create ${of} failed error: {error}`),
  };
}

function deletion(set: StatefulSet, pod: Pod): Write {
  const of = `Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
  return {
    ...deletePod(set, pod),
    onSuccess: event(set, "Normal", "SuccessfulDelete", `delete ${of} successful`),
    onFailure: event(set, "Warning", "FailedDelete", `delete ${of} failed error: {error}`),
  };
}

function recreation(set: StatefulSet, { metadata, status }: Pod) {
  const { namespace, name } = set.metadata;
  const told = (what: string) => `StatefulSet ${namespace}/${name} is recreating ${what} Pod ${metadata.name}`;
  return status?.phase === "Failed"
    ? event(set, "Warning", "RecreatingFailedPod", told("failed"))
    : event(set, "Normal", "RecreatingTerminatedPod", told("terminated"));
}

function status(view: StatefulSetView, collisionCount: number): Write[] {
  const next = statusOf(view, collisionCount);
  return jsonEquals(next, view.set.status ?? {}) ? [] : [writeStatus(resources.statefulSets, view.set, next)];
}

function statusOf(view: StatefulSetView, collisionCount: number): object {
  const { set, members, condemned, currentRevision, updateRevision } = view;
  const pods = [...members.values(), ...condemned];
  const ready = pods.filter((pod) => pod.status?.phase === "Running" && isReady(pod));
  const staying = pods.filter((pod) => !isTerminating(pod));
  const of = (name: string) => staying.filter((pod) => revisionOf(pod) === name).length;
  const updated = of(updateRevision);
  // Everything runs the new template: it is what there is from now on.
  const rolled = set.spec?.updateStrategy?.type !== "OnDelete" && updated === pods.length &&
    ready.length === pods.length;
  const current = rolled ? updateRevision : currentRevision;
  return {
    ...(set.metadata.generation !== undefined && { observedGeneration: set.metadata.generation }),
    replicas: pods.length,
    ...(ready.length > 0 && { readyReplicas: ready.length }),
    ...(of(current) > 0 && { currentReplicas: of(current) }),
    ...(updated > 0 && { updatedReplicas: updated }),
    currentRevision: current,
    updateRevision,
    collisionCount,
    availableReplicas: pods.filter((pod) => isAvailable(view, pod)).length,
    ...(set.status?.conditions && { conditions: set.status.conditions }),
  };
}
