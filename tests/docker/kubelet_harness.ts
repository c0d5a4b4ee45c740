/** A kubelet on the real engine, against an API in memory. Nothing of it is left behind. */
import { realClock } from "../../actors/real/real_clock.ts";
import { DockerRuntime } from "../../actors/docker/docker_runtime.ts";
import { type Kubelet, startKubelet } from "../../actors/kubelet/kubelet.ts";
import { unmountBelow } from "../../actors/node_files/mounts.ts";
import { ActorSystem, type Inspection } from "../../actors/system.ts";
import type { Pod } from "../../machines/objects/object.ts";
import { labelNames } from "../../machines/pod/pod_names.ts";
import { resources } from "../../ports/api_client.ts";
import type { PodNetwork } from "../../ports/pod_network.ts";
import { FakeApi } from "../support/fake_api.ts";
import { buildBusybox, busybox } from "./images.ts";

/** Addresses only: no packet goes anywhere. */
class NoNetwork implements PodNetwork {
  #addresses = new Map<string, string>();
  #next = 2;
  // deno-lint-ignore require-await
  async attach({ id }: { id: string; pid: number; podKey: string }): Promise<{ podIP: string }> {
    const known = this.#addresses.get(id);
    if (known !== undefined) return { podIP: known };
    const podIP = `10.199.0.${this.#next++}`;
    this.#addresses.set(id, podIP);
    return { podIP };
  }
  // deno-lint-ignore require-await
  async detach(id: string): Promise<void> {
    this.#addresses.delete(id);
  }
  // deno-lint-ignore require-await
  async list(): Promise<ReadonlyMap<string, { podIP: string }>> {
    return new Map([...this.#addresses].map(([id, podIP]) => [id, { podIP }]));
  }
}

export class Harness {
  readonly api = new FakeApi();
  readonly runtime = new DockerRuntime();
  readonly clusterName = `test-${crypto.randomUUID().slice(0, 8)}`;
  readonly nodeName = "worker-0";
  system = new ActorSystem({ clock: realClock });
  kubelet: Kubelet | undefined;
  directory = "";
  readonly faults: string[] = [];

  constructor(readonly network: PodNetwork) {}

  /** Without a network pods get addresses that lead nowhere. */
  static async start(network: PodNetwork = new NoNetwork()): Promise<Harness> {
    await buildBusybox();
    const harness = new Harness(network);
    harness.directory = await Deno.makeTempDir({ prefix: "chartroom-kubelet-" });
    await harness.startKubelet();
    return harness;
  }

  async startKubelet(): Promise<void> {
    this.system = new ActorSystem({ clock: realClock });
    this.system.inspect((inspection: Inspection) => {
      if (inspection.type === "actor.failed") this.faults.push(`${inspection.actor}: ${inspection.detail}`);
    });
    this.kubelet = await startKubelet({
      system: this.system,
      clusterName: this.clusterName,
      nodeName: this.nodeName,
      client: this.api,
      runtime: this.runtime,
      network: this.network,
      clusterDns: "10.96.0.10",
      directory: this.directory,
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }, { type: "Hostname", address: "worker-0" }],
    });
  }

  get owner() {
    return { [labelNames.cluster]: this.clusterName, [labelNames.node]: this.nodeName };
  }

  async createPod(name: string, spec: Record<string, unknown>, metadata: Record<string, unknown> = {}): Promise<Pod> {
    return await this.api.create<Pod>(resources.pods, "default", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default", ...metadata },
      spec: { nodeName: this.nodeName, terminationGracePeriodSeconds: 2, ...spec },
      status: { phase: "Pending" },
    });
  }

  until(name: string, wanted: (pod: Pod | undefined) => boolean, timeoutMs = 30_000): Promise<Pod | undefined> {
    return this.api.until<Pod>(resources.pods, "default", name, wanted, timeoutMs);
  }

  async ready(name: string): Promise<Pod> {
    return (await this.until(name, isReady))!;
  }

  async deletePod(name: string, gracePeriodSeconds?: number): Promise<void> {
    await this.api.delete(
      resources.pods,
      "default",
      name,
      gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds },
    );
  }

  containers() {
    return this.runtime.list(this.owner);
  }

  async events(name: string): Promise<{ reason: string; message: string; count: number; type: string }[]> {
    const { items } = await this.api.list<Record<string, unknown>>(resources.events);
    return items.filter((event) => (event.involvedObject as { name: string }).name === name) as never;
  }

  /** The process dies: no actor says good-bye. */
  async crash(): Promise<void> {
    await this.kubelet?.stop();
    this.system.stopAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
    for (const { id } of await this.containers()) await this.runtime.remove(id);
    await unmountBelow(this.directory);
    await Deno.remove(this.directory, { recursive: true });
  }
}

export const isReady = (pod: Pod | undefined): boolean =>
  pod?.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";

export const isGone = (pod: Pod | undefined): boolean => pod === undefined;

/** A container that runs until it is told to end. */
export function sleeper(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name,
    image: busybox,
    imagePullPolicy: "IfNotPresent",
    command: ["sh", "-c", "trap 'exit 0' TERM; echo hello; while true; do sleep 0.1; done"],
    ...more,
  };
}
