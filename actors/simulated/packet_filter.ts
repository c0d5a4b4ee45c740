/**
 * The packet filter in memory. It takes the nftables commands that Chartroom writes, with the kernel's refusals (a
 * name that is not there, a chain that is still in use, an element that exists with another value), all or nothing,
 * and answers where a packet would go.
 */
import type { PacketFilter } from "../../ports/packet_filter.ts";
import { type Fate, fatesOf, type Packet } from "./packet_filter/packet_walk.ts";
import { type FilterTable, NftError, runCommand } from "./packet_filter/tables.ts";

export type { Fate, Packet } from "./packet_filter/packet_walk.ts";
export { NftError } from "./packet_filter/tables.ts";

export class SimulatedPacketFilter implements PacketFilter {
  /** Set to make the next transactions fail. */
  failure: Error | undefined;
  /** Scripts that were applied. */
  readonly applied: string[] = [];
  /** Flows that were forgotten, as `address:port`. */
  readonly forgotten: string[] = [];
  #tables: ReadonlyMap<string, FilterTable> = new Map();

  apply(script: string): Promise<void> {
    try {
      if (this.failure !== undefined) throw this.failure;
      const tables = new Map(this.#tables);
      const copied = new Set<FilterTable>();
      for (const [index, line] of script.split("\n").entries()) {
        const command = line.trim();
        if (command === "" || command.startsWith("#")) continue;
        try {
          runCommand(tables, copied, command);
        } catch (error) {
          if (!(error instanceof NftError)) throw error;
          throw new NftError(`Cannot apply packet-filter rules: line ${index + 1}: ${error.message}: ${command}`);
        }
      }
      this.#tables = tables;
      this.applied.push(script);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The machine was started anew: the kernel knows no tables. */
  reset(): void {
    this.#tables = new Map();
  }

  tables(): Promise<string[]> {
    return Promise.resolve([...this.#tables.keys()].sort());
  }

  forgetConnections(flows: Parameters<PacketFilter["forgetConnections"]>[0]): Promise<void> {
    for (const { destination, port } of flows) this.forgotten.push(`${destination}:${port}`);
    return Promise.resolve();
  }

  /** Everything that may happen to the first packet of a connection; chance is not drawn. */
  fates(packet: Packet): Fate[] {
    return fatesOf(this.#tables, packet, { choices: (count) => Array.from({ length: count }, (_, index) => index) });
  }

  /** What happens to it when chance falls as `draw` (in [0, 1)) says; clients that stick are remembered. */
  send(packet: Packet, draw: number): Fate {
    const choices = (count: number) => [Math.floor(draw * count)];
    return fatesOf(this.#tables, packet, { choices, remember: (set, client) => set.add(client) })[0]!;
  }

  /** For tests: chains, elements and sets of a table, as sorted text. */
  dump(table: string): string[] {
    const found = this.#tables.get(table);
    if (found === undefined) return [];
    return [
      ...[...found.chains].map(([name, { base, rules }]) =>
        `chain ${name}${base ? ` (${base.hook})` : ""}: ${rules.join("; ")}`
      ),
      ...[...found.maps].flatMap(([name, map]) => [...map].map(([key, value]) => `map ${name}: ${key} : ${value}`)),
      ...[...found.sets].flatMap(([name, set]) => [`set ${name}`, ...[...set].map((key) => `set ${name}: ${key}`)]),
    ].sort();
  }
}
