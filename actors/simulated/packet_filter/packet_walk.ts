/** The way of a connection's first packet through the tables: translation, refusal, masquerade. */
import { inCidr } from "../../../machines/network/cidr.ts";
import type { FilterTable } from "./tables.ts";

export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly port: number;
  /** Whether a program of the host sends it; else it comes in through a link. */
  readonly fromHost: boolean;
}

export type Fate =
  /** Goes on, to where it was sent or to where it was translated to. */
  | { readonly type: "passed"; readonly to: string; readonly translated: boolean; readonly masqueraded: boolean }
  | { readonly type: "refused" }
  | { readonly type: "dropped" };

export interface Chance {
  /** Which of `count` alternatives are to be followed. */
  choices(count: number): readonly number[];
  /** Called when a rule remembers a client. */
  remember?(set: Set<string>, client: string): void;
}

/** The packet under way. */
interface Moving extends Packet {
  readonly marks: number;
  readonly translated: boolean;
  readonly masqueraded: boolean;
}

type Outcome = { readonly verdict: "continue" | "accept" | "drop" | "reject"; readonly packet: Moving };

export function fatesOf(tables: ReadonlyMap<string, FilterTable>, packet: Packet, chance: Chance): Fate[] {
  const hooks = packet.fromHost ? ["output", "output", "postrouting"] : ["prerouting", "forward", "postrouting"];
  let under: Outcome[] = [{
    verdict: "continue",
    packet: { ...packet, marks: 0, translated: false, masqueraded: false },
  }];
  for (const [stage, hook] of hooks.entries()) {
    const bases = [...tables.values()].flatMap((table) =>
      [...table.chains].flatMap(([name, { base }]) =>
        base?.hook === hook && name.startsWith(stage === 1 ? "filter" : "nat") ? [{ table, name, base }] : []
      )
    ).sort((a, b) => a.base.priority - b.base.priority);
    for (const { table, name } of bases) {
      under = under.flatMap((outcome) => {
        const { verdict, packet } = outcome;
        if (verdict === "drop" || verdict === "reject") return [outcome];
        if (stage === 0 && packet.translated) return [outcome]; // Translated once; later tables are not asked.
        return new Walk(table, chance, stage).chain(name, packet);
      });
    }
  }
  return distinct(under.map(fateOf));
}

function fateOf({ verdict, packet }: Outcome): Fate {
  if (verdict === "reject") return { type: "refused" };
  if (verdict === "drop") return { type: "dropped" };
  const { destination, port, translated, masqueraded } = packet;
  return { type: "passed", to: `${destination}:${port}`, translated, masqueraded };
}

function distinct(fates: Fate[]): Fate[] {
  return [...new Map(fates.map((fate) => [JSON.stringify(fate), fate])).values()];
}

/** What a piece of a rule does: goes on with a packet, does not match, or decides. */
type Effect = Moving | undefined | readonly Outcome[];
type Piece = readonly [RegExp, (walk: Walk, packet: Moving, match: RegExpExecArray) => Effect];

const cidrs = (text: string) => text.replace(/[{}]/g, "").split(",").map((each) => each.trim());
const matches = (holds: boolean, packet: Moving): Effect => holds ? packet : undefined;

/** The rule language that Chartroom writes, piece by piece; the first that fits is taken. */
const pieces: readonly Piece[] = [
  [/^meta l4proto (\w+) ?/, (_, packet, [, protocol]) => matches(packet.protocol === protocol, packet)],
  [/^meta mark set meta mark \| (0x\w+) ?/, (_, packet, [, bit]) => ({ ...packet, marks: packet.marks | Number(bit) })],
  [/^meta mark & (0x\w+) != 0 ?/, (_, packet, [, bit]) => matches((packet.marks & Number(bit)) !== 0, packet)],
  [
    /^ip saddr \. ip daddr @(\S+) ?/,
    (walk, packet, [, set]) => matches(walk.set(set!).has(`${packet.source} . ${packet.destination}`), packet),
  ],
  [/^ip saddr @(\S+) ?/, (walk, packet, [, set]) => matches(walk.set(set!).has(packet.source), packet)],
  [
    /^ip ([sd])addr (!= )?(\{[^}]*\}|\d[\d./]*) ?/,
    (_, packet, [, side, not, ranges]) => {
      const address = side === "s" ? packet.source : packet.destination;
      return matches(cidrs(ranges!).some((range) => inCidr(range, address)) !== (not !== undefined), packet);
    },
  ],
  [
    /^ip daddr \. meta l4proto \. th dport vmap @(\S+)/,
    (walk, packet, [, map]) => {
      const verdict = walk.map(map!).get(`${packet.destination} . ${packet.protocol} . ${packet.port}`);
      return verdict === undefined ? undefined : walk.rule(verdict, packet);
    },
  ],
  [/^fib saddr type local ?/, (_, packet) => matches(packet.fromHost, packet)],
  [/^oifname != "lo" ?/, (_, packet) => packet],
  [/^iifname "[^"]+" ?/, (_, packet) => matches(!packet.fromHost, packet)],
  [/^oifname "[^"]+" ?/, (_, packet) => packet],
  [/^ct status dnat ?/, (_, packet) => matches(packet.translated, packet)],
  [/^ct state new ?/, (_, packet) => packet],
  [
    /^update @(\S+) \{ ip saddr \} ?/,
    (walk, packet, [, set]) => {
      walk.chance.remember?.(walk.set(set!), packet.source);
      return packet;
    },
  ],
  [
    /^numgen random mod (\d+) vmap \{ (.*) \}/,
    (walk, packet, [, count, list]) => {
      const verdicts = list!.split(", ").map((entry) => entry.split(" : ")[1]!);
      return walk.chance.choices(Number(count)).flatMap((index) => walk.rule(verdicts[index]!, packet));
    },
  ],
  [
    /^dnat to numgen random mod (\d+) map \{ (.*) \}/,
    (walk, packet, [, count, list]) => {
      const targets = list!.split(", ").map((entry) => entry.split(" : ")[1]!);
      return walk.chance.choices(Number(count)).map((index) => translate(packet, targets[index]!.split(" . ")));
    },
  ],
  [/^dnat to (\S+)/, (_, packet, [, target]) => [translate(packet, target!.split(":"))]],
  [/^masquerade.*/, (_, packet) => [{ verdict: "accept", packet: { ...packet, masqueraded: true } }]],
  [/^icmp type redirect ?/, () => undefined],
  [/^reject( with tcp reset)?$/, (_, packet) => [{ verdict: "reject", packet }]],
  [/^drop$/, (_, packet) => [{ verdict: "drop", packet }]],
  [/^goto (\S+)$/, (walk, packet, [, chain]) => walk.chain(chain!, packet)],
];

function translate(packet: Moving, [destination = "", port = ""]: string[]): Outcome {
  return { verdict: "accept", packet: { ...packet, destination, port: Number(port), translated: true } };
}

class Walk {
  constructor(readonly table: FilterTable, readonly chance: Chance, readonly stage: number) {}

  set(name: string): Set<string> {
    return this.table.sets.get(name)!;
  }

  map(name: string): Map<string, string> {
    return this.table.maps.get(name)!;
  }

  chain(name: string, packet: Moving): Outcome[] {
    let moving: Outcome[] = [{ verdict: "continue", packet }];
    for (const text of this.table.chains.get(name)!.rules) {
      // A chain reached by goto does not come back: a rule that led to one has spoken, whatever came of it.
      moving = moving.flatMap((outcome) =>
        outcome.verdict === "continue" ? this.rule(text, outcome.packet) : [outcome]
      );
    }
    return moving.map((outcome) => outcome.verdict === "continue" ? { ...outcome, verdict: "accept" } : outcome);
  }

  /** What a rule makes of the packet. A statement before a piece that does not match has happened. */
  rule(text: string, packet: Moving): Outcome[] {
    let rest = text;
    let moving = packet;
    while (rest !== "") {
      const found = pieces.find(([pattern]) => pattern.test(rest));
      if (found === undefined) throw new Error(`Cannot simulate rule "${text}": "${rest}" is not known here`);
      const match = found[0].exec(rest)!;
      const effect = found[1](this, moving, match);
      if (effect === undefined) return [{ verdict: "continue", packet: moving }];
      if (Array.isArray(effect)) return effect;
      moving = effect as Moving;
      rest = rest.slice(match[0].length);
    }
    return [{ verdict: "continue", packet: moving }];
  }
}
