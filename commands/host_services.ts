/** What runs once per host and cluster: service proxy, name server, external load balancer. */
import { type DnsServer, startDns } from "../actors/dns/dns_actor.ts";
import { SharedInformers, startInformer } from "../actors/informer.ts";
import { followHostPorts } from "../actors/kube_proxy/host_port_follower.ts";
import { type KubeProxy, startKubeProxy } from "../actors/kube_proxy/kube_proxy_actor.ts";
import { LinkAddresses } from "../actors/load_balancer/host_addresses.ts";
import { type LoadBalancer, startLoadBalancer } from "../actors/load_balancer/load_balancer_actor.ts";
import { realRandom } from "../actors/real/real_random.ts";
import type { ActorSystem } from "../actors/system.ts";
import type { ProxyNode } from "../machines/kube_proxy/service_ports.ts";
import { type AddressPlan, controlPlaneAddress, isNodeAddress, nodePlan } from "../machines/network/address_plan.ts";
import { isAddress } from "../machines/network/cidr.ts";
import type { Node, Pod } from "../machines/objects/object.ts";
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
    nodes: ownNodes(options),
  });
  const followers = new Map<string, () => void>();
  const followPods = ({ name }: ProxyNode) => {
    if (followers.has(name)) return;
    const pods = startInformer<Pod>(system, {
      node,
      scope: "host-ports",
      name,
      client: options.nodeClient(name),
      resource: resources.pods,
      options: { fieldSelector: `spec.nodeName=${name}` },
    });
    const stop = followHostPorts(pods, name, proxy);
    followers.set(name, () => {
      stop();
      pods.stop();
    });
  };
  const own = ownNodes(options);
  own.forEach(followPods);
  // Nodes that join on this host share its network namespace, and with it this proxy.
  let here = own;
  const known = informers.of<Node>(resources.nodes);
  const stopNodes = known.subscribe({
    changed() {
      const joined = known.list().flatMap((each) => joinedNode(each, plan) ?? [])
        .filter(({ name }) => own.every((each) => each.name !== name));
      const next = [...own, ...joined];
      if (next.map(({ name }) => name).join() === here.map(({ name }) => name).join()) return;
      here = next;
      proxy.setNodes(next);
      joined.forEach(followPods);
      for (const [name, stop] of followers) {
        if (next.some((each) => each.name === name)) continue;
        stop();
        followers.delete(name);
      }
    },
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
      stopNodes();
      for (const stop of followers.values()) stop();
      await proxy.stop();
      balancer.stop();
      await dns.stop();
      informers.stop();
      balancerInformers.stop();
    },
  };
}

function ownNodes({ plan, nodes }: HostServicesOptions): ProxyNode[] {
  return Array.from({ length: nodes }, (_, number) => {
    const { address, podCidr } = nodePlan(plan, number);
    return { name: nodeName(number), address, podCidr };
  });
}

/** A node with one of the cluster's own addresses is on this host; who comes from another brings its host's. */
function joinedNode({ metadata, spec, status }: Node, plan: AddressPlan): ProxyNode | undefined {
  const address = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
  const podCidr = spec?.podCIDR;
  if (address === undefined || podCidr === undefined || !isAddress(address) || !isNodeAddress(plan, address)) return;
  return { name: metadata.name, address, podCidr };
}
