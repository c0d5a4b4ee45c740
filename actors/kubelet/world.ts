/** What the kubelet's actors act on: its ports, its settings, and the records of its pods. */
import type { Pod, Service } from "../../machines/objects/object.ts";
import type { NodeFacts } from "../../machines/pod/downward.ts";
import type { ResolverConfig } from "../../machines/pod/dns_config.ts";
import { type Owner, ownerLabels } from "../../machines/pod/pod_names.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { ContainerRuntime } from "../../ports/container_runtime.ts";
import type { NodeFiles } from "../../ports/node_files.ts";
import type { PodNetwork } from "../../ports/pod_network.ts";
import type { Random } from "../../ports/random.ts";
import type { PodStandIn } from "../../ports/pod_stand_in.ts";
import type { ChangeListener } from "../informer.ts";
import type { ActorKindOptions } from "../system/actor_kind.ts";
import { type ActorSystem, type Address, address, partsOf } from "../system.ts";
import { realNodeFiles } from "../node_files/real_node_files.ts";
import { realRandom } from "../real/real_random.ts";
import { EventRecorder, type KubeletEvents } from "./event_recorder.ts";
import { inTurn, type PodRecord } from "./pod_record.ts";
import { type PodSources, Sources } from "./sources.ts";
import { VolumeManager } from "./volume_manager.ts";

export interface NodeCapacity {
  readonly cpu: string;
  readonly memory: string;
  readonly ephemeralStorage: string;
  readonly pods: number;
}

/** The pods that are bound to this node; an informer of them is one. */
export interface PodsOfNode {
  list(): Pod[];
  /** Takes in what a write was answered with. */
  learn(pod: Pod): void;
  subscribe(listener: ChangeListener<Pod>): () => void;
}

/** What kubelets of many nodes in one process have in common. */
export interface KubeletShare {
  readonly pods: PodsOfNode;
  readonly services: { list(): readonly Service[] };
  readonly sources: PodSources;
  readonly events: KubeletEvents;
  /** How many of their last transitions the actors of pods keep. */
  readonly recent: number;
  /** Waited for before a pod's status is computed and written: what changes meanwhile goes with it. */
  settle(): Promise<void>;
}

export interface KubeletOptions {
  readonly system: ActorSystem;
  readonly clusterName: string;
  readonly nodeName: string;
  readonly client: ApiClient;
  readonly runtime: ContainerRuntime;
  readonly network: PodNetwork;
  /** Default: the host's own. */
  readonly files?: NodeFiles;
  readonly random?: Random;
  /** Absent: pods get the host's resolvers. */
  readonly clusterDns?: string;
  /** Default "cluster.local". */
  readonly clusterDomain?: string;
  /** Volumes and hosts files are below it. Absolute. */
  readonly directory: string;
  readonly addresses: readonly { readonly type: "InternalIP" | "ExternalIP" | "Hostname"; readonly address: string }[];
  /** Of the node; absent: what the runtime reports. */
  readonly capacity?: Partial<NodeCapacity>;
  /** Part of the host that this node may count as its own; nodes of one host share it. Default 1. */
  readonly capacityShare?: number;
  /** The port of the kubelet's HTTPS server. Default 10250. */
  readonly port?: number;
  readonly podCIDR?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  /** Called each time the connection to the container runtime has been made, the first time included. */
  readonly runtimeConnected?: () => void;
  /** hostNetwork pods join this container's network instead of the host's (the second and later nodes of a host). */
  readonly hostNetworkContainer?: string;
  /** Absent: it watches the API itself, and all is its own. */
  readonly share?: KubeletShare;
  /** Answers probes and hooks where nothing runs that could; the files of volumes are not kept up to date then. */
  readonly standIn?: PodStandIn;
}

export class KubeletWorld {
  readonly records = new Map<string, PodRecord>();
  readonly events: KubeletEvents;
  readonly sources: PodSources;
  readonly volumes: VolumeManager;
  readonly system: ActorSystem;
  readonly runtime: ContainerRuntime;
  readonly client: ApiClient;
  readonly files: NodeFiles;
  readonly random: Random;
  readonly names: Owner;
  readonly owner: Record<string, string>;
  readonly kubeletAddress: Address;
  /** Filled in when the node is known. */
  node: NodeFacts;
  hostResolver: ResolverConfig = { servers: [], searches: [], options: [] };
  pods: PodsOfNode | undefined;
  services: KubeletShare["services"] | undefined;
  stopping = false;
  /** Hosts that withhold CAP_SYS_RESOURCE let nobody go below this. */
  lowestOomScore = -1000;

  constructor(readonly options: KubeletOptions) {
    this.system = options.system;
    this.runtime = options.runtime;
    this.client = options.client;
    this.files = options.files ?? realNodeFiles;
    this.random = options.random ?? realRandom;
    this.names = { cluster: options.clusterName, node: options.nodeName };
    this.owner = ownerLabels(this.names);
    this.kubeletAddress = this.addressOf("kubelet");
    const { client, system, share, nodeName: node } = options;
    this.events = share?.events ??
      new EventRecorder({ client, clock: system.clock, component: "kubelet", host: node });
    this.sources = share?.sources ?? new Sources({ client, system, node, supervisor: this.kubeletAddress });
    this.volumes = new VolumeManager(this);
    this.node = { nodeName: options.nodeName, hostIPs: this.hostIPs, cpu: "0", memory: "0", ephemeralStorage: "0" };
  }

  /** For actors of which there is one for each pod, or more. */
  get kindOptions(): ActorKindOptions {
    const { share } = this.options;
    return share === undefined ? {} : { recent: share.recent };
  }

  get hostIPs(): string[] {
    return this.options.addresses.filter(({ type }) => type === "InternalIP").map(({ address }) => address);
  }

  get clusterDomain(): string {
    return this.options.clusterDomain ?? "cluster.local";
  }

  /** RFC 3339, whole seconds. */
  now(): string {
    return new Date(this.system.clock.wallTime()).toISOString().replace(/\.\d+/, "");
  }

  addressOf(kind: string, pod?: Pod, container?: string): Address {
    const node = this.options.nodeName;
    if (pod === undefined) return address({ node, kind, name: node });
    const { namespace, name, uid } = pod.metadata;
    return address({ node, kind, namespace, name: container === undefined ? name : `${name}:${container}`, uid });
  }

  /** @throws Error when the pod is not known: its actors outlive it by nothing. */
  recordAt(self: Address): PodRecord {
    const { uid = "" } = partsOf(self);
    const record = this.records.get(uid);
    if (record === undefined) throw new Error(`Cannot act for "${self}": its pod is not known`);
    return record;
  }

  containerAt(self: Address) {
    const record = this.recordAt(self);
    const name = partsOf(self).name?.split(":")[1] ?? "";
    const container = record.containers.get(name);
    if (container === undefined) throw new Error(`Cannot act for "${self}": its container is not known`);
    return { record, container };
  }

  /** Something that the pod's status is computed from has changed. */
  moved(record: PodRecord): void {
    if (this.system.get(record.statusAddress) !== undefined) {
      this.system.tell(record.statusAddress, { type: "pod.moved" });
    }
  }

  onSandbox<T>(record: PodRecord, work: () => Promise<T>): Promise<T> {
    const result = inTurn(record.sandboxWork, work);
    record.sandboxWork = result.catch(() => {});
    return result;
  }

  onVolumes<T>(record: PodRecord, work: () => Promise<T>): Promise<T> {
    const result = inTurn(record.volumeWork, work);
    record.volumeWork = result.catch(() => {});
    return result;
  }

  podEvent(record: PodRecord, type: "Normal" | "Warning", reason: string, message: string): void {
    if (!record.orphan) this.events.record(record.pod, "Pod", type, reason, message);
  }

  containerEvent(
    record: PodRecord,
    container: { name: string; role: string },
    type: "Normal" | "Warning",
    reason: string,
    message: string,
  ): void {
    if (record.orphan) return;
    const list = container.role === "app"
      ? "containers"
      : container.role === "ephemeral"
      ? "ephemeralContainers"
      : "initContainers";
    this.events.record(record.pod, "Pod", type, reason, message, `spec.${list}{${container.name}}`);
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
