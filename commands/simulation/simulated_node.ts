/** A node of a simulated cluster: what outlives its kubelet and its proxy, and how the two are started. */
import { SharedInformers, startInformer } from "../../actors/informer.ts";
import { type KubeProxy, startKubeProxy } from "../../actors/kube_proxy/kube_proxy_actor.ts";
import { followHostPorts } from "../../actors/kube_proxy/host_port_follower.ts";
import { startKubelet } from "../../actors/kubelet/kubelet.ts";
import { SimulatedRuntime } from "../../actors/simulated/container_runtime.ts";
import { SimulatedNodeFiles } from "../../actors/simulated/node_files.ts";
import { SimulatedPacketFilter } from "../../actors/simulated/packet_filter.ts";
import { SimulatedLinks, SimulatedPodNetwork } from "../../actors/simulated/pod_network.ts";
import { type EngineTroubles, noTroubles, runtimeLink } from "../../actors/simulated/runtime_link.ts";
import type { SimulatedHost, SimulatedProcess } from "../../actors/simulated/simulated_process.ts";
import type { SimulatedRandom } from "../../actors/simulated/simulated_random.ts";
import type { ActorSystem } from "../../actors/system.ts";
import { type AddressPlan, nodePlan } from "../../machines/network/address_plan.ts";
import type { Pod } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RuntimeEvent } from "../../ports/container_runtime.ts";
import { behaviourOf, everyImage } from "./images.ts";

export interface SimulatedNodeOptions {
  readonly number: number;
  readonly name: string;
  readonly host: SimulatedHost;
  readonly plan: AddressPlan;
  readonly world: Clock;
  readonly random: SimulatedRandom;
  /** Hears of everything that happens to containers here. */
  observe(event: RuntimeEvent, node: string): void;
}

/** What a node offers to pods; small, so that it fills. */
const capacity = { cpu: "3", memory: "8Gi", pods: 30 };

export class SimulatedNode {
  readonly engine: SimulatedRuntime;
  readonly filter = new SimulatedPacketFilter();
  readonly links = new SimulatedLinks();
  readonly files = new SimulatedNodeFiles({ "/etc/machine-id": "simulated", "/etc/resolv.conf": "" });
  /** What its engine does wrong at present. */
  troubles: EngineTroubles = noTroubles;
  /** Programs that die now and then do so no more. */
  calm = false;
  /** What its proxy is, while there is one. */
  proxy: KubeProxy | undefined;
  #random: SimulatedRandom;

  constructor(readonly options: SimulatedNodeOptions) {
    this.#random = options.random.fork("engine");
    const behaviours = options.random.fork("behaviour");
    this.engine = new SimulatedRuntime({
      clock: options.world,
      random: this.#random,
      images: everyImage(),
      behave: (draft) => behaviourOf(draft, behaviours, this.calm),
      latencyMs: 10,
      observe: (event) => options.observe(event, options.name),
    });
  }

  get name(): string {
    return this.options.name;
  }

  /** The machine lost power: rules and links of the kernel are gone. */
  forgetKernelState(): void {
    this.filter.reset();
    this.links.wired.clear();
  }

  async startKubelet(process: SimulatedProcess, system: ActorSystem, client: ApiClient): Promise<void> {
    const { name, number, plan } = this.options;
    const { address, podCidr } = nodePlan(plan, number);
    await startKubelet({
      system,
      clusterName: "simulated",
      nodeName: name,
      client,
      runtime: runtimeLink(process, this.engine, this.#random, () => this.troubles),
      network: process.gate(new SimulatedPodNetwork(podCidr, this.links)),
      files: process.gate(this.files),
      random: this.options.random.fork(`kubelet ${process.now()}`),
      clusterDns: plan.dnsAddress,
      directory: `/nodes/${name}`,
      addresses: [{ type: "InternalIP", address }, { type: "Hostname", address: name }],
      capacity,
      podCIDR: podCidr,
    });
  }

  startProxy(process: SimulatedProcess, system: ActorSystem, proxyClient: ApiClient, nodeClient: ApiClient): void {
    const { name, number, plan } = this.options;
    const { address, podCidr } = nodePlan(plan, number);
    const informers = new SharedInformers(system, { node: name, scope: "proxy", client: proxyClient });
    const proxy = startKubeProxy({
      system,
      node: name,
      informers,
      packetFilter: process.gate(this.filter),
      table: {
        table: plan.servicesTable,
        podCidr: plan.podCidr,
        serviceCidr: plan.serviceCidr,
        nodeCidr: plan.nodeCidr,
      },
      nodes: [{ name, address, podCidr }],
      serveHealth: false,
    });
    const pods = startInformer<Pod>(system, {
      node: name,
      scope: "host-ports",
      name,
      client: nodeClient,
      resource: resources.pods,
      options: { fieldSelector: `spec.nodeName=${name}` },
    });
    followHostPorts(pods, name, proxy);
    this.proxy = proxy;
    process.onDeath(() => this.proxy = undefined);
  }
}
