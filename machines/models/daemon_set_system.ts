/** A DaemonSet and the nodes that come: its controller over caches that lag. */
import { daemonSetController } from "../controllers/daemon_set/daemon_set_controller.ts";
import { nodeOf } from "../controllers/daemon_set/daemon_pod.ts";
import { isActive, isReady } from "../controllers/pod_readiness.ts";
import type { Controller } from "../controllers/controller.ts";
import type { SystemModel, SystemState } from "../check/system_model.ts";
import type { DaemonSet, KubeObject, Pod } from "../objects/object.ts";
import { resources } from "../objects/resources.ts";
import { controllerSystem } from "./controller_system.ts";

export interface DaemonSetOptions {
  /** Of "arrivals" (of a node), "edits", "deletions" (of pods), "crashes". */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly controller?: Controller;
}

const labels = { app: "d" };
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: "c", image }] } });

export function daemonSetSystem({ controller = daemonSetController, ...options }: DaemonSetOptions = {}): SystemModel {
  const budgets = { arrivals: 0, edits: 0, deletions: 0, ...options.budgets };
  const node = (name: string) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: {} },
    spec: {},
    status: {},
  });
  const set = {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "d", namespace: "n" },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
      template: template("c:1"),
    },
  };
  const imageOf = (object: { spec?: unknown } | undefined) =>
    (object?.spec as { containers: { image: string }[] } | undefined)?.containers[0]?.image;
  return controllerSystem({
    controllers: [controller],
    start: (api, empty) => {
      const made = api.create(api.create(empty, resources.nodes, node("one")), resources.nodes, node("two"));
      return api.create(made, resources.daemonSets, set);
    },
    deeds: {
      "node.arrived": {
        spends: "arrivals",
        act: (api, data) =>
          api.get(data, resources.nodes, "three") ? undefined : api.create(data, resources.nodes, node("three")),
      },
      "user.setsImage": {
        spends: "edits",
        act(api, data) {
          const before = api.get(data, resources.daemonSets, "n/d")!;
          const spec = { ...before["spec"] as object, template: template("c:2") };
          const object = { ...before, spec } as KubeObject;
          return api.write(data, { type: "update", resource: resources.daemonSets, object });
        },
      },
      "user.deletesPod": {
        spends: "deletions",
        act(api, data) {
          const [pod] = api.list<Pod>(data, resources.pods).filter(isActive);
          return pod && api.delete(data, resources.pods, `n/${pod.metadata.name}`);
        },
      },
    },
    budgets,
    rules: (cluster, api) => {
      const at = (state: SystemState) => state.of(cluster).view;
      const pods = (state: SystemState) => api.list<Pod>(at(state), resources.pods);
      const isDisturbed = budgets.deletions > 0;
      return {
        always: {
          "no node has two daemon pods": (state) => {
            const all = pods(state).filter(isActive).map(nodeOf);
            return new Set(all).size === all.length;
          },
          "a new template leaves all but one available": (state) =>
            isDisturbed || pods(state).filter((pod) => isActive(pod) && isReady(pod)).length >= 1,
        },
        sometimes: {
          "a new template is reached": (state) =>
            budgets.edits === 0 || pods(state).some((pod) => imageOf(pod) === "c:2"),
        },
        eventuallyAlways: {
          "every node has its ready pod of the template, and the status says so": (state) => {
            const object = api.get<DaemonSet>(at(state), resources.daemonSets, "n/d")!;
            const nodes = api.list(at(state), resources.nodes).map(({ metadata }) => metadata.name);
            const all = pods(state);
            return all.length === nodes.length && all.every((pod) => isActive(pod) && isReady(pod)) &&
              nodes.every((name) => all.some((pod) => nodeOf(pod) === name)) &&
              all.every((pod) => imageOf(pod) === imageOf(object.spec?.template)) &&
              object.status?.numberReady === nodes.length && object.status.updatedNumberScheduled === nodes.length;
          },
        },
      };
    },
  });
}
