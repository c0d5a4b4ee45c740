/** How it came about that an actor is where it is: the chain of causes, across the actors of this process. */
import { redact } from "../actors/inspection/redaction.ts";
import type { ActorReport, ActorSystem, Address, Transition } from "../actors/system.ts";
import { displayAddress } from "../actors/system.ts";
import { shortEvent } from "../machines/explain_words.ts";

const linksAtMost = 12;

/** A step of some actor. */
export interface CauseInWords {
  readonly actor: Address;
  readonly words: string;
}

/**
 * What every actor remembers of the chain in which this one came into its state, in order; nothing where the actor
 * itself, or the outside world, was the beginning and all of it.
 */
export function causesOf(system: ActorSystem, report: ActorReport): CauseInWords[] {
  const led = report.recent.findLast(({ edges, cause }) =>
    cause.by === "start" || edges.some(({ targets }) => targets.length > 0)
  );
  if (led === undefined) return [];
  const chain: Transition[] = [];
  for (const address of system.addresses()) {
    for (const transition of system.report(address)?.recent ?? []) {
      if (transition.trace === led.trace && transition.sequence <= led.sequence) chain.push(transition);
    }
  }
  if (chain.every(({ actor }) => actor === report.address)) return [];
  chain.sort((one, other) => one.sequence - other.sequence);
  return chain.map((link) => {
    const orders = link.orders.length === 0 ? "" : `, ordered ${link.orders.map(({ type }) => type).join(", ")}`;
    return { actor: link.actor, words: `${shortEvent(redact(link.event) as unknown as Transition["event"])}${orders}` };
  });
}

/** As lines for a terminal: the last steps, and how many there were before. */
export function causesInWords(causes: readonly CauseInWords[]): string[] {
  if (causes.length === 0) return [];
  const shown = causes.slice(-linksAtMost);
  const left = causes.length - shown.length;
  return [
    "How it came about:",
    ...(left === 0 ? [] : [`  ${left} earlier steps`]),
    ...shown.map(({ actor, words }) => `  ${displayAddress(actor)}: ${words}`),
  ];
}
