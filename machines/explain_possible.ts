/** The events that an actor's active states handle now: what somebody who may send it one is offered. */
import { activeLeaves, type ChartNode } from "./chart_names.ts";
import { effectsOf } from "./effect.ts";
import type { ActorStanding } from "./explain.ts";
import { edgesOf } from "./step.ts";

export interface PossibleEvent {
  readonly type: string;
  /** The answer to an order that is under way, or of a timer that is armed: it comes by itself. */
  readonly expected: boolean;
  /** Paths of the states it leads to, by the first transition that handles it. Empty: it is handled where it is. */
  readonly targets: readonly string[];
  readonly guard?: string;
}

/** Innermost states first; an event that an inner state takes in any case is not told of an outer one. */
export function possibleEvents({ machine, snapshot, orders, timers }: ActorStanding): PossibleEvent[] {
  if (snapshot === undefined || snapshot.status !== "active") return [];
  const bySource = Map.groupBy(edgesOf(machine), ({ source }) => source);
  const effects = effectsOf(machine);
  const answers = new Set(orders.flatMap(({ type }) => effects.get(type)?.answers ?? []));
  const armed = new Set(timers.map(({ id }) => id));
  const possible: PossibleEvent[] = [];
  const told = new Set<string>();
  for (const leaf of activeLeaves(snapshot)) {
    const taken = new Set<string>();
    for (let node: ChartNode | undefined = leaf; node !== undefined; node = node.parent) {
      const here = bySource.get(node.id) ?? [];
      for (const { on, guard, targets, source } of here) {
        if (on === "" || on.startsWith("xstate.done.") || taken.has(on)) continue;
        if (on.startsWith("xstate.after.") && !armed.has(on)) continue;
        const key = `${source} ${on} ${guard ?? ""} ${targets.join()}`;
        if (told.has(key)) continue;
        told.add(key);
        possible.push({
          type: on,
          expected: answers.has(on) || armed.has(on),
          targets: targets.map((id) => id.split(".").slice(1).join(".")),
          ...(guard === undefined ? {} : { guard }),
        });
      }
      for (const { on, guard } of here) if (guard === undefined) taken.add(on);
    }
  }
  return possible;
}
