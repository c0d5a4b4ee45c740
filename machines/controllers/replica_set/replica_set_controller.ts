/** Keeps as many pods as a ReplicaSet asks for (Kubernetes docs, "ReplicaSet"). */
import { jsonEquals } from "../../objects/json.ts";
import { matchesSelector } from "../../objects/label_selector.ts";
import type { Pod, ReplicaSet } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { formatTime } from "../../objects/time.ts";
import { type Controller, controllerKeys, type EventDraft, ownKey, type Plan, type Write } from "../controller.ts";
import { claim, controllerOf, controllerReference } from "../ownership.ts";
import { availableInMs, isActive, isReady, isTerminating } from "../pod_readiness.ts";
import { podsToDelete } from "./pods_to_delete.ts";

/** The most pods created or deleted in one reconciliation. */
const burst = 500;

export const replicaSetController: Controller = {
  name: "replicaset-controller",
  account: "replicaset-controller",
  watches: [
    { resource: resources.replicaSets, keys: ownKey },
    {
      resource: resources.pods,
      keys(object, previous, caches) {
        const keys = controllerKeys("ReplicaSet")(object, previous, caches);
        if (keys.length > 0 || controllerOf(object) !== undefined) return keys;
        // An orphan concerns every ReplicaSet that might adopt it.
        return caches.of<ReplicaSet>(resources.replicaSets).inNamespace(object.metadata.namespace ?? "")
          .filter((set) => matchesSelector(set.spec?.selector, object.metadata.labels))
          .map((set) => `${set.metadata.namespace}/${set.metadata.name}`);
      },
    },
  ],
  plan(key, caches, { now }): Plan | undefined {
    const set = caches.of<ReplicaSet>(resources.replicaSets).get(key);
    if (set === undefined) return undefined;
    const candidates = caches.of<Pod>(resources.pods).inNamespace(set.metadata.namespace ?? "");
    const { owned, writes } = claim(set, set.spec?.selector, candidates, resources.pods);
    const active = owned.filter(isActive);
    const status = statusOf(set, active, owned.filter(isTerminating).length, now);
    const scaling = set.metadata.deletionTimestamp === undefined ? scale(set, active, status.failed) : [];
    const statusWrite = jsonEquals(status.value, set.status ?? {}) ? [] : [status.write(status.value)];
    return { writes: [...writes, ...scaling, ...statusWrite], ...nextLook(set, active, now) };
  },
};

function scale(
  set: ReplicaSet,
  active: readonly Pod[],
  failed: (reason: string) => Write | undefined,
): (readonly Write[])[] {
  const onFailureWrite = failed("FailedCreate");
  const missing = (set.spec?.replicas ?? 1) - active.length;
  if (missing > 0) {
    return [
      Array.from(
        { length: Math.min(burst, missing) },
        () => ({ ...createPod(set), ...(onFailureWrite === undefined ? {} : { onFailureWrite }) }),
      ),
    ];
  }
  if (missing < 0) {
    return [podsToDelete(active, Math.min(burst, -missing)).map((pod) => deletePod(set, pod))];
  }
  return [];
}

function createPod(set: ReplicaSet): Write {
  const { metadata = {}, spec } = set.spec?.template ?? {};
  const { labels, annotations, finalizers } = metadata;
  return {
    type: "create",
    resource: resources.pods,
    object: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        generateName: `${set.metadata.name}-`,
        namespace: set.metadata.namespace,
        ...(labels && { labels }),
        ...(annotations && { annotations }),
        ...(finalizers && { finalizers }),
        ownerReferences: [controllerReference(set)],
      },
      spec,
    },
    onSuccess: event(set, "Normal", "SuccessfulCreate", "Created pod: {name}"),
    onFailure: event(set, "Warning", "FailedCreate", "Error creating: {error}"),
  };
}

function deletePod(set: ReplicaSet, pod: Pod): Write {
  const { name, namespace, uid } = pod.metadata;
  return {
    type: "delete",
    resource: resources.pods,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    uid,
    onSuccess: event(set, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`),
    onFailure: event(set, "Warning", "FailedDelete", `Error deleting: {error}`),
  };
}

function event(about: ReplicaSet, type: "Normal" | "Warning", reason: string, message: string): EventDraft {
  return { about, type, reason, message };
}

function statusOf(set: ReplicaSet, active: readonly Pod[], terminating: number, now: number) {
  const templateLabels = Object.entries(set.spec?.template?.metadata?.labels ?? {});
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const labelled = active.filter((pod) => templateLabels.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const ready = active.filter(isReady);
  const available = ready.filter((pod) => availableInMs(pod, minReadySeconds, now) === 0);
  const others = (set.status?.conditions ?? []).filter(({ type }) => type !== "ReplicaFailure");
  const missing = (set.spec?.replicas ?? 1) - active.length;
  // A failure stands until there is nothing left to do.
  const conditions = missing === 0 ? others : set.status?.conditions ?? [];
  const value = {
    replicas: active.length,
    ...(labelled.length > 0 && { fullyLabeledReplicas: labelled.length }),
    ...(ready.length > 0 && { readyReplicas: ready.length }),
    ...(available.length > 0 && { availableReplicas: available.length }),
    terminatingReplicas: terminating,
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length > 0 && { conditions }),
  };
  const write = (status: object): Write => ({
    type: "update",
    resource: resources.replicaSets,
    object: { ...set, status },
    subresource: "status",
  });
  const failed = (reason: string): Write | undefined => {
    const stands = set.status?.conditions?.find(({ type }) => type === "ReplicaFailure");
    // The message names the pod that could not be made, another one each time: written anew at every attempt, it would
    // wake this very reconciliation at once, for ever.
    if (stands?.status === "True" && stands.reason === reason) return undefined;
    const condition = { type: "ReplicaFailure", status: "True", lastTransitionTime: formatTime(now), reason };
    return write({ ...value, conditions: [...others, { ...condition, message: "{error}" }] });
  };
  return { value, write, failed };
}

/** Ready pods become available by the passing of time alone. */
function nextLook(set: ReplicaSet, active: readonly Pod[], now: number): { againAfterMs?: number } {
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  if (minReadySeconds === 0) return {};
  const waits = active.map((pod) => availableInMs(pod, minReadySeconds, now) ?? 0).filter((wait) => wait > 0);
  return waits.length === 0 ? {} : { againAfterMs: Math.min(...waits) };
}
