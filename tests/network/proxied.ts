/** A service proxy over the kernel's packet filter and an API in memory, in time that only the test moves. */
import { SharedInformers } from "../../actors/informer.ts";
import { type KubeProxy, startKubeProxy } from "../../actors/kube_proxy/kube_proxy_actor.ts";
import { ManualClock } from "../../actors/simulated/manual_clock.ts";
import { ActorSystem } from "../../actors/system.ts";
import type { NodePlan } from "../../machines/network/address_plan.ts";
import { resources } from "../../machines/objects/resources.ts";
import { MemoryApiClient } from "../actors/kube_proxy/memory_api_client.ts";
import { service, slice } from "../actors/kube_proxy/objects.ts";
import type { TestHost } from "./harness.ts";

/** What the proxy needs to know of a host. */
type ProxiedHost = Pick<TestHost, "plan" | "packetFilter"> & { networks: readonly { nodePlan: NodePlan }[] };

/** A proxy for the host's nodes whose clock only the test moves. */
export class Proxied {
  readonly clock = new ManualClock();
  readonly client = new MemoryApiClient();
  readonly system = new ActorSystem({ clock: this.clock });
  readonly informers = new SharedInformers(this.system, { node: "test", client: this.client });
  proxy: KubeProxy;

  constructor(host: ProxiedHost) {
    const { plan } = host;
    this.proxy = startKubeProxy({
      system: this.system,
      node: "test",
      informers: this.informers,
      packetFilter: host.packetFilter,
      table: { ...plan, table: plan.servicesTable },
      nodes: host.networks.map(({ nodePlan }, index) => ({ ...nodePlan, name: `worker-${index}` })),
    });
  }

  put(name: string, spec: Record<string, unknown>, addresses: readonly string[], status = {}, slices = {}): void {
    this.client.put(resources.services, service(name, spec, status));
    this.client.put(resources.endpointSlices, slice(name, addresses, slices));
  }

  /** Moves the clock until the kernel has everything. */
  settle(): Promise<void> {
    return this.finish(this.proxy.settled());
  }

  async finish(work: Promise<void>): Promise<void> {
    let over = false;
    const done = work.finally(() => over = true);
    while (!over) {
      this.clock.advance(20);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
  }
}

/** An address of the cluster's service range. */
export const ip = (host: TestHost, last: number) => `10.${161 + 2 * host.plan.index}.0.${last}`;
