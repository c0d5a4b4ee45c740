/**
 * Simulated nodes, as many as one likes, in one process: the kubelet's own charts for every pod, with declared
 * behaviours in the place of an engine. One watch of all pods and one of all simulated nodes serve them all.
 */
import { seenPod, type SimulatedWorld } from "../../machines/simulated_nodes/behaviours.ts";
import {
  isSilent,
  simulatedCapacity,
  simulatedLabel,
  simulatedLabels,
  simulatedNodeName,
  simulatedNodeNumber,
  simulatedPodCidr,
  simulatedTaint,
} from "../../machines/simulated_nodes/simulated_node.ts";
import { simulatedNodeMachine } from "../../machines/simulated_nodes/simulated_node_machine.ts";
import type { Node, Pod } from "../../machines/objects/object.ts";
import { type ApiClient, resources } from "../../ports/api_client.ts";
import type { Random } from "../../ports/random.ts";
import { type Change, type Informer, startInformer } from "../informer.ts";
import type { Kubelet, NodeCapacity } from "../kubelet/kubelet.ts";
import { type ActorKind, actorKind, type ActorSystem, type Address, address, partsOf } from "../system.ts";
import { Beat } from "./beat.ts";
import { GatedClient } from "./gated_client.ts";
import { type NodePods, PodDispatch } from "./node_pods.ts";
import { SharedSources } from "./shared_sources.ts";
import { startSimulatedKubelet } from "./simulated_kubelet.ts";
import { WarningsOnly } from "./warnings_only.ts";

export interface SimulatedNodesOptions {
  readonly system: ActorSystem;
  /** The process', in actors' addresses. */
  readonly node: string;
  readonly clusterName: string;
  /** Nodes that there shall be; those that others make with the label are simulated besides. */
  readonly count: number;
  readonly world: SimulatedWorld;
  /** Whether pods that do not ask for it are kept away. */
  readonly tainted: boolean;
  /** Sees all pods and nodes, and what pods name. */
  readonly client: ApiClient;
  clientOf(node: string): ApiClient;
  readonly random: Random;
  /** Where the kubelet of all of them answers. */
  readonly host: string;
  readonly port: number;
}

/** A pod without delays is written once, when it runs. */
const settleMs = 20;

interface Running {
  readonly client: GatedClient;
  readonly pods: NodePods;
  kubelet: Kubelet | undefined;
}

export class SimulatedNodes {
  readonly #options: SimulatedNodesOptions;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #dispatch: PodDispatch;
  readonly #sources: SharedSources;
  readonly #beat: Beat;
  readonly #running = new Map<string, Running>();
  readonly #kind: ActorKind<typeof simulatedNodeMachine>;
  readonly #allReady = Promise.withResolvers<void>();
  /** Nodes that there shall be and have not said yet how they are. */
  #expected: number;
  /** The next range of addresses for a node that others made. */
  #nextSlot: number;
  #listed = false;
  #over = false;

  constructor(options: SimulatedNodesOptions) {
    this.#options = options;
    this.#expected = this.#nextSlot = options.count;
    const { system, node, client, world } = options;
    const shared = { node, scope: "simulated-nodes", client };
    this.#beat = new Beat(system.clock, settleMs);
    this.#sources = new SharedSources({ client, clock: system.clock });
    this.#kind = actorKind("simulated-node", simulatedNodeMachine, {
      startKubelet: async (_, order) => {
        await this.#start(nodeAt(order.self), order.signal);
        return { type: "kubelet.started" } as const;
      },
      stopKubelet: async (_, { self }) => {
        await this.#stop(nodeAt(self));
        return { type: "kubelet.stopped" } as const;
      },
      cutOff: (_, { self }) => this.#connect(nodeAt(self), false),
      reconnect: (_, { self }) => this.#connect(nodeAt(self), true),
    });
    this.#pods = startInformer<Pod>(system, { ...shared, resource: resources.pods });
    this.#dispatch = new PodDispatch(this.#pods, (pod) => seenPod(world, pod));
    this.#nodes = startInformer<Node>(system, {
      ...shared,
      resource: resources.nodes,
      options: { labelSelector: `${simulatedLabel}=true` },
    });
    for (let number = 0; number < options.count; number++) this.#spawn(simulatedNodeName(number));
    if (options.count === 0) this.#allReady.resolve();
    this.#nodes.subscribe({
      changed: (changes) => this.#nodesChanged(changes),
      synced: () => void (this.#listed = true),
    });
  }

  /** Resolves when the nodes that there shall be have said that they are ready. */
  get ready(): Promise<void> {
    return this.#allReady.promise;
  }

  has(node: string): boolean {
    return this.#running.has(node);
  }

  /** Of the node that a simulated pod is on. */
  kubeletOf({ namespace, pod }: { readonly namespace: string; readonly pod: string }): Kubelet | undefined {
    const found = this.#pods.get(`${namespace}/${pod}`);
    return this.#running.get(found?.spec?.nodeName ?? "")?.kubelet;
  }

  /** The API keeps what it has of them and their pods. */
  async stop(): Promise<void> {
    this.#over = true;
    this.#dispatch.stop();
    this.#nodes.stop();
    this.#pods.stop();
    const names = [...this.#running.keys()];
    for (const name of names) this.#options.system.stop(this.#addressOf(name));
    await Promise.all(names.map((name) => this.#stop(name)));
  }

  #addressOf(node: string): Address {
    return address({ node, kind: "simulated-node", name: node });
  }

  #spawn(node: string): void {
    const { clientOf } = this.#options;
    const client = new GatedClient(clientOf(node));
    this.#running.set(node, { client, pods: this.#dispatch.of(node), kubelet: undefined });
    this.#options.system.spawn(this.#kind, {
      address: this.#addressOf(node),
      input: undefined,
      // Made anew while its kubelet was ending.
      onStopped: () => !this.#over && this.#nodes.get(node) !== undefined && this.#spawn(node),
    });
  }

  #nodesChanged(changes: readonly Change<Node>[]): void {
    const { system, client, count } = this.#options;
    for (const change of changes) {
      const { object } = change;
      const { name } = object.metadata;
      if (change.type === "removed") {
        if (this.has(name)) system.tell(this.#addressOf(name), { type: "node.deleted" });
        continue;
      }
      if (!this.has(name)) {
        // Of an earlier run that had more of them.
        if (!this.#listed && (simulatedNodeNumber(name) ?? -1) >= count) {
          client.delete(resources.nodes, undefined, name).catch(() => {}); // It stays, and is NotReady.
          continue;
        }
        this.#spawn(name);
      }
      const before = change.type === "updated" && isSilent(change.previous);
      if (isSilent(object) === before) continue;
      system.tell(this.#addressOf(name), { type: before ? "silence.ended" : "silence.asked" });
    }
  }

  async #start(node: string, signal: AbortSignal): Promise<void> {
    const running = this.#running.get(node);
    if (running === undefined) throw new Error(`Cannot start the kubelet of "${node}": the node is gone`);
    const { system, clusterName, world, random, host, port, tainted } = this.#options;
    const number = simulatedNodeNumber(node);
    const ours = number !== undefined && number < this.#options.count;
    const found = this.#nodes.get(node);
    const { client } = running;
    const kubelet = await startSimulatedKubelet({
      system,
      clusterName,
      nodeName: node,
      client,
      random,
      world,
      addresses: [{ type: "InternalIP", address: host }, { type: "Hostname", address: node }],
      port,
      labels: ours ? simulatedLabels(world, number) : {},
      taints: tainted ? [simulatedTaint] : [],
      capacity: ours ? simulatedCapacity(world) : { ...simulatedCapacity(world), ...capacityOf(found) },
      podCIDR: ours ? simulatedPodCidr(number) : found?.spec?.podCIDR ?? simulatedPodCidr(this.#nextSlot++),
      share: {
        pods: running.pods,
        services: { list: () => [] },
        sources: this.#sources,
        recent: 2,
        settle: () => this.#beat.next(),
        events: new WarningsOnly({ client, clock: system.clock, component: "kubelet", host: node }),
      },
    });
    if (signal.aborted) return await kubelet.stop({ leavePods: true });
    running.kubelet = kubelet;
    if (ours) this.#awaitPosted(node);
  }

  /** The first status of this life; the object may say what was in an earlier one. */
  #awaitPosted(node: string): void {
    const actor = this.#options.system.get(address({ node, kind: "node", name: node }))!;
    const subscription = actor.subscribe((snapshot) => {
      if (!snapshot.matches("posted")) return;
      subscription.unsubscribe();
      if (--this.#expected === 0) this.#allReady.resolve();
    });
  }

  #connect(node: string, open: boolean): void {
    const running = this.#running.get(node);
    if (running === undefined) return;
    running.client.open = open;
    if (open) running.pods.reconnect();
    else running.pods.cutOff();
  }

  async #stop(node: string): Promise<void> {
    const kubelet = this.#running.get(node)?.kubelet;
    this.#running.delete(node);
    await kubelet?.stop({ leavePods: true });
  }
}

function nodeAt(self: Address): string {
  return partsOf(self).name!;
}

/** What whoever made the node says that it has. */
function capacityOf(node: Node | undefined): Partial<NodeCapacity> {
  const { cpu, memory, pods } = (node?.status?.capacity ?? {}) as Record<string, string>;
  return {
    ...(cpu === undefined ? {} : { cpu: String(cpu) }),
    ...(memory === undefined ? {} : { memory: String(memory) }),
    ...(pods === undefined ? {} : { pods: Number(pods) }),
  };
}
