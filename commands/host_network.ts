/** The cluster's network on this host: bridges of its nodes, the control plane's address, the packet filter. */
import { ipBatch } from "../actors/pod_network/ip_tool.ts";
import { BridgePodNetwork } from "../actors/pod_network/bridge_pod_network.ts";
import { NftPacketFilter } from "../actors/nftables/nft_packet_filter.ts";
import { type AddressPlan, controlPlaneAddress, nodePlan } from "../machines/network/address_plan.ts";

export interface HostNetwork {
  readonly packetFilter: NftPacketFilter;
  /** By node number. */
  readonly pods: readonly BridgePodNetwork[];
  readonly warnings: readonly string[];
}

/** Idempotent: repairs what is missing and adopts what is there. */
export async function setUpHostNetwork(plan: AddressPlan, nodes: number): Promise<HostNetwork> {
  const packetFilter = new NftPacketFilter();
  const pods: BridgePodNetwork[] = [];
  const warnings: string[] = [];
  for (let node = 0; node < nodes; node++) {
    const network = new BridgePodNetwork({ plan, node, packetFilter });
    warnings.push(...(await network.setUp()).warnings);
    pods.push(network);
  }
  // The control plane is reached on the first node's bridge; it stays while any node does.
  const { bridge } = nodePlan(plan, 0);
  await ipBatch([`address replace ${controlPlaneAddress(plan, 0)}/32 dev ${bridge}`], {
    what: "give the control plane its address",
  });
  return { packetFilter, pods, warnings: [...new Set(warnings)] };
}
