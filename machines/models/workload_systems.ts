/** A Job and a StatefulSet under their controllers, over caches that lag. */
import { jobController } from "../controllers/job/job_controller.ts";
import { isActive, isReady } from "../controllers/pod_readiness.ts";
import { statefulSetController } from "../controllers/stateful_set/stateful_set_controller.ts";
import type { Controller } from "../controllers/controller.ts";
import type { SystemModel, SystemState } from "../check/system_model.ts";
import type { Job, KubeObject, Pod, StatefulSet } from "../objects/object.ts";
import { resources } from "../objects/resources.ts";
import { type ClusterData, controllerSystem } from "./controller_system.ts";
import type { PaperApi } from "./paper_api.ts";

export interface WorkloadOptions {
  /** Of "crashes", "edits", "deletions" (of pods). */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly controller?: Controller;
  readonly replicas?: number;
}

const labels = { app: "w" };
const template = (image: string) => ({
  metadata: { labels },
  spec: { containers: [{ name: "c", image }], restartPolicy: "Never" },
});

/** Two completions, as many at once; it begins suspended, so that everything is seen from the first pod on. */
export function jobSystem({ controller = jobController, ...options }: WorkloadOptions = {}): SystemModel {
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "w", namespace: "n" },
    spec: {
      completions: 2,
      parallelism: 2,
      backoffLimit: 6,
      suspend: true,
      completionMode: "NonIndexed",
      podReplacementPolicy: "TerminatingOrFailed",
      selector: { matchLabels: labels },
      template: template("c:1"),
    },
  };
  return controllerSystem({
    controllers: [controller],
    start: (api, empty) => api.create(empty, resources.jobs, job),
    completes: true,
    deeds: {
      "user.resumes": {
        spends: "resumes",
        act(api, data) {
          const before = api.get(data, resources.jobs, "n/w")!;
          const spec = before["spec"] as object;
          if (!(spec as { suspend: boolean }).suspend) return undefined;
          return api.write(data, {
            type: "update",
            resource: resources.jobs,
            object: { ...before, spec: { ...spec, suspend: false } } as KubeObject,
          });
        },
      },
    },
    budgets: { resumes: 1, ...options.budgets },
    rules: (cluster, api) => {
      const at = (state: SystemState) => state.of(cluster).view;
      const pods = (state: SystemState) => api.list<Pod>(at(state), resources.pods);
      const statusOf = (state: SystemState) => api.get<Job>(at(state), resources.jobs, "n/w")?.status;
      const isComplete = (state: SystemState) =>
        statusOf(state)?.conditions?.some(({ type, status }) => type === "Complete" && status === "True") ?? false;
      return {
        always: {
          "never more pods work than may": (state) => pods(state).filter(isActive).length <= 2,
          "no pod is made beyond the completions": (state) => pods(state).length <= 2,
          "no success is counted twice": (state) => (statusOf(state)?.succeeded ?? 0) <= 2,
          "it is complete when all were counted": (state) => !isComplete(state) || statusOf(state)?.succeeded === 2,
        },
        sometimes: { "it is complete": isComplete },
        eventuallyAlways: {
          "it completes once it is not suspended, and lets its pods go": (state) =>
            state.left("resumes") > 0 ||
            (isComplete(state) && pods(state).every(({ metadata }) => (metadata.finalizers ?? []).length === 0)),
        },
      };
    },
  });
}

/** In order: the second pod comes after the first is ready, and goes before it. */
export function statefulSetSystem(
  { controller = statefulSetController, replicas = 2, ...options }: WorkloadOptions = {},
): SystemModel {
  const budgets = { edits: 0, deletions: 0, scalings: 0, ...options.budgets };
  const set = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "w", namespace: "n" },
    spec: {
      replicas,
      serviceName: "w",
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      selector: { matchLabels: labels },
      template: template("c:1"),
    },
  };
  const changed = (api: PaperApi, data: ClusterData, change: object) => {
    const before = api.get(data, resources.statefulSets, "n/w")!;
    const object = { ...before, spec: { ...before["spec"] as object, ...change } } as KubeObject;
    return api.write(data, { type: "update", resource: resources.statefulSets, object });
  };
  const imageOf = (object: { spec?: unknown } | undefined) =>
    (object?.spec as { containers: { image: string }[] } | undefined)?.containers[0]?.image;
  return controllerSystem({
    controllers: [controller],
    start: (api, empty) => api.create(empty, resources.statefulSets, set),
    deeds: {
      "user.setsImage": {
        spends: "edits",
        act: (api, data) => changed(api, data, { template: template("c:2") }),
      },
      "user.scales": {
        spends: "scalings",
        act(api, data) {
          const now = api.get<StatefulSet>(data, resources.statefulSets, "n/w");
          return changed(api, data, { replicas: now?.spec?.replicas === replicas ? replicas - 1 : replicas });
        },
      },
      "user.deletesPod": {
        spends: "deletions",
        act: (api, data) => api.get(data, resources.pods, "n/w-0") && api.delete(data, resources.pods, "n/w-0"),
      },
    },
    budgets,
    rules: (cluster, api) => {
      const at = (state: SystemState) => state.of(cluster).view;
      const podsOf = (state: SystemState) => api.list<Pod>(at(state), resources.pods);
      const podNamed = (state: SystemState, name: string) => api.get<Pod>(at(state), resources.pods, `n/${name}`);
      return {
        always: {
          "no more pods than replicas": (state) => podsOf(state).length <= replicas,
        },
        eachStep: {
          "one pod at a time is ended by a new template": (before, { move }, after) => {
            if (budgets.deletions > 0 || budgets.scalings > 0 || move.do !== "event") return true;
            const going = (state: SystemState) =>
              podsOf(state).filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length;
            return going(after) <= going(before) || podsOf(before).every((pod) => isActive(pod) && isReady(pod));
          },
        },
        sometimes: {
          "a new template is reached": (state) =>
            budgets.edits === 0 || podsOf(state).some((pod) => imageOf(pod) === "c:2"),
        },
        eventuallyAlways: {
          "what is wanted is reached and kept": (state) => {
            const object = api.get<StatefulSet>(at(state), resources.statefulSets, "n/w")!;
            const wanted = object.spec?.replicas ?? 0;
            const pods = podsOf(state);
            return pods.length === wanted && pods.every((pod) => isActive(pod) && isReady(pod)) &&
              pods.every((pod) => imageOf(pod) === imageOf(object.spec?.template)) &&
              object.status?.readyReplicas === (wanted === 0 ? undefined : wanted) &&
              object.status?.currentRevision === object.status?.updateRevision &&
              (wanted === 0 || podNamed(state, "w-0") !== undefined);
          },
        },
      };
    },
  });
}
