/** `down`: takes everything of a cluster's network off this host, however it came there. */
import type { AddressPlan } from "../../machines/network/address_plan.ts";
import { removalScript } from "../../machines/kube_proxy/nft_script.ts";
import type { PacketFilter } from "../../ports/packet_filter.ts";
import { stopAcceptingForwarding } from "./docker_rules.ts";
import { linksWith, removeLinks } from "./ip_tool.ts";

/** Links, tables and forwarding rules are found by the cluster's names, not by memory. Idempotent. */
export async function tearDownNetwork(plan: AddressPlan, packetFilter: PacketFilter): Promise<void> {
  const links = await linksWith(plan.linkPrefix);
  await removeLinks(links.map(({ ifname }) => ifname), "remove the cluster's links");
  const present = await packetFilter.tables();
  for (const table of [plan.servicesTable, plan.podsTable]) {
    if (present.includes(table)) await packetFilter.apply(removalScript(table));
  }
  await stopAcceptingForwarding(plan.podsTable, plan.podCidr);
}
