/** The rules that one owner, a service or a pod with host ports, adds to the table. */

/** Marks packets that must leave with this host's address; one bit, so that it can stand beside other marks. */
export const masqueradeBit = "0x40000";

export interface Fragment {
  /** Chains by name, each with its rules. A chain belongs to one owner. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** `address . protocol . port` to the verdict that answers it; looked up before routing. */
  readonly services: ReadonlyMap<string, string>;
  /** `address . protocol . port` that nobody answers, to how it is refused. */
  readonly refusals: ReadonlyMap<string, Refusal>;
  /** Endpoints that might call themselves through the service. */
  readonly hairpins: readonly string[];
  /** Sets of clients that stick to an endpoint, with their time-out in seconds. */
  readonly affinities: ReadonlyMap<string, number>;
}

/** "reject" is answered with ICMP port unreachable, "drop" with silence (Local policy without a local endpoint). */
export type Refusal = "goto refuse" | "drop";

/** A fragment that is being written. */
export class FragmentDraft implements Fragment {
  readonly chains = new Map<string, string[]>();
  readonly services = new Map<string, string>();
  readonly refusals = new Map<string, Refusal>();
  readonly affinities = new Map<string, number>();
  readonly #hairpins = new Set<string>();

  get hairpins(): readonly string[] {
    return [...this.#hairpins];
  }

  hairpin(address: string): void {
    this.#hairpins.add(address);
  }

  /** Adds a chain and answers the verdict that leads there. */
  chain(name: string, rules: string[]): string {
    this.chains.set(name, rules);
    return `goto ${name}`;
  }
}

export function matchKey(address: string, protocol: string, port: number): string {
  return `${address} . ${protocol} . ${port}`;
}
