/** A node without a world: a kubelet over a simulated engine, network, files and clock, against an API in memory. */
import { type Kubelet, startKubelet } from "../../../actors/kubelet/kubelet.ts";
import { SimulatedNodeFiles } from "../../../actors/simulated/node_files.ts";
import { SimulatedClock } from "../../../actors/simulated/simulated_clock.ts";
import { SimulatedRandom } from "../../../actors/simulated/simulated_random.ts";
import type { Behaviour, SimulatedImage } from "../../../actors/simulated/container_behaviour.ts";
import { SimulatedRuntime } from "../../../actors/simulated/container_runtime.ts";
import { ActorSystem } from "../../../actors/system.ts";
import type { Pod } from "../../../machines/objects/object.ts";
import { resources } from "../../../ports/api_client.ts";
import type { PodNetwork } from "../../../ports/pod_network.ts";
import { FakeApi } from "../../support/fake_api.ts";

class Addresses implements PodNetwork {
  readonly wired = new Map<string, { podIP: string }>();
  #next = 2;
  attach({ id }: { id: string }): Promise<{ podIP: string }> {
    const there = this.wired.get(id) ?? { podIP: `10.0.0.${this.#next++}` };
    this.wired.set(id, there);
    return Promise.resolve(there);
  }
  detach(id: string): Promise<void> {
    this.wired.delete(id);
    return Promise.resolve();
  }
  list(): Promise<ReadonlyMap<string, { podIP: string }>> {
    return Promise.resolve(new Map(this.wired));
  }
}

export class SimulatedNode {
  readonly clock = new SimulatedClock();
  readonly api = new FakeApi();
  readonly network = new Addresses();
  readonly files = new SimulatedNodeFiles();
  readonly images: Record<string, SimulatedImage> = { "app:1": { startDelayMs: 60 } };
  readonly behaviours = new Map<string, Behaviour>();
  readonly runtime: SimulatedRuntime;
  readonly faults: string[] = [];
  /** How often each container was started, by its name. */
  readonly starts = new Map<string, number>();
  system!: ActorSystem;
  kubelet: Kubelet | undefined;

  constructor(seed = 1) {
    this.runtime = new SimulatedRuntime({
      clock: this.clock,
      random: new SimulatedRandom(seed),
      images: this.images,
      latencyMs: 20,
      observe: ({ type, id }) => {
        if (type !== "started") return;
        const { name } = this.runtime.containers().find((each) => each.id === id)!;
        this.starts.set(name, (this.starts.get(name) ?? 0) + 1);
      },
      behave: ({ labels }) => this.behaviours.get(labels["io.kubernetes.container.name"] ?? ""),
    });
  }

  async start(): Promise<void> {
    this.system = new ActorSystem({ clock: this.clock });
    this.system.inspect((inspection) => {
      if (inspection.type === "actor.failed") this.faults.push(`${inspection.actor}: ${inspection.detail}`);
    });
    this.kubelet = await startKubelet({
      system: this.system,
      clusterName: "simulated",
      nodeName: "n1",
      client: this.api,
      runtime: this.runtime,
      network: this.network,
      files: this.files,
      random: new SimulatedRandom(2),
      directory: "/node",
      addresses: [{ type: "InternalIP", address: "10.1.0.1" }],
    });
  }

  /** Dies in the middle of whatever it does. */
  crash(): void {
    void this.kubelet?.stop();
    this.system.stopAll();
  }

  async createPod(name: string, spec: Record<string, unknown> = {}): Promise<Pod> {
    return await this.api.create<Pod>(resources.pods, "default", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default", uid: `uid-${name}` },
      spec: { nodeName: "n1", containers: [{ name: "app", image: "app:1" }], ...spec },
      status: { phase: "Pending" },
    });
  }

  async pod(name: string): Promise<Pod | undefined> {
    const { items } = await this.api.list<Pod>(resources.pods);
    return items.find(({ metadata }) => metadata.name === name);
  }

  async container(name: string) {
    return (await this.pod(name))?.status?.containerStatuses?.[0];
  }

  /** What is left of all pods: containers, links, files. */
  async leftovers(): Promise<string[]> {
    const pending = this.runtime.list({});
    await this.clock.pass(100);
    const containers = (await pending).map(({ name }) => name);
    return [...containers, ...this.network.wired.keys(), ...this.files.files.keys(), ...this.files.payloads.keys()];
  }
}
