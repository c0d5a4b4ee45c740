/** A Deployment and its ReplicaSets: their controllers over caches that lag, and users who change their minds. */
import { deploymentController } from "../controllers/deployment/deployment_controller.ts";
import { replicaSetController } from "../controllers/replica_set/replica_set_controller.ts";
import { isActive, isReady } from "../controllers/pod_readiness.ts";
import type { Controller } from "../controllers/controller.ts";
import type { SystemModel, SystemState } from "../check/system_model.ts";
import type { Deployment, KubeObject, Pod, ReplicaSet } from "../objects/object.ts";
import { resources } from "../objects/resources.ts";
import { type ClusterData, controllerSystem, type Deed } from "./controller_system.ts";
import type { PaperApi } from "./paper_api.ts";

export interface DeploymentSystemOptions {
  readonly replicas?: number;
  readonly maxSurge?: number;
  readonly maxUnavailable?: number;
  readonly strategy?: "RollingUpdate" | "Recreate";
  /** Of "edits" (new images), "scalings", "deletions" (of pods), "crashes", "failures". */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly scaleTo?: number;
  readonly controllers?: readonly Controller[];
  readonly states?: number;
}

const place = "n/web";
const images = ["web:1", "web:2", "web:3"];

export function deploymentSystem(options: DeploymentSystemOptions = {}): SystemModel {
  const { replicas = 2, maxSurge = 1, maxUnavailable = 0, strategy = "RollingUpdate", scaleTo = 1 } = options;
  const budgets = { edits: 1, scalings: 0, deletions: 0, ...options.budgets };
  const deployment = (image: string) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "n" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      strategy: strategy === "Recreate"
        ? { type: strategy }
        : { type: strategy, rollingUpdate: { maxSurge, maxUnavailable } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image }] } },
    },
  });
  const specOf = (api: PaperApi, data: ClusterData) => api.get<Deployment>(data, resources.deployments, place)?.spec;
  const imageOf = (template: { spec?: { containers: { image?: string }[] } } | undefined) =>
    template?.spec?.containers[0]?.image ?? "";
  const changed = (api: PaperApi, data: ClusterData, spec: object): ClusterData => {
    const before = api.get(data, resources.deployments, place)!;
    return api.write(data, {
      type: "update",
      resource: resources.deployments,
      object: { ...before, spec: { ...before["spec"] as object, ...spec } } as KubeObject,
    });
  };
  const deeds: Record<string, Deed> = {
    "user.setsImage": {
      spends: "edits",
      act(api, data) {
        const template = specOf(api, data)?.template;
        const image = images[images.indexOf(imageOf(template as never)) + 1] ?? images[0]!;
        return changed(api, data, { template: deployment(image).spec.template });
      },
    },
    "user.goesBack": {
      spends: "edits",
      act(api, data) {
        if (imageOf(specOf(api, data)?.template as never) === images[0]) return undefined;
        return changed(api, data, { template: deployment(images[0]!).spec.template });
      },
    },
    "user.scales": {
      spends: "scalings",
      act: (api, data) =>
        specOf(api, data)?.replicas === scaleTo ? undefined : changed(api, data, { replicas: scaleTo }),
    },
    "user.deletesPod": {
      spends: "deletions",
      act(api, data) {
        const [pod] = api.list<Pod>(data, resources.pods).filter(isActive);
        return pod === undefined ? undefined : api.delete(data, resources.pods, `n/${pod.metadata.name}`);
      },
    },
  };
  const most = Math.max(replicas, budgets.scalings > 0 ? scaleTo : 0);
  const least = Math.min(replicas, budgets.scalings > 0 ? scaleTo : replicas);

  return controllerSystem({
    controllers: options.controllers ?? [deploymentController, replicaSetController],
    start: (api, empty) => api.create(empty, resources.deployments, deployment(images[0]!)),
    deeds,
    budgets,
    ...(options.states !== undefined && { states: options.states }),
    rules: (cluster, api) => {
      const at = (state: SystemState) => state.of(cluster).view;
      const sets = (data: ClusterData) => api.list<ReplicaSet>(data, resources.replicaSets);
      const pods = (data: ClusterData) => api.list<Pod>(data, resources.pods);
      const disturbed = (state: SystemState) =>
        state.left("failures") < (options.budgets?.failures ?? 0) || state.left("deletions") < budgets.deletions;
      const reached = (state: SystemState) => {
        const data = at(state);
        const object = api.get<Deployment>(data, resources.deployments, place)!;
        const { spec, status, metadata } = object;
        const active = pods(data).filter(isActive);
        const image = imageOf(spec?.template as never);
        return active.length === spec?.replicas && active.every(isReady) &&
          active.every((pod) => imageOf(pod as never) === image) &&
          status?.observedGeneration === metadata.generation && status?.updatedReplicas === spec?.replicas &&
          status?.availableReplicas === spec?.replicas;
      };
      return {
        always: {
          "ReplicaSets together never ask for more than replicas and maxSurge": (state) =>
            strategy === "Recreate" ||
            sets(at(state)).reduce((sum, { spec }) => sum + (spec?.replicas ?? 0), 0) <= most + maxSurge,
          "available pods never fall below replicas less maxUnavailable": (state) =>
            strategy === "Recreate" || disturbed(state) ||
            pods(at(state)).filter((pod) => isActive(pod) && isReady(pod)).length >= least - maxUnavailable,
          "Recreate never runs two templates at once": (state) => {
            if (strategy !== "Recreate") return true;
            return new Set(pods(at(state)).map((pod) => imageOf(pod as never))).size <= 1;
          },
          "no template has two ReplicaSets": (state) => {
            const all = sets(at(state)).map(({ spec }) => imageOf(spec?.template as never));
            return new Set(all).size === all.length;
          },
          "every pod and ReplicaSet has one controller": (state) =>
            [...pods(at(state)), ...sets(at(state))].every(({ metadata }) =>
              metadata.ownerReferences?.filter(({ controller }) => controller === true).length === 1
            ),
        },
        sometimes: {
          "another template is reached": (state) =>
            budgets.edits === 0 || (reached(state) && imageOf(specOf(api, at(state))?.template as never) !== images[0]),
        },
        eventuallyAlways: { "what is wanted is reached and kept": reached },
      };
    },
  });
}
