/** The cluster's network on this host: the control plane's address, the nodes' bridges, the packet filter. */
import { LinkAddresses } from "../actors/load_balancer/host_addresses.ts";
import { BridgePodNetwork } from "../actors/pod_network/bridge_pod_network.ts";
import { type NodeNetwork, startNodeNetwork } from "../actors/pod_network/node_network_actor.ts";
import { NftPacketFilter } from "../actors/nftables/nft_packet_filter.ts";
import type { ActorSystem } from "../actors/system.ts";
import { type AddressPlan, controlPlaneAddress } from "../machines/network/address_plan.ts";
import type { PacketFilter } from "../ports/packet_filter.ts";
import { nodeName } from "./node.ts";

export interface HostNetwork {
  readonly packetFilter: PacketFilter;
  /** By node number; pods are wired as soon as a node's bridge is up. */
  readonly pods: readonly NodeNetwork[];
}

/** Idempotent: repairs what is missing and adopts what is there. Resolves when the control plane has its address. */
export async function setUpHostNetwork(system: ActorSystem, plan: AddressPlan, nodes: number): Promise<HostNetwork> {
  const packetFilter = new NftPacketFilter();
  await new LinkAddresses(`${plan.linkPrefix}cp`).set([controlPlaneAddress(plan, 0)]);
  const pods = Array.from(
    { length: nodes },
    (_, node) =>
      startNodeNetwork({
        system,
        node: nodeName(node),
        network: new BridgePodNetwork({ plan, node, packetFilter }),
      }),
  );
  return { packetFilter, pods };
}
