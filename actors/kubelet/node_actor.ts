/** How the node's object and its lease are kept. */
import { canonicalQuantity } from "../../machines/objects/quantity.ts";
import { leaseDurationSeconds, leaseMachine } from "../../machines/node/lease_machine.ts";
import { nodeMachine } from "../../machines/node/node_machine.ts";
import { nodeLabels, type NodeObservation, nodeStatus, withoutHeartbeats } from "../../machines/node/node_status.ts";
import { isEqual } from "../../machines/pod/status_patch.ts";
import type { Lease, Node } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { resources } from "../../ports/api_client.ts";
import type { RuntimeVersion } from "../../ports/container_runtime.ts";
import { actorKind } from "../system.ts";
import type { KubeletWorld } from "./world.ts";

/** The status is written at least this often, changed or not. */
const postedAtLeastMs = 300_000;
const leaseNamespace = "kube-node-lease";

type NodeStatus = Node["status"];

const isCode = (error: unknown, code: number) => error instanceof ApiError && error.code === code;

export class NodeActor {
  readonly nodeKind;
  readonly leaseKind;
  #version: RuntimeVersion | undefined;
  #trouble = "the container runtime has not answered yet";
  #node: Node | undefined;
  #lease: Lease | undefined;
  #postedAt = -Infinity;

  constructor(readonly world: KubeletWorld) {
    this.nodeKind = actorKind("node", nodeMachine, {
      registerNode: async () => {
        await this.#register();
        return { type: "node.registered" } as const;
      },
      postStatus: async () => {
        await this.#post();
        return { type: "status.posted" } as const;
      },
    });
    this.leaseKind = actorKind("lease", leaseMachine, {
      renewLease: async () => {
        await this.#renew();
        return { type: "lease.renewed" } as const;
      },
    });
  }

  labels(): Record<string, string> {
    const { nodeName, labels = {} } = this.world.options;
    return {
      ...nodeLabels(nodeName, this.#version?.architecture ?? "amd64"),
      ...this.#node?.metadata.labels,
      ...labels,
    };
  }

  async learnNode(): Promise<void> {
    const { world } = this;
    this.#version = await world.runtime.version();
    this.#trouble = ""; // It has just answered: a node that was Ready must not be written otherwise on the way.
    const capacity = this.#capacity();
    world.node = {
      nodeName: world.options.nodeName,
      hostIPs: world.hostIPs,
      cpu: capacity.cpu!,
      memory: capacity.memory!,
      ephemeralStorage: capacity["ephemeral-storage"]!,
    };
  }

  runtimeChanged(reachable: boolean, detail: string): void {
    const trouble = reachable ? "" : detail;
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.world.system.tell(this.world.addressOf("node"), { type: "node.changed" });
  }

  async #register(): Promise<void> {
    const { world } = this;
    const { nodeName, podCIDR, taints, labels = {} } = world.options;
    if (this.#version === undefined) await this.learnNode();
    const own = { ...nodeLabels(nodeName, this.#version!.architecture), ...labels };
    const status = nodeStatus(undefined, await this.#observe());
    try {
      this.#node = await world.client.create<Node>(resources.nodes, undefined, {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: nodeName, labels: own },
        spec: {
          ...(podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] }),
          ...(taints === undefined ? {} : { taints }),
        },
        status,
      });
      this.#tellReadiness(undefined, status, this.#node.metadata.uid);
    } catch (error) {
      if (!isCode(error, 409)) throw error;
      this.#node = await world.client.patch<Node>(resources.nodes, undefined, nodeName, "merge", {
        metadata: { labels: own },
      });
    }
    const { uid } = this.#node.metadata;
    const subject = { metadata: { name: nodeName, uid } };
    world.events.record(subject, "Node", "Normal", "Starting", "Starting kubelet.");
  }

  async #post(): Promise<void> {
    const { world } = this;
    const { clock } = world.system;
    this.#node = await world.client.get<Node>(resources.nodes, undefined, world.options.nodeName);
    const before = this.#node.status;
    const status = nodeStatus(before, await this.#observe());
    const same = before !== undefined && isEqual(withoutHeartbeats(status), withoutHeartbeats(before));
    if (same && clock.now() - this.#postedAt < postedAtLeastMs) return;
    this.#node = await world.client.patch<Node>(resources.nodes, undefined, world.options.nodeName, "strategic", {
      status,
    }, { subresource: "status" });
    this.#postedAt = clock.now();
    this.#tellReadiness(before, status, this.#node.metadata.uid);
  }

  #tellReadiness(before: NodeStatus, now: NodeStatus, uid: string): void {
    const readiness = (status: NodeStatus) => status?.conditions?.find(({ type }) => type === "Ready")?.status;
    if (readiness(before) === readiness(now)) return;
    const { nodeName } = this.world.options;
    const reason = readiness(now) === "True" ? "NodeReady" : "NodeNotReady";
    const subject = { metadata: { name: nodeName, uid } };
    this.world.events.record(subject, "Node", "Normal", reason, `Node ${nodeName} status is now: ${reason}`);
  }

  async #renew(): Promise<void> {
    const { world } = this;
    const { nodeName } = world.options;
    // Micro-seconds: that is what the API's MicroTime takes.
    const renewTime = new Date(world.system.clock.wallTime()).toISOString().replace("Z", "000Z");
    const spec = { holderIdentity: nodeName, leaseDurationSeconds, renewTime };
    try {
      this.#lease ??= await world.client.get<Lease>(resources.leases, leaseNamespace, nodeName);
      this.#lease = await world.client.update<Lease>(resources.leases, {
        ...this.#lease,
        spec: { ...this.#lease.spec, ...spec },
      });
    } catch (error) {
      this.#lease = undefined;
      if (!isCode(error, 404)) throw error;
      const uid = this.#node?.metadata.uid;
      const owner = { apiVersion: "v1", kind: "Node", name: nodeName, uid };
      this.#lease = await world.client.create<Lease>(resources.leases, leaseNamespace, {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: {
          name: nodeName,
          namespace: leaseNamespace,
          ...(uid === undefined ? {} : { ownerReferences: [owner] }),
        },
        spec,
      });
    }
  }

  #capacity(): Record<string, string> {
    const { capacity = {}, capacityShare = 1 } = this.world.options;
    const version = this.#version!;
    const memory = Math.floor((version.memoryBytes * capacityShare) / 1024);
    const milli = Math.floor(version.cpus * 1000 * capacityShare);
    return {
      cpu: capacity.cpu ?? canonicalQuantity(`${milli}m`),
      memory: capacity.memory ?? `${memory}Ki`,
      "ephemeral-storage": capacity.ephemeralStorage ?? "100Gi",
      "hugepages-1Gi": "0",
      "hugepages-2Mi": "0",
      pods: String(capacity.pods ?? 110),
    };
  }

  async #observe(): Promise<NodeObservation> {
    const { world } = this;
    const version = this.#version!;
    const images = this.#trouble === "" ? await world.runtime.listImages() : [];
    const [machineId, bootId, memory] = await Promise.all(
      ["/etc/machine-id", "/proc/sys/kernel/random/boot_id", "/proc/meminfo"].map((path) =>
        world.files.readHostFile(path)
      ),
    );
    return {
      now: world.now(),
      addresses: world.options.addresses,
      capacity: this.#capacity(),
      kubeletPort: world.options.port ?? 10250,
      runtimeVersion: version.version,
      operatingSystem: version.operatingSystem,
      kernelVersion: version.kernelVersion,
      architecture: version.architecture,
      machineId: machineId!.trim(),
      bootId: bootId!.trim(),
      images: images.map(({ tags, digests, sizeBytes }) => ({ names: [...digests, ...tags], sizeBytes }))
        .filter(({ names }) => names.length > 0),
      runtimeTrouble: this.#trouble,
      memoryPressure: memoryAvailable(memory!) < 100 * 1024 * 1024,
      diskPressure: false,
      pidPressure: false,
    };
  }
}

function memoryAvailable(meminfo: string): number {
  const found = /^MemAvailable:\s+(\d+) kB/m.exec(meminfo);
  return found === null ? Infinity : Number(found[1]) * 1024;
}
