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
    if (deployment.metadata.deletionTimestamp !== undefined) return { writes: [...writes, ...ownWrites(rollout)] };
    const steps = nextSteps(rollout, sets);
    const deadline = isComplete(rollout, deployment.status ?? {}) ? undefined : deadlineInMs(rollout);
    return {
      writes: [...writes, ...steps.writes, ...ownWrites(rollout, steps)],
      ...(deadline !== undefined && deadline > 0 && { againAfterMs: deadline + 1000 }),
    };
  },
};

interface Steps {
  readonly writes: readonly Write[];
  /** Name of the ReplicaSet that the writes create. */
  readonly created?: string;
  /** What the deployment's own revision becomes. */
  readonly revision?: string;
  /** Another ReplicaSet bears the name that the new one would have. */
  readonly collided?: boolean;
}

function nextSteps(rollout: Rollout, inNamespace: readonly ReplicaSet[]): Steps {
  const { deployment, current, wanted } = rollout;
  const recreate = deployment.spec?.strategy?.type === "Recreate";
  const revision = currentAnnotations(rollout)[annotation.revision]!;
  if (deployment.spec?.paused || isScaling(rollout)) {
    const sizes = proportional(rollout);
    // What exists of the new template is kept up to date; it comes into being only when the rollout goes on.
    const updated = current === undefined || sizes.has(current) ? [] : bringUpCurrent(rollout, replicasOf(current));
    const writes = [...updated, ...resize(rollout, sizes)];
    return { writes, ...(current !== undefined && { revision }) };
  }
  if (recreate) {
    const emptied = emptyOld(rollout);
    if (emptied !== undefined) return { writes: resize(rollout, emptied) };
  }
  if (current === undefined) return create(rollout, inNamespace, currentSize(rollout), revision);
  const grown = bringUpCurrent(rollout, recreate ? wanted : currentSize(rollout));
  if (grown.length > 0) return { writes: grown, revision };
  const old = recreate ? [] : resize(rollout, shrinkOld(rollout));
  return { writes: old.length > 0 ? old : cleanUp(rollout), revision };
}

/** Brings the new ReplicaSet's size and annotations up to date. */
function bringUpCurrent(rollout: Rollout, size: number): Write[] {
  const { deployment, current } = rollout;
  if (current === undefined) return [];
  const annotations = currentAnnotations(rollout);
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
  const same = jsonEquals(annotations, current.metadata.annotations ?? {}) && size === replicasOf(current) &&
    (current.spec?.minReadySeconds ?? 0) === minReadySeconds;
  if (same) return [];
  return [{
    type: "update",
    resource: resources.replicaSets,
    object: {
      ...current,
      metadata: { ...current.metadata, annotations },
      spec: { ...current.spec, minReadySeconds, replicas: size },
    },
    ...scaledEvent(deployment, current.metadata.name, replicasOf(current), size),
  }];
}

function create(rollout: Rollout, inNamespace: readonly ReplicaSet[], size: number, revision: string): Steps {
  const { deployment } = rollout;
  const { spec, metadata } = deployment;
  const hash = templateHash(spec?.template, deployment.status?.collisionCount ?? 0);
  const name = `${metadata.name}-${hash}`;
  // Somebody else's ReplicaSet bears the name: a collision is counted, which changes the hash.
  if (inNamespace.some((set) => set.metadata.name === name)) return { writes: [], collided: true };
  const labels = { ...spec?.template?.metadata?.labels, [hashLabel]: hash };
  const selector = { ...spec?.selector, matchLabels: { ...spec?.selector?.matchLabels, [hashLabel]: hash } };
  const object = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      namespace: metadata.namespace,
      labels,
      annotations: currentAnnotations(rollout),
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
  return { writes: [created], created: name, revision };
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

/**
 * The deployment's own status and revision, in one write of its status (the role that Kubernetes gives this controller
 * allows no other), so that the two never stand against each other.
 */
function ownWrites(rollout: Rollout, { created, revision, collided }: Partial<Steps> = {}): Write[] {
  const { deployment } = rollout;
  const counted = { collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
  const status = { ...statusOf(rollout, created), ...(collided && counted) };
  const annotations = { ...deployment.metadata.annotations, ...(revision && { [annotation.revision]: revision }) };
  const same = jsonEquals(status, deployment.status ?? {}) &&
    jsonEquals(annotations, deployment.metadata.annotations ?? {});
  if (same) return [];
  const metadata = { ...deployment.metadata, ...(Object.keys(annotations).length > 0 && { annotations }) };
  return [{
    type: "update",
    resource: resources.deployments,
    object: { ...deployment, metadata, status },
    subresource: "status",
  }];
}
