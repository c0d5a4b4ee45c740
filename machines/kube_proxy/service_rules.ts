/**
 * A service's ports as packet-filter rules.
 *
 * Chains, per port (their names end in namespace/name/protocol/port):
 *   cluster/    any endpoint
 *   local/      endpoints of the nodes on this host; with /NODE at the end, of that node alone
 *   near/       a ClusterIP whose pods prefer endpoints nearby; with /NODE at the end, those of that node's pods
 *   internal/   what a ClusterIP leads to when pods must stay on their node
 *   external/   node ports, external and load-balancer addresses; with /NODE at the end, that node's port
 *   firewall/   load-balancer addresses that not everybody may use
 *   endpoint/   one endpoint, for services whose clients stick to theirs
 */
import { type Fragment, FragmentDraft, masqueradeBit, matchKey, type Refusal } from "./fragment.ts";
import type { Endpoint, ProxyNode, ServicePort } from "./service_ports.ts";

/** What the rules may know of the host. */
export interface ProxyHost {
  /** Nodes that share this network namespace. */
  readonly nodes: readonly ProxyNode[];
  /** Pods of the whole cluster. */
  readonly podCidr: string;
  /** Other addresses of the host on which node ports and host ports are answered; 127.0.0.1 for local programs. */
  readonly hostAddresses: readonly string[];
}

const mark = `meta mark set meta mark | ${masqueradeBit}`;

export function serviceRules(ports: readonly ServicePort[], host: ProxyHost): Fragment {
  const draft = new FragmentDraft();
  for (const port of ports) new PortRules(draft, port, host).write();
  return draft;
}

class PortRules {
  readonly #path: string;
  readonly #local: readonly Endpoint[];

  constructor(readonly draft: FragmentDraft, readonly port: ServicePort, readonly host: ProxyHost) {
    this.#path = `${port.service}/${port.protocol}/${port.port}`;
    this.#local = unique([...port.localEndpoints.values()].flat());
  }

  write(): void {
    const { port, draft } = this;
    if (port.endpoints.length === 0) {
      for (const address of this.#addresses()) this.#refuse(address, port.port, "goto refuse");
      for (const [address] of this.#nodePorts()) this.#refuse(address, port.nodePort!, "goto refuse");
      return;
    }
    for (const { address } of [...port.endpoints, ...this.#local]) draft.hairpin(address);
    this.#answer(port.clusterIP, port.port, port.internalLocal ? this.#internal() : this.#near());
    const external = [...port.externalIPs, ...port.loadBalancerIPs];
    if (external.length === 0 && port.nodePort === undefined) return;
    for (const address of port.externalIPs) this.#answer(address, port.port, this.#external(undefined));
    for (const address of port.loadBalancerIPs) this.#answer(address, port.port, this.#firewall());
    for (const [address, node] of this.#nodePorts()) this.#answer(address, port.nodePort!, this.#external(node));
  }

  #answer(address: string, port: number, verdict: string): void {
    const key = matchKey(address, this.port.protocol, port);
    if (verdict === "drop") this.draft.refusals.set(key, "drop");
    else this.draft.services.set(key, verdict);
  }

  #refuse(address: string, port: number, refusal: Refusal): void {
    this.draft.refusals.set(matchKey(address, this.port.protocol, port), refusal);
  }

  #addresses(): string[] {
    return [this.port.clusterIP, ...this.port.externalIPs, ...this.port.loadBalancerIPs];
  }

  /** Where the node port is answered; `undefined` stands for the host as a whole. */
  #nodePorts(): [address: string, node: ProxyNode | undefined][] {
    if (this.port.nodePort === undefined) return [];
    return [
      ...this.host.nodes.map((node): [string, ProxyNode] => [node.address, node]),
      ...this.host.hostAddresses.map((address): [string, undefined] => [address, undefined]),
    ];
  }

  #cluster(): string {
    return this.#balance(`cluster/${this.#path}`, this.port.endpoints);
  }

  /** Pods of nodes that have endpoints nearby go there, everybody else anywhere. */
  #near(): string {
    const { nearEndpoints } = this.port;
    const nodes = this.host.nodes.filter(({ name }) => nearEndpoints.has(name));
    if (nodes.length === 0) return this.#cluster();
    return this.draft.chain(`near/${this.#path}`, [
      ...nodes.map(({ name, podCidr }) =>
        `ip saddr ${podCidr} ${this.#balance(`near/${this.#path}/${name}`, nearEndpoints.get(name)!)}`
      ),
      this.#cluster(),
    ]);
  }

  /** The host's nodes together, or one of them; "drop" when it has no endpoint. */
  #localTo(node: ProxyNode | undefined): string {
    if (node === undefined || this.host.nodes.length === 1) return this.#balance(`local/${this.#path}`, this.#local);
    return this.#balance(`local/${this.#path}/${node.name}`, this.port.localEndpoints.get(node.name) ?? []);
  }

  /** Each pod stays on its own node; programs of the host itself may use any of its nodes. */
  #internal(): string {
    if (this.host.nodes.length === 1 || this.#local.length === 0) return this.#localTo(undefined);
    return this.draft.chain(`internal/${this.#path}`, [
      ...this.host.nodes.map((node) => `ip saddr ${node.podCidr} ${this.#localTo(node)}`),
      this.#localTo(undefined),
    ]);
  }

  #external(node: ProxyNode | undefined): string {
    const { externalLocal } = this.port;
    if (!externalLocal) return this.draft.chain(`external/${this.#path}`, [mark, this.#cluster()]);
    const suffix = node === undefined || this.host.nodes.length === 1 ? "" : `/${node.name}`;
    // Pods and programs of the host count as being inside: the policy is about keeping outside clients' addresses.
    return this.draft.chain(`external/${this.#path}${suffix}`, [
      `ip saddr ${this.host.podCidr} ${this.#cluster()}`,
      `fib saddr type local ${mark} ${this.#cluster()}`,
      this.#localTo(node),
    ]);
  }

  #firewall(): string {
    const { sourceRanges } = this.port;
    const allowed = this.#external(undefined);
    if (sourceRanges.length === 0 || sourceRanges.includes("0.0.0.0/0")) return allowed;
    return this.draft.chain(`firewall/${this.#path}`, [
      ...sourceRanges.map((range) => `ip saddr ${range} ${allowed}`),
      "drop",
    ]);
  }

  #balance(chain: string, endpoints: readonly Endpoint[]): string {
    if (endpoints.length === 0) return "drop";
    if (this.port.affinitySeconds !== undefined) return this.#stick(chain, endpoints, this.port.affinitySeconds);
    return this.draft.chain(chain, [translateTo(this.port.protocol, endpoints)]);
  }

  /** Known clients go where they went; others are dealt out and remembered by the endpoint's chain. */
  #stick(chain: string, endpoints: readonly Endpoint[], seconds: number): string {
    const sticky = endpoints.map((endpoint) => {
      const name = `${this.#path}/${endpoint.address}/${endpoint.port}`;
      // The time-out is part of the name: a set cannot change its own while rules name it.
      const clients = `affinity/${name}/${seconds}s`;
      this.draft.affinities.set(clients, seconds);
      const verdict = this.draft.chain(`endpoint/${name}`, [
        `update @${clients} { ip saddr }`,
        translateTo(this.port.protocol, [endpoint]),
      ]);
      return { known: `ip saddr @${clients} ${verdict}`, verdict };
    });
    const dealt = sticky.map(({ verdict }, index) => `${index} : ${verdict}`).join(", ");
    return this.draft.chain(chain, [
      ...sticky.map(({ known }) => known),
      `numgen random mod ${sticky.length} vmap { ${dealt} }`,
    ]);
  }
}

/** The rule that sends a connection to one of the endpoints, each as likely as the others. */
export function translateTo(protocol: string, endpoints: readonly Endpoint[]): string {
  const [only] = endpoints;
  // The protocol must be named again: a chain that a verdict map leads to knows nothing of the map's match.
  const rule = `meta l4proto ${protocol} dnat to`;
  if (endpoints.length === 1) return `${rule} ${only!.address}:${only!.port}`;
  const map = endpoints.map(({ address, port }, index) => `${index} : ${address} . ${port}`).join(", ");
  return `${rule} numgen random mod ${endpoints.length} map { ${map} }`;
}

function unique(endpoints: readonly Endpoint[]): Endpoint[] {
  return [...new Map(endpoints.map((each) => [`${each.address}:${each.port}`, each])).values()];
}
