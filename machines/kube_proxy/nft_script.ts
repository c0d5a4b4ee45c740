/** Rules as nftables scripts, one command a line: a table made anew, and changes to it. Each is one transaction. */
import { masqueradeBit } from "./fragment.ts";
import type { Difference, RulesetChanges } from "./ruleset.ts";

export interface ProxyTable {
  readonly table: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly nodeCidr: string;
}

/** Elements of one `add element` command: nft reads long lines slowly. */
const elementsPerLine = 500;

/**
 * The frame of the table. Node ports and host ports are found by the same lookup as services: an address and port
 * leads to one verdict, whatever it belongs to.
 *
 * Priorities: translation goes before Docker's (dstnat, -100), since the addresses it claims are ours alone; refusals
 * go before Docker's FORWARD chain (0), which would swallow them without an answer.
 */
function frame({ table, podCidr, serviceCidr, nodeCidr }: ProxyTable): string[] {
  const rule = (chain: string, text: string) => `add rule ip ${table} ${chain} ${text}`;
  const base = (chain: string, type: string) => `add chain ip ${table} ${chain} { type ${type}; policy accept; }`;
  const key = "ip daddr . meta l4proto . th dport";
  const type = "type ipv4_addr . inet_proto . inet_service : verdict;";
  return [
    `add table ip ${table}`,
    `delete table ip ${table}`,
    `add table ip ${table}`,
    `add map ip ${table} services { ${type} }`,
    `add map ip ${table} refusals { ${type} }`,
    `add set ip ${table} hairpins { type ipv4_addr . ipv4_addr; }`,
    `add chain ip ${table} refuse`,
    `add chain ip ${table} dispatch`,
    `add chain ip ${table} refusing`,
    base("nat-prerouting", "nat hook prerouting priority -105"),
    base("nat-output", "nat hook output priority -105"),
    base("nat-postrouting", "nat hook postrouting priority 95"),
    base("filter-input", "filter hook input priority -10"),
    base("filter-forward", "filter hook forward priority -10"),
    base("filter-output", "filter hook output priority -10"),
    // ICMP answers are limited to about one a second and peer: a reset always comes.
    rule("refuse", "meta l4proto tcp reject with tcp reset"),
    rule("refuse", "reject"),
    // Who comes from outside through this host has to get the answer through this host as well.
    rule(
      "dispatch",
      `ip daddr ${serviceCidr} ip saddr != { ${podCidr}, ${nodeCidr} } meta mark set meta mark | ${masqueradeBit}`,
    ),
    rule("dispatch", `${key} vmap @services`),
    rule("nat-prerouting", "goto dispatch"),
    rule("nat-output", "goto dispatch"),
    rule("nat-postrouting", `meta mark & ${masqueradeBit} != 0 masquerade fully-random`),
    // A pod that was sent to itself: the answer must come back through the host to be translated back.
    rule("nat-postrouting", "ip saddr . ip daddr @hairpins masquerade"),
    rule("nat-postrouting", 'ip saddr 127.0.0.0/8 oifname != "lo" ct status dnat masquerade'),
    rule("refusing", `${key} vmap @refusals`),
    rule("refusing", `ip daddr ${serviceCidr} goto refuse`),
    ...["filter-input", "filter-forward", "filter-output"].map((chain) => rule(chain, "ct state new goto refusing")),
  ];
}

/** Makes the table anew, whatever was there: readers of the network see the old rules or the new ones, never none. */
export function fullScript(table: ProxyTable, everything: RulesetChanges): string {
  return [...frame(table), ...commands(table.table, everything)].join("\n") + "\n";
}

/** Changes a table that stands as the changes assume. */
export function changesScript({ table }: Pick<ProxyTable, "table">, changes: RulesetChanges): string {
  return commands(table, changes).join("\n") + "\n";
}

export function removalScript(table: string): string {
  return `add table ip ${table}\ndelete table ip ${table}\n`;
}

/** In an order in which nothing is named before it is there, or removed while it is named. */
function commands(table: string, changes: RulesetChanges): string[] {
  const { chains, services, refusals, hairpins, affinities } = changes;
  const lines: string[] = [];
  const chainsToEmpty = new Set([...chains.replaced, ...chains.removed]);
  for (const name of chains.set.keys()) if (!chainsToEmpty.has(name)) lines.push(`add chain ip ${table} ${name}`);
  for (const name of chainsToEmpty) lines.push(`flush chain ip ${table} ${name}`);
  for (const [name, seconds] of affinities.set) {
    lines.push(`add set ip ${table} ${name} { type ipv4_addr; flags dynamic,timeout; timeout ${seconds}s; }`);
  }
  for (const [name, rules] of chains.set) {
    for (const text of rules) lines.push(`add rule ip ${table} ${name} ${text}`);
  }
  lines.push(...elements(table, "services", services, (key, verdict) => `${key} : ${verdict}`));
  lines.push(...elements(table, "refusals", refusals, (key, verdict) => `${key} : ${verdict}`));
  lines.push(
    ...elements(
      table,
      "hairpins",
      hairpins,
      (address) => `${address} . ${address}`,
      (address) => `${address} . ${address}`,
    ),
  );
  for (const name of chains.removed) lines.push(`delete chain ip ${table} ${name}`);
  for (const name of affinities.removed) lines.push(`delete set ip ${table} ${name}`);
  return lines;
}

function elements<Value>(
  table: string,
  map: string,
  { set, removed, replaced }: Difference<Value>,
  show: (key: string, value: Value) => string,
  showKey: (key: string) => string = (key) => key,
): string[] {
  return [
    ...lines(`delete element ip ${table} ${map}`, [...removed, ...replaced].map(showKey)),
    ...lines(`add element ip ${table} ${map}`, [...set].map(([key, value]) => show(key, value))),
  ];
}

function lines(command: string, elements: readonly string[]): string[] {
  const result: string[] = [];
  for (let start = 0; start < elements.length; start += elementsPerLine) {
    result.push(`${command} { ${elements.slice(start, start + elementsPerLine).join(", ")} }`);
  }
  return result;
}
