/** Rolls a Deployment's template out over ReplicaSets (Kubernetes docs, "Deployments"). */
import { jsonEquals } from "../../objects/json.ts";
import { matchesSelector } from "../../objects/label_selector.ts";
import type { Deployment, Pod, ReplicaSet } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { type Controller, controllerKeys, type EventDraft, ownKey, type Plan, type Write } from "../controller.ts";
import { claim, controllerOf, controllerReference } from "../ownership.ts";
import { deadlineInMs, isComplete, statusOf } from "./deployment_status.ts";
import {
  annotation,
  currentAnnotations,
  hashLabel,
  replicasOf,
  revisionOf,
  type Rollout,
  rolloutOf,
  sizeAnnotations,
  templateHash,
} from "./rollout.ts";
import { currentSize, emptyOld, isScaling, proportional, shrinkOld, type Sizes } from "./scaling.ts";

export const deploymentController: Controller = {
  name: "deployment-controller",
  account: "deployment-controller",
  watches: [
    { resource: resources.deployments, keys: ownKey },
    {
      resource: resources.replicaSets,
      keys(object, previous, caches) {
        const keys = controllerKeys("Deployment")(object, previous, caches);
        if (keys.length > 0 || controllerOf(object) !== undefined) return keys;
        return caches.of<Deployment>(resources.deployments).inNamespace(object.metadata.namespace ?? "")
          .filter((deployment) => matchesSelector(deployment.spec?.selector, object.metadata.labels))
          .map((deployment) => `${deployment.metadata.namespace}/${deployment.metadata.name}`);
      },
    },
    {
      // Recreate waits for the last old pod to be gone.
      resource: resources.pods,
      keys(object, _, caches) {
        const owner = controllerOf(object);
        if (owner?.kind !== "ReplicaSet") return [];
        const set = caches.of<ReplicaSet>(resources.replicaSets).get(`${object.metadata.namespace}/${owner.name}`);
        if (set === undefined) return [];
        return controllerKeys("Deployment")(set as never, undefined, caches).filter((key) =>
          caches.of<Deployment>(resources.deployments).get(key)?.spec?.strategy?.type === "Recreate"
        );
      },
    },
  ],
  plan(key, caches, { now }): Plan | undefined {
    const deployment = caches.of<Deployment>(resources.deployments).get(key);
    if (deployment === undefined) return undefined;
    const namespace = deployment.metadata.namespace ?? "";
    const sets = caches.of<ReplicaSet>(resources.replicaSets).inNamespace(namespace);
    const { owned, writes } = claim(deployment, deployment.spec?.selector, sets, resources.replicaSets);
    const pods = owned.flatMap((set) => caches.of<Pod>(resources.pods).ownedBy(set.metadata.uid));
    const rollout = rolloutOf(deployment, owned, pods, now);
    if (deployment.metadata.deletionTimestamp !== undefined) return { writes: [...writes, ...statusWrites(rollout)] };
    const steps = nextSteps(rollout, sets);
    const deadline = isComplete(rollout, deployment.status ?? {}) ? undefined : deadlineInMs(rollout);
    return {
      writes: [...writes, ...steps.writes, ...statusWrites(rollout, steps.created)],
      ...(deadline !== undefined && deadline > 0 && { againAfterMs: deadline + 1000 }),
    };
  },
};

interface Steps {
  readonly writes: readonly Write[];
  /** Name of the ReplicaSet that the writes create. */
  readonly created?: string;
}

function nextSteps(rollout: Rollout, inNamespace: readonly ReplicaSet[]): Steps {
  const { deployment } = rollout;
  if (deployment.spec?.paused || isScaling(rollout)) return { writes: resize(rollout, proportional(rollout)) };
  if (deployment.spec?.strategy?.type === "Recreate") {
    const emptied = emptyOld(rollout);
    if (emptied !== undefined) return { writes: resize(rollout, emptied) };
    return { ...bringUpCurrent(rollout, inNamespace) };
  }
  const current = bringUpCurrent(rollout, inNamespace);
  if (current.writes.length > 0) return current;
  const old = resize(rollout, shrinkOld(rollout));
  return { writes: old.length > 0 ? old : cleanUp(rollout) };
}

/** Creates the new ReplicaSet, or brings its size and annotations up to date. */
function bringUpCurrent(rollout: Rollout, inNamespace: readonly ReplicaSet[]): Steps {
  const { deployment, current } = rollout;
  const size = currentSize(rollout);
  const annotations = currentAnnotations(rollout);
  const revised = annotations[annotation.revision] === String(revisionOf(deployment))
    ? []
    : [patchAnnotations(deployment, { [annotation.revision]: annotations[annotation.revision]! })];
  if (current === undefined) return create(rollout, inNamespace, size, annotations, revised);
  const writes = [...revised];
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
  const differs = !jsonEquals(annotations, current.metadata.annotations ?? {}) ||
    (current.spec?.minReadySeconds ?? 0) !== minReadySeconds;
  if (differs || size !== replicasOf(current)) {
    writes.push({
      type: "update",
      resource: resources.replicaSets,
      object: {
        ...current,
        metadata: { ...current.metadata, annotations },
        spec: { ...current.spec, minReadySeconds, replicas: size },
      },
      ...scaledEvent(deployment, current.metadata.name, replicasOf(current), size),
    });
  }
  if (writes.length === 0 && deployment.spec?.strategy?.type === "Recreate") return { writes: cleanUp(rollout) };
  return { writes };
}

function create(
  { deployment }: Rollout,
  inNamespace: readonly ReplicaSet[],
  size: number,
  annotations: Record<string, string>,
  revised: readonly Write[],
): Steps {
  const { spec, metadata } = deployment;
  const collisions = deployment.status?.collisionCount ?? 0;
  const hash = templateHash(spec?.template, collisions);
  const name = `${metadata.name}-${hash}`;
  if (inNamespace.some((set) => set.metadata.name === name)) {
    // Somebody else's ReplicaSet bears the name: count a collision, which changes the hash.
    const status = { ...deployment.status, collisionCount: collisions + 1 };
    return {
      writes: [{
        type: "update",
        resource: resources.deployments,
        object: { ...deployment, status },
        subresource: "status",
      }],
    };
  }
  const labels = { ...spec?.template?.metadata?.labels, [hashLabel]: hash };
  const selector = { ...spec?.selector, matchLabels: { ...spec?.selector?.matchLabels, [hashLabel]: hash } };
  const object = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      namespace: metadata.namespace,
      labels,
      annotations,
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: size,
      ...(spec?.minReadySeconds && { minReadySeconds: spec.minReadySeconds }),
      selector,
      template: { ...spec?.template, metadata: { ...spec?.template?.metadata, labels } },
    },
  };
  const created: Write = {
    type: "create",
    resource: resources.replicaSets,
    object,
    ...scaledEvent(deployment, name, 0, size),
    onFailure: event(
      deployment,
      "Warning",
      "ReplicaSetCreateError",
      `Failed to create new replica set "${name}": {error}`,
    ),
  };
  return { writes: [created, ...revised], created: name };
}

function resize({ deployment, wanted, maxSurge }: Rollout, sizes: Sizes): Write[] {
  return [...sizes].map(([set, size]): Write => ({
    type: "update",
    resource: resources.replicaSets,
    object: {
      ...set,
      metadata: { ...set.metadata, annotations: { ...set.metadata.annotations, ...sizeAnnotations(wanted, maxSurge) } },
      spec: { ...set.spec, replicas: size },
    },
    ...scaledEvent(deployment, set.metadata.name, replicasOf(set), size),
  }));
}

function scaledEvent(deployment: Deployment, name: string, from: number, to: number): { onSuccess?: EventDraft } {
  if (from === to) return {};
  const message = `Scaled ${to > from ? "up" : "down"} replica set ${name} from ${from} to ${to}`;
  return { onSuccess: event(deployment, "Normal", "ScalingReplicaSet", message) };
}

function event(about: Deployment, type: "Normal" | "Warning", reason: string, message: string): EventDraft {
  return { about, type, reason, message };
}

/** Once a rollout is complete, ReplicaSets beyond the history limit go, the oldest revision first. */
function cleanUp({ deployment, old, wanted }: Rollout): Write[] {
  const limit = deployment.spec?.revisionHistoryLimit;
  if (limit === undefined || !isComplete({ wanted }, deployment.status ?? {})) return [];
  const removable = old.filter((set) => set.metadata.deletionTimestamp === undefined);
  const surplus = removable.length - limit;
  return [...removable].sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, surplus))
    .filter((set) => replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0)
    .map((set): Write => ({
      type: "delete",
      resource: resources.replicaSets,
      namespace: set.metadata.namespace ?? "",
      name: set.metadata.name,
      uid: set.metadata.uid,
    }));
}

function statusWrites(rollout: Rollout, created?: string): Write[] {
  const { deployment } = rollout;
  const status = statusOf(rollout, created);
  if (jsonEquals(status, deployment.status ?? {})) return [];
  const { name, namespace } = deployment.metadata;
  return [{
    // A patch, since the annotations of this very object may have been written a moment ago.
    type: "patch",
    resource: resources.deployments,
    namespace: namespace ?? "",
    name,
    patch: "json",
    body: [{ op: "add", path: "/status", value: status }],
    subresource: "status",
    missingIsFine: true,
  }];
}

function patchAnnotations(deployment: Deployment, annotations: Record<string, string>): Write {
  const { name, namespace } = deployment.metadata;
  return {
    type: "patch",
    resource: resources.deployments,
    namespace: namespace ?? "",
    name,
    patch: "merge",
    body: { metadata: { annotations } },
    missingIsFine: true,
  };
}
