/** `chartroom up`: a cluster in this process, or in processes of their own below it. */
import { DockerRuntime } from "../actors/docker/docker_runtime.ts";
import { hostRanges } from "../actors/pod_network/ip_tool.ts";
import { realClock } from "../actors/real/real_clock.ts";
import { ActorSystem } from "../actors/system.ts";
import { type AddressPlan, addressPlan, controlPlaneAddress } from "../machines/network/address_plan.ts";
import type { Node } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import type { ApiClient } from "../ports/api_client.ts";
import type { ContainerRuntime } from "../ports/container_runtime.ts";
import type { PodNetwork } from "../ports/pod_network.ts";
import type { ClusterState } from "./cluster_state.ts";
import { detach } from "./detach.ts";
import { ensureEngine } from "./docker_engine.ts";
import { type HostNetwork, setUpHostNetwork } from "./host_network.ts";
import { dnsPort, type HostServices, startHostServices } from "./host_services.ts";
import { controllerAccount, type Master, startMaster } from "./master.ts";
import { nodeName, type RunningNode, startNode } from "./node.ts";
import { Progress } from "./progress.ts";
import { isAlive } from "./status.ts";

export interface UpOptions {
  readonly nodes: number;
  readonly runtime: "docker" | "simulated";
  readonly detach?: boolean;
  readonly split?: boolean;
  readonly overcommit?: boolean;
}

export async function up(state: ClusterState, options: UpOptions): Promise<void> {
  await refuseSecond(state);
  if (options.detach) return await detach(state);
  const cluster = new Cluster(state, options);
  await cluster.start();
  await cluster.untilStopped();
}

async function refuseSecond(state: ClusterState): Promise<void> {
  const running = await state.running();
  if (running === undefined || !await isAlive(running.pid)) return;
  throw new Error(
    `Cannot bring cluster "${state.name}" up: it runs already, as process ${running.pid} (chartroom status, chartroom down)`,
  );
}

/** All of a cluster in one process. */
class Cluster {
  readonly #state: ClusterState;
  readonly #options: UpOptions;
  readonly #progress = new Progress();
  readonly #system = new ActorSystem({ clock: realClock });
  #master: Master | undefined;
  #services: HostServices | undefined;
  #nodes: RunningNode[] = [];

  constructor(state: ClusterState, options: UpOptions) {
    this.#state = state;
    this.#options = options;
    this.#system.inspect((inspection) => {
      if (inspection.type === "actor.failed") this.#report(`${inspection.actor} failed: ${inspection.detail}`);
    });
  }

  async start(): Promise<void> {
    const { name } = this.#state;
    const progress = this.#progress;
    const runtime = await this.#runtime();
    progress.say(`Cluster "${name}", state in ${this.#state.directory}`);
    const ranges = runtime.onHost ? await hostRanges() : [];
    const { index } = await this.#state.identityOrNew(ranges);
    const plan = addressPlan(index);
    const network = runtime.onHost
      ? await progress.step("Network set up", () => setUpHostNetwork(this.#system, plan, this.#options.nodes))
      : undefined;
    const master = await progress.step(
      `API server listening on https://127.0.0.1:${plan.apiServerPort}`,
      () => this.#startMaster(plan, network !== undefined),
    );
    this.#master = master;
    await progress.step("Cluster prepared", () => master.ready);
    await progress.step(
      this.#options.nodes === 1 ? "Node ready" : `${this.#options.nodes} nodes ready`,
      () => this.#startNodes(plan, runtime.runtime, runtime.network, network, master),
    );
    await this.#state.noteRunning({
      pid: Deno.pid,
      server: master.server,
      nodes: this.#nodes.map(({ name }) => name),
      runtime: runtime.name,
      startedAt: new Date().toISOString(),
    });
    progress.say(
      `Ready in ${progress.elapsed}. To use it:\n\n  export KUBECONFIG=${
        this.#state.path("kubeconfig")
      }\n  kubectl get nodes\n`,
    );
  }

  async #runtime(): Promise<ChosenRuntime> {
    if (this.#options.runtime === "docker") {
      const problem = await ensureEngine(this.#state, this.#progress);
      if (problem === undefined && Deno.uid() === 0) {
        return { name: "docker", onHost: true, runtime: new DockerRuntime(), network: undefined };
      }
      this.#progress.say(
        `\n  NO CONTAINERS WILL RUN: ${problem ?? "wiring pods to the network takes root"}.\n` +
          "  This cluster uses the simulated runtime: pods go through their lives, but nothing runs in them.\n",
      );
    }
    const { simulatedNode } = await import("./simulated_node.ts");
    return { name: "simulated", onHost: false, ...simulatedNode(this.#system.clock) };
  }

  #startMaster(plan: AddressPlan, listenForCluster: boolean): Promise<Master> {
    const own = controlPlaneAddress(plan, 0);
    return startMaster({
      system: this.#system,
      state: this.#state,
      name: "master-0",
      plan,
      controlPlaneAddress: own,
      listenForCluster,
      ...(listenForCluster ? { dns: { address: own, port: dnsPort } } : {}),
      report: (problem) => this.#report(problem),
    });
  }

  async #startNodes(
    plan: AddressPlan,
    runtime: ContainerRuntime,
    simulated: PodNetwork | undefined,
    host: HostNetwork | undefined,
    master: Master,
  ): Promise<void> {
    const { nodes, overcommit } = this.#options;
    const clientOf = (name: string) =>
      master.client({ name: `system:node:${name}`, groups: ["system:nodes", "system:authenticated"] });
    const started = Array.from({ length: nodes }, (_, number) =>
      startNode({
        system: this.#system,
        state: this.#state,
        number,
        plan,
        client: clientOf(nodeName(number)),
        runtime,
        network: host?.pods[number] ?? simulated!,
        authority: master.keys.authority,
        onNetwork: host !== undefined,
        share: overcommit ? 1 : 1 / nodes,
        report: (problem) => this.#report(problem),
      }));
    this.#nodes = await Promise.all(started);
    if (host !== undefined) {
      this.#services = startHostServices({
        system: this.#system,
        node: "master-0",
        plan,
        nodes,
        packetFilter: host.packetFilter,
        proxyClient: master.client({ name: "system:kube-proxy", groups: ["system:authenticated"] }),
        balancerClient: master.client(controllerAccount("service-controller")),
        nodeClient: clientOf,
      });
    }
    const client = master.client({ name: "chartroom", groups: ["system:masters"] });
    await Promise.all(this.#nodes.map(({ name }) => nodeReady(client, name)));
  }

  /** Until SIGINT or SIGTERM: then everything ends in order, and pods keep running. */
  async untilStopped(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked = () => resolve();
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, asked);
    await promise;
    this.#progress.say(`\nStopping cluster "${this.#state.name}" ...`);
    // A second Ctrl-C does not wait.
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.removeSignalListener(signal, asked);
      Deno.addSignalListener(signal, () => Deno.exit(130));
    }
    await this.#services?.stop();
    await Promise.all(this.#nodes.map((node) => node.stop()));
    await this.#master?.stop();
    this.#system.stopAll();
    await this.#state.forgetRunning();
    this.#progress.say('Stopped. Its pods keep running; "chartroom up" adopts them, "chartroom down" removes them.');
    Deno.exit(0);
  }

  #report(problem: string): void {
    console.error(`${new Date().toISOString()} ${problem}`);
  }
}

interface ChosenRuntime {
  readonly name: string;
  /** Whether containers are real and wired to this host's network. */
  readonly onHost: boolean;
  readonly runtime: ContainerRuntime;
  readonly network: PodNetwork | undefined;
}

/** Resolves when the node says that it is ready. */
async function nodeReady(client: ApiClient, name: string): Promise<void> {
  const isReady = (node: Node) =>
    node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  const options = { fieldSelector: `metadata.name=${name}` };
  const { items, resourceVersion } = await client.list<Node>(resources.nodes, options);
  if (items.some(isReady)) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const watch = client.watch<Node>(resources.nodes, { ...options, resourceVersion }, {
    events(batch) {
      if (batch.some((event) => event.type !== "BOOKMARK" && event.type !== "DELETED" && isReady(event.object))) {
        resolve();
      }
    },
    closed: (status) => reject(new Error(`Cannot wait for node "${name}": ${status?.message ?? "the watch ended"}`)),
  });
  try {
    await promise;
  } finally {
    watch.cancel();
  }
}
