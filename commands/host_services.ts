/** What runs once per host and cluster: service proxy, name server, external load balancer. */
import { type DnsServer, startDns } from "../actors/dns/dns_actor.ts";
import { SharedInformers, startInformer } from "../actors/informer.ts";
import { followHostPorts } from "../actors/kube_proxy/host_port_follower.ts";
import { type KubeProxy, startKubeProxy } from "../actors/kube_proxy/kube_proxy_actor.ts";
import { LinkAddresses } from "../actors/load_balancer/host_addresses.ts";
import { type LoadBalancer, startLoadBalancer } from "../actors/load_balancer/load_balancer_actor.ts";
import { realRandom } from "../actors/real/real_random.ts";
import type { ActorSystem } from "../actors/system.ts";
import { type AddressPlan, controlPlaneAddress, nodePlan } from "../machines/network/address_plan.ts";
import type { Pod } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import type { ApiClient } from "../ports/api_client.ts";
import type { PacketFilter } from "../ports/packet_filter.ts";
import { nodeName } from "./node.ts";

export interface HostServicesOptions {
  readonly system: ActorSystem;
  /** The process' name in addresses. */
  readonly node: string;
  readonly plan: AddressPlan;
  readonly nodes: number;
  readonly packetFilter: PacketFilter;
  /** Acts as `system:kube-proxy`: may read services, endpoint slices and nodes. */
  readonly proxyClient: ApiClient;
  /** Acts as the service controller: may write services' status and events. */
  readonly balancerClient: ApiClient;
  /** Acts as the node of that name: may read its pods. */
  nodeClient(name: string): ApiClient;
}

export interface HostServices {
  readonly proxy: KubeProxy;
  readonly dns: DnsServer;
  readonly balancer: LoadBalancer;
  /** Ends them; the kernel's rules and addresses stay until `down`. */
  stop(): Promise<void>;
}

/** Where the cluster's name server listens, on the control plane's address. */
export const dnsPort = 53;

export function startHostServices(options: HostServicesOptions): HostServices {
  const { system, node, plan, packetFilter } = options;
  const informers = new SharedInformers(system, { node, scope: "proxy", client: options.proxyClient });
  const balancerInformers = new SharedInformers(system, { node, scope: "balancer", client: options.balancerClient });
  const proxy = startKubeProxy({
    system,
    node,
    informers,
    packetFilter,
    table: {
      table: plan.servicesTable,
      podCidr: plan.podCidr,
      serviceCidr: plan.serviceCidr,
      nodeCidr: plan.nodeCidr,
    },
    nodes: Array.from({ length: options.nodes }, (_, number) => {
      const { address, podCidr } = nodePlan(plan, number);
      return { name: nodeName(number), address, podCidr };
    }),
  });
  const hostPorts = Array.from({ length: options.nodes }, (_, number) => {
    const name = nodeName(number);
    const pods = startInformer<Pod>(system, {
      node,
      scope: "host-ports",
      name,
      client: options.nodeClient(name),
      resource: resources.pods,
      options: { fieldSelector: `spec.nodeName=${name}` },
    });
    const stop = followHostPorts(pods, name, proxy);
    return () => {
      stop();
      pods.stop();
    };
  });
  const dns = startDns({
    system,
    node,
    informers,
    random: realRandom,
    zone: { domain: "cluster.local", ttl: 5, address: plan.dnsAddress, reverseCidrs: [plan.podCidr, plan.serviceCidr] },
    listen: [{ address: controlPlaneAddress(plan, 0), port: dnsPort }],
  });
  const balancer = startLoadBalancer({
    system,
    node,
    informers: balancerInformers,
    client: options.balancerClient,
    range: plan.loadBalancerCidr,
    hostAddresses: new LinkAddresses(`${plan.linkPrefix}lb`),
  });
  return {
    proxy,
    dns,
    balancer,
    async stop() {
      for (const each of hostPorts) each();
      await proxy.stop();
      balancer.stop();
      await dns.stop();
      informers.stop();
      balancerInformers.stop();
    },
  };
}
