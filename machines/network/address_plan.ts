/**
 * Which addresses, ports and names a cluster uses on its host. All follow from one number, the cluster's index, which
 * is drawn once per cluster name and kept in its state: clusters on one host never meet.
 *
 * Cluster i owns 10.(160+2i).0.0/15. The ranges people, clouds and other clusters usually have (10.0/16, 10.42/16,
 * 10.96/12, 10.244/16, 172.16/12, 192.168/16, 100.64/10) are not in it; an index whose range meets a route of the
 * host is passed over.
 */
import { type Cidr, formatAddress, formatCidr, overlaps, parseAddress, parseCidr } from "./cidr.ts";

export interface AddressPlan {
  readonly index: number;
  /** Pods of all nodes. */
  readonly podCidr: string;
  /** Bits of one node's part of it. */
  readonly nodePodPrefix: number;
  /** ClusterIPs. */
  readonly serviceCidr: string;
  /** Addresses of control planes and nodes, each a /32 on its host. */
  readonly nodeCidr: string;
  /** Addresses of services of type LoadBalancer. */
  readonly loadBalancerCidr: string;
  /** ClusterIP of `default/kubernetes`. */
  readonly apiServiceAddress: string;
  /** ClusterIP of `kube-system/kube-dns`, the name server in every pod's resolv.conf. */
  readonly dnsAddress: string;
  /** Where API servers listen, on loopback and on their control-plane address. */
  readonly apiServerPort: number;
  /** The packet filter's tables: services, and the pods' way to the outside. */
  readonly servicesTable: string;
  readonly podsTable: string;
  /** Every link the cluster makes on a host starts with it; no other cluster's does. */
  readonly linkPrefix: string;
}

/** Indices there are. */
export const maxClusters = 40;
/** Indices that clusters draw; those behind are the tests' own, so that they never meet a cluster that runs. */
export const drawnClusters = 30;
/** Nodes a cluster has room for: none has an address that ends in 0 or 255, which some programs refuse. */
export const maxNodes = 254;
/** Control planes a cluster has room for. */
export const maxControlPlanes = 200;

function blockOf(index: number): Cidr {
  return parseCidr(`10.${160 + 2 * index}.0.0/15`);
}

/** @throws Error when there is no such index. */
export function addressPlan(index: number): AddressPlan {
  if (!Number.isInteger(index) || index < 0 || index >= maxClusters) {
    throw new Error(`Cannot plan addresses: cluster index ${index} is not from 0 to ${maxClusters - 1}`);
  }
  const { first } = blockOf(index);
  const upper = first + 65_536;
  const at = (offset: number, prefix: number) => formatCidr({ first: upper + offset, last: 0, prefix });
  return {
    index,
    podCidr: formatCidr({ first, last: 0, prefix: 16 }),
    nodePodPrefix: 24,
    serviceCidr: at(0, 17),
    nodeCidr: at(128 * 256, 20),
    loadBalancerCidr: at(192 * 256, 20),
    apiServiceAddress: formatAddress(upper + 1),
    dnsAddress: formatAddress(upper + 10),
    apiServerPort: 6443 + index,
    servicesTable: `chartroom-${index}-services`,
    podsTable: `chartroom-${index}-pods`,
    linkPrefix: `cr${index}-`,
  };
}

/** The address under which control plane `member` (from 0) is reached by pods and nodes: API server and DNS. */
export function controlPlaneAddress(plan: AddressPlan, member: number): string {
  if (!Number.isInteger(member) || member < 0 || member >= maxControlPlanes) {
    throw new Error(`Cannot address control plane ${member}: there is room for 0 to ${maxControlPlanes - 1}`);
  }
  return formatAddress(parseCidr(plan.nodeCidr).first + 1 + member);
}

/** What node number `node` (from 0) of the cluster uses. */
export interface NodePlan {
  /** Stable over restarts: the node's InternalIP. */
  readonly address: string;
  readonly podCidr: string;
  /** The bridge's own address, the pods' gateway. */
  readonly gateway: string;
  readonly bridge: string;
}

/** @throws Error when the cluster has no room for that many nodes. */
export function nodePlan(plan: AddressPlan, node: number): NodePlan {
  if (!Number.isInteger(node) || node < 0 || node >= maxNodes) {
    throw new Error(`Cannot address node ${node}: there is room for 0 to ${maxNodes - 1}`);
  }
  const first = parseCidr(plan.podCidr).first + node * 2 ** (32 - plan.nodePodPrefix);
  return {
    address: formatAddress(parseCidr(plan.nodeCidr).first + 257 + node),
    podCidr: formatCidr({ first, last: 0, prefix: plan.nodePodPrefix }),
    gateway: formatAddress(first + 1),
    bridge: `${plan.linkPrefix}b${node}`,
  };
}

/** All ranges of the cluster: traffic between them is never masqueraded as traffic to the outside. */
export function clusterCidrs(plan: AddressPlan): string[] {
  return [plan.podCidr, plan.serviceCidr, plan.nodeCidr, plan.loadBalancerCidr];
}

/**
 * An index for a new cluster: the first, counted from `preferred`, that no cluster on this host has and whose range
 * meets no route or name server of the host.
 *
 * @throws Error when none is left.
 */
export function drawIndex(
  { preferred, taken, hostRanges }: {
    /** Any number; a hash of the cluster's name spreads clusters of several hosts. */
    preferred: number;
    taken: readonly number[];
    /** Routes, addresses and name servers of the host, as `address/bits` or bare addresses; "default" is ignored. */
    hostRanges: readonly string[];
  },
): number {
  const host = hostRanges.filter((range) => range !== "default" && range !== "0.0.0.0/0").map(parseCidr);
  for (let step = 0; step < drawnClusters; step++) {
    const index = (Math.abs(Math.trunc(preferred)) + step) % drawnClusters;
    if (taken.includes(index)) continue;
    const block = blockOf(index);
    if (!host.some((range) => overlaps(range, block))) return index;
  }
  throw new Error(
    `Cannot draw a cluster index: all ${drawnClusters} are taken (${taken.length}) or meet routes of the host`,
  );
}

/** Whether an address is one of a node or control plane. */
export function isNodeAddress(plan: AddressPlan, address: string): boolean {
  const { first, last } = parseCidr(plan.nodeCidr);
  const value = parseAddress(address);
  return value >= first && value <= last;
}
