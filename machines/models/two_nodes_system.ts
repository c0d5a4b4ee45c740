/**
 * A pod with an identity, two nodes and everybody who could have it run on both: its StatefulSet, a scheduler, node
 * lifecycle, eviction, pod garbage collection and the two kubelets. A node that falls silent runs on what it runs; its
 * kubelet hears of nothing until it is back.
 */
import type { Controller } from "../controllers/controller.ts";
import { unknownConditions } from "../controllers/node_lifecycle/node_conditions.ts";
import { nodeLifecycleController } from "../controllers/node_lifecycle/node_lifecycle_controller.ts";
import { podGarbageCollector } from "../controllers/pod_gc/pod_gc_controller.ts";
import { statefulSetController } from "../controllers/stateful_set/stateful_set_controller.ts";
import { taintEvictionController } from "../controllers/taint_eviction/taint_eviction_controller.ts";
import type { SystemModel, SystemState } from "../check/system_model.ts";
import { keyOf, type KubeObject, type Node, type Pod } from "../objects/object.ts";
import { resources } from "../objects/resources.ts";
import { type ClusterData, controllerSystem, type Deed } from "./controller_system.ts";
import type { PaperApi } from "./paper_api.ts";

export interface TwoNodesOptions {
  /** Of "silences", "returns", "removals" (somebody deletes a node that is silent), "crashes". */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly controllers?: readonly Controller[];
}

/** What hosts are and do, kept as an object beside the others. */
interface Hosts {
  readonly silent: Readonly<Record<string, true>>;
  /** By uid: the pod's name, and where it runs. */
  readonly runs: Readonly<Record<string, { readonly name: string; readonly node: string }>>;
}

const nodes = ["one", "two"];
const nothing: Hosts = { silent: {}, runs: {} };
/** Long after everything was made: nothing waits for its age. */
const now = Date.UTC(2027, 0, 1);

export function twoNodesSystem(options: TwoNodesOptions = {}): SystemModel {
  const budgets = { silences: 1, returns: 1, removals: 0, ...options.budgets };
  const ready = (status: string) => ({ conditions: [{ type: "Ready", status }] });
  const node = (name: string) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec: {},
    status: ready("True"),
  });
  const labels = { app: "w" };
  const set = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "w", namespace: "n" },
    spec: {
      replicas: 1,
      serviceName: "w",
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "c:1" }] } },
    },
  };
  const hostsOf = (api: PaperApi, data: ClusterData): Hosts =>
    (api.get(data, resources.configMaps, "host/hosts")?.["data"] as Hosts | undefined) ?? nothing;
  const withHosts = (api: PaperApi, data: ClusterData, change: Partial<Hosts>): ClusterData =>
    api.put(data, resources.configMaps, {
      metadata: { name: "hosts", namespace: "host" },
      data: { ...hostsOf(api, data), ...change },
    } as unknown as KubeObject);
  const isReady = (found: Node | undefined) =>
    found?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  const nodeNamed = (api: PaperApi, data: ClusterData, name: string) => api.get<Node>(data, resources.nodes, name);
  const say = (api: PaperApi, data: ClusterData, name: string, status: object): ClusterData => {
    const before = api.get(data, resources.nodes, name);
    return before === undefined ? data : api.put(data, resources.nodes, { ...before, status } as KubeObject);
  };

  /** One thing after the other: stop what is to go, start what is to run. */
  const kubelet = (name: string): Deed => ({
    act(api, data) {
      const { silent, runs } = hostsOf(api, data);
      if (silent[name]) return undefined;
      const pods = api.list<Pod>(data, resources.pods).filter(({ spec }) => spec?.nodeName === name);
      const stopped = (uid: string) => {
        const { [uid]: _, ...others } = runs;
        return withHosts(api, data, { runs: others });
      };
      const left = Object.keys(runs).find((uid) =>
        runs[uid]!.node === name && !pods.some(({ metadata }) => metadata.uid === uid)
      );
      if (left !== undefined) return stopped(left);
      for (const pod of pods) {
        const { uid, deletionTimestamp } = pod.metadata;
        if (deletionTimestamp !== undefined) {
          return runs[uid] === undefined ? api.drop(data, resources.pods, keyOf(pod)) : stopped(uid);
        }
        if (runs[uid] !== undefined || pod.status?.phase === "Failed") continue;
        const running = { ...pod, status: { phase: "Running", ...ready("True") } };
        const begun = withHosts(api, data, { runs: { ...runs, [uid]: { name: pod.metadata.name, node: name } } });
        return api.put(begun, resources.pods, running as unknown as KubeObject);
      }
      return undefined;
    },
  });

  const deeds: Record<string, Deed> = {
    "scheduler.binds": {
      act(api, data) {
        const pod = api.list<Pod>(data, resources.pods).find(({ spec, metadata }) =>
          !spec?.nodeName && metadata.deletionTimestamp === undefined
        );
        const free = nodes.find((name) => {
          const found = nodeNamed(api, data, name);
          return isReady(found) && (found?.spec?.taints ?? []).length === 0;
        });
        if (pod === undefined || free === undefined) return undefined;
        return api.put(
          data,
          resources.pods,
          { ...pod, spec: { ...pod.spec, nodeName: free } } as unknown as KubeObject,
        );
      },
    },
    "kubelet.one": kubelet("one"),
    "kubelet.two": kubelet("two"),
    "node.fellSilent": {
      spends: "silences",
      act: (api, data) =>
        hostsOf(api, data).silent["one"] ? undefined : withHosts(api, data, { silent: { one: true } }),
    },
    "node.cameBack": {
      spends: "returns",
      act(api, data) {
        if (!hostsOf(api, data).silent["one"]) return undefined;
        const back = withHosts(api, data, { silent: {} });
        return nodeNamed(api, data, "one") === undefined
          ? api.create(back, resources.nodes, node("one"))
          : say(api, back, "one", ready("True"));
      },
    },
    // What nodeHealthMachine orders after 50 s of silence.
    "silence.noticed": {
      act(api, data) {
        const found = nodeNamed(api, data, "one");
        if (!hostsOf(api, data).silent["one"] || !isReady(found)) return undefined;
        return say(api, data, "one", { conditions: unknownConditions(found!, 0) });
      },
    },
    "user.deletesNode": {
      spends: "removals",
      act: (api, data) =>
        hostsOf(api, data).silent["one"] && nodeNamed(api, data, "one") !== undefined
          ? api.drop(data, resources.nodes, "one")
          : undefined,
    },
  };
  return controllerSystem({
    controllers: options.controllers ??
      [statefulSetController, nodeLifecycleController, taintEvictionController, podGarbageCollector],
    start: (api, empty) => {
      const made = nodes.reduce((data, name) => api.create(data, resources.nodes, node(name)), empty);
      return api.create(made, resources.statefulSets, set);
    },
    deeds,
    budgets,
    now: () => now,
    // The two above are the kubelets.
    kubelet: () => false,
    rules: (cluster, api) => {
      const hosts = (state: SystemState) => hostsOf(api, state.of(cluster).view);
      return {
        always: {
          "no pod runs twice": (state) => {
            const names = Object.values(hosts(state).runs).map(({ name }) => name);
            return new Set(names).size === names.length;
          },
        },
        sometimes: {
          "it runs on the other node": (state) => Object.values(hosts(state).runs).some(({ node }) => node === "two"),
        },
        eventuallyAlways: {
          "it runs, if its node is not silent": (state) =>
            hosts(state).silent["one"] === true || Object.keys(hosts(state).runs).length === 1,
        },
      };
    },
  });
}
