/** Ports of a node that lead to one pod (`containers[].ports[].hostPort`), as packet-filter rules. */
import { isAddress } from "../network/cidr.ts";
import { type Fragment, FragmentDraft, matchKey } from "./fragment.ts";
import type { ProxyNode } from "./service_ports.ts";
import { type ProxyHost, translateTo } from "./service_rules.ts";

export interface HostPortMapping {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** Absent or 0.0.0.0: every address of the node. */
  readonly hostIP?: string;
  readonly hostPort: number;
  readonly podIP: string;
  readonly containerPort: number;
}

/** `owner`: the pod, as `namespace/name`, or whatever tells it apart. */
export function hostPortRules(
  owner: string,
  node: Pick<ProxyNode, "address">,
  mappings: readonly HostPortMapping[],
  host: Pick<ProxyHost, "hostAddresses">,
): Fragment {
  const draft = new FragmentDraft();
  for (const { protocol, hostIP, hostPort, podIP, containerPort } of mappings) {
    const spoken = protocol.toLowerCase();
    // Whatever the pod's author wrote ends in a script: what is no IPv4 address has no place in one.
    if (!isAddress(podIP) || (hostIP !== undefined && hostIP !== "" && !isAddress(hostIP))) continue;
    const everywhere = hostIP === undefined || hostIP === "" || hostIP === "0.0.0.0";
    const addresses = everywhere ? [node.address, ...host.hostAddresses] : [hostIP];
    const chain = `hostport/${owner}/${spoken}/${hostPort}/${everywhere ? "any" : hostIP}`;
    const verdict = draft.chain(chain, [translateTo(spoken, [{ address: podIP, port: containerPort }])]);
    for (const address of addresses) draft.services.set(matchKey(address, spoken, hostPort), verdict);
    draft.hairpin(podIP);
  }
  return draft;
}
