/** Plays the kubelets' part in a control plane: nodes, their leases, and what becomes of pods. */
import { keyOf, type KubeObject, type Node, type Pod } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { formatMicroTime, formatTime } from "../../machines/objects/time.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";

export interface NodeShape {
  readonly name: string;
  readonly labels?: Record<string, string>;
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
}

/** The nodes of the recorded behaviours. */
export const recordedNodes: readonly NodeShape[] = [
  { name: "n1", labels: { disk: "ssd", "topology.kubernetes.io/zone": "a" } },
  { name: "n2", labels: { disk: "hdd", "topology.kubernetes.io/zone": "a" } },
  { name: "n3", labels: { disk: "hdd", "topology.kubernetes.io/zone": "b" } },
];

export class Kubelets {
  #addresses = 10;

  constructor(readonly client: ApiClient, readonly clock: Clock) {}

  async register({ name, labels = {}, cpu = "4", memory = "8Gi", pods = "20" }: NodeShape): Promise<void> {
    const now = formatTime(this.clock.wallTime());
    const amounts = { cpu, memory, pods, "ephemeral-storage": "10Gi" };
    const node = await this.client.create<Node>(resources.nodes, undefined, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } },
    });
    const status = {
      ...node.status,
      addresses: [{ type: "InternalIP", address: "10.50.0.1" }],
      capacity: amounts,
      allocatable: amounts,
      conditions: [{
        type: "Ready",
        status: "True",
        reason: "KubeletReady",
        message: "kubelet is posting ready status",
        lastHeartbeatTime: now,
        lastTransitionTime: now,
      }],
    };
    await this.client.patch(resources.nodes, undefined, name, "merge", { status }, { subresource: "status" });
    await this.client.create(resources.leases, "kube-node-lease", {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace: "kube-node-lease" },
      spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: formatMicroTime(this.clock.wallTime()) },
    });
  }

  /** A sign of life. */
  async renew(node: string): Promise<void> {
    const body = { spec: { renewTime: formatMicroTime(this.clock.wallTime()) } };
    await this.client.patch(resources.leases, "kube-node-lease", node, "merge", body);
  }

  /** Posts the node's conditions anew, as a kubelet that came back. */
  async post(node: string): Promise<void> {
    const now = formatTime(this.clock.wallTime());
    const conditions = [{
      type: "Ready",
      status: "True",
      reason: "KubeletReady",
      message: "kubelet is posting ready status",
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    }];
    const body = { status: { conditions } };
    await this.client.patch(resources.nodes, undefined, node, "strategic", body, { subresource: "status" });
  }

  /** The pod has an address and runs; `ready` tells whether its readiness probe agrees. */
  async run(pod: Pod, ready = true): Promise<Pod> {
    const now = formatTime(this.clock.wallTime());
    const status = ready ? "True" : "False";
    const condition = (type: string, value: string) => ({ type, status: value, lastTransitionTime: now });
    const podIP = pod.status?.podIP ?? `10.60.0.${this.#addresses++}`;
    const containers = pod.spec?.containers ?? [];
    const body = {
      status: {
        phase: "Running",
        conditions: [
          condition("Initialized", "True"),
          condition("Ready", status),
          condition("ContainersReady", status),
          condition("PodScheduled", "True"),
        ],
        hostIP: "10.50.0.1",
        podIP,
        podIPs: [{ ip: podIP }],
        startTime: now,
        containerStatuses: containers.map(({ name, image = "" }) => ({
          name,
          image,
          imageID: "x",
          ready,
          restartCount: 0,
          started: true,
          state: { running: { startedAt: now } },
          lastState: {},
        })),
      },
    };
    const { name, namespace } = pod.metadata;
    return await this.client.patch(resources.pods, namespace, name, "strategic", body, { subresource: "status" });
  }

  /** Runs every pod that has a node and has not begun yet. */
  async runAll(namespace: string, which: (pod: Pod) => boolean = () => true): Promise<void> {
    for (const pod of await this.pods(namespace)) {
      const waits = pod.spec?.nodeName && pod.metadata.deletionTimestamp === undefined &&
        pod.status?.phase === "Pending";
      if (waits && which(pod)) await this.run(pod);
    }
  }

  /** Ends every pod that has been asked to end. */
  async finishAll(namespace: string): Promise<void> {
    for (const pod of await this.pods(namespace)) {
      if (pod.metadata.deletionTimestamp !== undefined && pod.spec?.nodeName) await this.finish(pod);
    }
  }

  async finish({ metadata: { namespace, name } }: KubeObject | Pod): Promise<void> {
    await this.client.delete(resources.pods, namespace, name, { gracePeriodSeconds: 0 });
  }

  async pods(namespace: string): Promise<Pod[]> {
    const { items } = await this.client.list<Pod>(resources.pods, { namespace });
    return [...items].sort((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
  }
}
