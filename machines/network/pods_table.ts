/** The pods' way to the outside as an nftables script, and what keeps others from using what pods need. */
import { type AddressPlan, clusterCidrs } from "./address_plan.ts";

/**
 * Pods leave the cluster with the host's address. Inside the cluster everybody sees who speaks: nothing is masqueraded.
 *
 * Node ports on 127.0.0.1 need `route_localnet` on the bridges, which would also let a pod send to the host's loopback
 * addresses; what comes in through a link for them is dropped unless it answers a connection of the host.
 *
 * A service's address and its endpoint may lie behind the same bridge, so the kernel would tell the pod to send there
 * directly (ICMP redirect), past the proxy, and the pod would believe it. Such advice is dropped: it cannot be switched
 * off for one link alone.
 */
export function podsScript(plan: AddressPlan): string {
  const { podsTable: table, podCidr, linkPrefix } = plan;
  const ranges = clusterCidrs(plan).join(", ");
  return [
    `add table ip ${table}`,
    `delete table ip ${table}`,
    `add table ip ${table}`,
    `add chain ip ${table} nat-postrouting { type nat hook postrouting priority 96; policy accept; }`,
    `add chain ip ${table} filter-input { type filter hook input priority -10; policy accept; }`,
    `add rule ip ${table} nat-postrouting ip saddr ${podCidr} ip daddr != { ${ranges}, 224.0.0.0/4 } masquerade`,
    `add chain ip ${table} filter-output { type filter hook output priority -10; policy accept; }`,
    `add rule ip ${table} filter-output oifname "${linkPrefix}*" icmp type redirect drop`,
    `add rule ip ${table} filter-input iifname "${linkPrefix}*" ip daddr 127.0.0.0/8 ct state new drop`,
  ].join("\n") + "\n";
}
