/** The cluster's network on this host: the control plane's address, a node's bridge, what runs once per host. */
import { NftPacketFilter } from "../actors/nftables/nft_packet_filter.ts";
import { BridgePodNetwork } from "../actors/pod_network/bridge_pod_network.ts";
import { type NodeNetwork, startNodeNetwork } from "../actors/pod_network/node_network_actor.ts";
import { LinkAddresses } from "../actors/load_balancer/host_addresses.ts";
import type { ActorSystem } from "../actors/system.ts";
import { type AddressPlan, controlPlaneAddress } from "../machines/network/address_plan.ts";
import { nodeName } from "./node.ts";

/** Idempotent, as everything here: what is missing is made, what is there is kept. */
export async function setUpControlPlaneAddresses(plan: AddressPlan, masters: number): Promise<void> {
  const addresses = Array.from({ length: masters }, (_, member) => controlPlaneAddress(plan, member));
  await new LinkAddresses(`${plan.linkPrefix}cp`).set(addresses);
}

/** Of a master that has joined: on a link of its own, since the others' is kept by the cluster. */
export async function setUpJoinedAddress(plan: AddressPlan, number: number): Promise<void> {
  await new LinkAddresses(`${plan.linkPrefix}cp${number}`).set([controlPlaneAddress(plan, number)]);
}

/** Pods are wired as soon as the node's bridge is up. */
export function setUpNodeNetwork(
  system: ActorSystem,
  plan: AddressPlan,
  number: number,
  name: string = nodeName(number),
): NodeNetwork {
  return startNodeNetwork({
    system,
    node: name,
    network: new BridgePodNetwork({ plan, node: number, packetFilter: new NftPacketFilter() }),
  });
}

/**
 * Resolves when the node's address is on this host, where its kubelet is about to listen.
 *
 * @throws Error when the first attempt failed: what is in the way is not likely to go by itself.
 */
export async function nodeNetworkReady(system: ActorSystem, network: NodeNetwork): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const subscription = system.get(network.address)?.subscribe(() => {
    const { ready, lastFailure } = network.status();
    if (!ready && lastFailure !== undefined) reject(new Error(`Cannot set the node's network up: ${lastFailure}`));
  });
  try {
    await Promise.race([network.ready(), promise]);
  } finally {
    subscription?.unsubscribe();
  }
}
