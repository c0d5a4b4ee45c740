/** ReplicationControllers (core/v1) are ReplicaSets with a plain map for a selector: they are planned as such. */
import type { LabelSelectorObject } from "../../objects/label_selector.ts";
import type { KubeObject, Pod } from "../../objects/object.ts";
import { type ObjectReader } from "../../objects/reader.ts";
import { type ResourceRef, resources } from "../../objects/resources.ts";
import { type Caches, type Controller, ownKey, type Plan, type Write } from "../controller.ts";
import { controllerOf } from "../ownership.ts";
import { isTerminating } from "../pod_readiness.ts";
import { replicaSetController } from "../replica_set/replica_set_controller.ts";
import { podKeys } from "../workload_pods.ts";

const { replicationControllers, replicaSets } = resources;

interface Replicating extends KubeObject {
  spec?: { selector?: Record<string, string> | LabelSelectorObject };
  status?: object;
}

const pods = podKeys("ReplicationController", replicaSets);

export const replicationController: Controller = {
  name: "replication-controller",
  account: "replication-controller",
  watches: [
    { resource: replicationControllers, keys: ownKey },
    { resource: resources.pods, keys: (object, previous, caches) => pods(object, previous, asReplicaSets(caches)) },
  ],
  plan(key, caches, context): Plan | undefined {
    const plan = replicaSetController.plan(key, asReplicaSets(caches), context);
    const controller = caches.of<Replicating>(replicationControllers).get(key);
    if (plan === undefined || controller === undefined) return undefined;
    const back = (write: Write) => backFrom(write, controller);
    return { ...plan, writes: plan.writes.map((each) => "type" in each ? back(each) : each.map(back)) };
  },
};

/** The caches with ReplicationControllers in the place of ReplicaSets. */
function asReplicaSets(caches: Caches): Caches {
  return {
    of<T extends Pick<KubeObject, "metadata">>(resource: ResourceRef): ObjectReader<T> {
      if (resource !== replicaSets) return caches.of<T>(resource);
      const reader = caches.of<Replicating>(replicationControllers);
      const as = (each: Replicating) => asReplicaSet(each, caches) as unknown as T;
      return {
        get: (key) => {
          const found = reader.get(key);
          return found && as(found);
        },
        list: () => reader.list().map(as),
        inNamespace: (namespace) => reader.inNamespace(namespace).map(as),
        ownedBy: (uid) => reader.ownedBy(uid).map(as),
      };
    },
  };
}

function asReplicaSet(controller: Replicating, caches: Caches): Replicating {
  const { metadata, spec, status } = controller;
  // Its status does not tell how many are ending: so that the two compare equal, it is said here.
  const ending = caches.of<Pod>(resources.pods).inNamespace(metadata.namespace ?? "")
    .filter((pod) => controllerOf(pod)?.uid === metadata.uid && isTerminating(pod)).length;
  return {
    ...controller,
    apiVersion: "v1",
    kind: "ReplicationController",
    spec: { ...spec, selector: { matchLabels: (spec?.selector ?? {}) as Record<string, string> } },
    status: { ...status, terminatingReplicas: ending },
  };
}

function backFrom(write: Write, controller: Replicating): Write {
  const { onFailureWrite } = write;
  const also = onFailureWrite === undefined ? {} : { onFailureWrite: backFrom(onFailureWrite, controller) };
  if (write.type !== "update" || write.resource !== replicaSets) return { ...write, ...also };
  const { terminatingReplicas: _, ...status } = write.object["status"] as Record<string, unknown>;
  return { ...write, ...also, resource: replicationControllers, object: { ...controller, status } };
}
