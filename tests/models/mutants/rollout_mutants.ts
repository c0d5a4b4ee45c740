/** Faults in the plans of Deployments and ReplicaSets. */
import type { Caches, Controller, Write } from "../../../machines/controllers/controller.ts";
import { deploymentController } from "../../../machines/controllers/deployment/deployment_controller.ts";
import { replicaSetController } from "../../../machines/controllers/replica_set/replica_set_controller.ts";
import { deploymentSituations } from "../../../machines/models/controller_models.ts";
import { deploymentSystem } from "../../../machines/models/deployment_system.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { type Mutant } from "./mutant.ts";
import { type Change, deaf, isOf, sized, withoutOwners, writing } from "./plan_changes.ts";

const rollout = (fault: string, situation: string, controllers: readonly Controller[]): Mutant => ({
  fault,
  model: `deployment/${situation}`,
  system: () => deploymentSystem({ ...deploymentSituations[situation]!, controllers }),
});
const deployment = (fault: string, situation: string, change: Change) =>
  rollout(`deployment: ${fault}`, situation, [writing(deploymentController, change), replicaSetController]);
const replicaSet = (fault: string, situation: string, change: Change) =>
  rollout(`replica set: ${fault}`, situation, [deploymentController, writing(replicaSetController, change)]);

export const rolloutMutants: readonly Mutant[] = [
  replicaSet("does not end surplus pods", "scaling", (write) => isOf(write, "pods", "delete") ? [] : [write]),
  replicaSet(
    "does not write its status",
    "rollout",
    (write) => isOf(write, "replicasets", "update", "status") ? [] : [write],
  ),
  replicaSet(
    "makes pods that nobody owns",
    "deleted",
    (write) => isOf(write, "pods", "create") ? [withoutOwners(write)] : [write],
  ),
  replicaSet("does not replace what is gone", "failure", (write) => isOf(write, "pods", "create") ? [] : [write]),
  replicaSet("counts every pod as available", "rollout", (write) => {
    if (!isOf(write, "replicasets", "update", "status")) return [write];
    const { object } = write as { object: KubeObject };
    const status = object["status"] as { replicas: number };
    return [{ ...write, object: { ...object, status: { ...status, availableReplicas: status.replicas } } } as Write];
  }),
  deployment("writes no status", "rollout", (write) => isOf(write, "deployments", "update", "status") ? [] : [write]),
  deployment(
    "ends all old pods at once",
    "rollout",
    (write) =>
      isOf(write, "replicasets", "update")
        ? [
          sized(
            write,
            ({ spec, metadata }) =>
              metadata.annotations?.["deployment.kubernetes.io/revision"] === "1" ? 0 : spec?.replicas ?? 0,
          ),
        ]
        : [write],
  ),
  deployment(
    "starts all new pods at once",
    "rollout",
    (write) => isOf(write, "replicasets", "create") ? [sized(write, () => 2)] : [write],
  ),
  deployment(
    "never ends the old ReplicaSet",
    "rollout",
    (write) =>
      isOf(write, "replicasets", "update") ? [sized(write, ({ spec }) => Math.max(1, spec?.replicas ?? 0))] : [write],
  ),
  deployment(
    "makes ReplicaSets that nobody owns",
    "rollout",
    (write) => isOf(write, "replicasets", "create") ? [withoutOwners(write)] : [write],
  ),
  rollout("deployment: does not hear of its ReplicaSets", "rollout", [
    deaf(deploymentController, "replicasets"),
    replicaSetController,
  ]),
  rollout("replica set: does not hear of its pods", "deleted", [
    deploymentController,
    deaf(replicaSetController, "pods"),
  ]),
  rollout("deployment: does not see that old pods still run", "recreate", [{
    ...deploymentController,
    plan: (key, caches, context) =>
      deploymentController.plan(key, {
        of: ((resource: { resource: string }) =>
          resource.resource === "pods"
            ? { get: () => undefined, list: () => [], inNamespace: () => [], ownedBy: () => [] }
            : caches.of(resource as never)) as Caches["of"],
      }, context),
  }, replicaSetController]),
];
