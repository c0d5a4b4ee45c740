/** Nodes that fall silent and come back: node lifecycle and taint eviction over caches that lag. */
import { nodeLifecycleController } from "../controllers/node_lifecycle/node_lifecycle_controller.ts";
import { unknownConditions } from "../controllers/node_lifecycle/node_conditions.ts";
import { taintEvictionController } from "../controllers/taint_eviction/taint_eviction_controller.ts";
import { isReady } from "../controllers/pod_readiness.ts";
import type { Controller } from "../controllers/controller.ts";
import type { SystemModel, SystemState } from "../check/system_model.ts";
import type { KubeObject, Node, Pod } from "../objects/object.ts";
import { resources } from "../objects/resources.ts";
import { type ClusterData, controllerSystem, type Deed } from "./controller_system.ts";
import type { PaperApi } from "./paper_api.ts";

export interface NodeSystemOptions {
  /** Of "silences", "arrivals", "crashes". */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly controllers?: readonly Controller[];
}

const evicting = ["node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"];

/** One node with a pod that tolerates nothing and one that tolerates everything; another pod may be bound at any moment. */
export function nodeSystem(options: NodeSystemOptions = {}): SystemModel {
  const budgets = { silences: 1, arrivals: 0, ...options.budgets };
  const condition = (status: string) => ({ conditions: [{ type: "Ready", status }] });
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: "node" }, spec: {}, status: condition("True") };
  const pod = (name: string, tolerates: boolean) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "n" },
    spec: { nodeName: "node", ...(tolerates && { tolerations: [{ operator: "Exists" }] }) },
  });
  const readyOf = (node: Node | undefined) =>
    node?.status?.conditions?.find(({ type }) => type === "Ready")?.status ?? "Unknown";
  const nodeOf = (api: PaperApi, data: ClusterData) => api.get<Node>(data, resources.nodes, "node");
  const say = (api: PaperApi, data: ClusterData, status: object): ClusterData => {
    const before = api.get(data, resources.nodes, "node")!;
    return api.put(data, resources.nodes, { ...before, status } as KubeObject);
  };
  const deeds: Record<string, Deed> = {
    // What nodeHealthMachine orders after 50 s of silence.
    "node.fellSilent": {
      spends: "silences",
      act(api, data) {
        const now = nodeOf(api, data);
        if (now === undefined || readyOf(now) !== "True") return undefined;
        return say(api, data, { conditions: unknownConditions(now, 0) });
      },
    },
    "node.cameBack": {
      spends: "returns",
      act: (api, data) => readyOf(nodeOf(api, data)) === "True" ? undefined : say(api, data, condition("True")),
    },
    "pod.arrived": {
      spends: "arrivals",
      act: (api, data) =>
        api.get(data, resources.pods, "n/late") ? undefined : api.create(data, resources.pods, pod("late", false)),
    },
  };
  return controllerSystem({
    controllers: options.controllers ?? [nodeLifecycleController, taintEvictionController],
    start: (api, empty) => {
      const made = api.create(empty, resources.nodes, node);
      return api.create(api.create(made, resources.pods, pod("weak", false)), resources.pods, pod("strong", true));
    },
    deeds,
    budgets: { returns: 1, ...budgets },
    kubelet: (api, data) => readyOf(nodeOf(api, data)) === "True",
    rules: (cluster, api) => {
      const at = (state: SystemState) => state.of(cluster).view;
      const pods = (state: SystemState) => api.list<Pod>(at(state), resources.pods);
      const isSilent = (state: SystemState) => readyOf(nodeOf(api, at(state))) !== "True";
      const taints = (state: SystemState) =>
        (nodeOf(api, at(state))?.spec?.taints ?? []).filter(({ key }) => evicting.includes(key));
      return {
        always: {
          "who tolerates everything is never evicted": (state) =>
            pods(state).some(({ metadata }) => metadata.name === "strong" && metadata.deletionTimestamp === undefined),
        },
        eachStep: {
          "nobody is evicted while no silence was noticed": (before, _, after) =>
            before.left("silences") < budgets.silences ||
            pods(after).every(({ metadata }) => metadata.deletionTimestamp === undefined),
        },
        sometimes: {
          "somebody is evicted": (state) =>
            pods(state).some(({ metadata }) => metadata.deletionTimestamp !== undefined),
        },
        eventuallyAlways: {
          "a node has the taints of its state": (state) => isSilent(state) === (taints(state).length > 0),
          "pods of a silent node are not ready": (state) =>
            !isSilent(state) || pods(state).every((each) => !isReady(each)),
          "a silent node keeps only who tolerates it": (state) =>
            !isSilent(state) ||
            pods(state).every(({ metadata }) => metadata.name === "strong" || metadata.deletionTimestamp !== undefined),
        },
      };
    },
  });
}
