/**
 * Records that tell nothing new: the same event again, by the same edges to the same orders, that leaves states and
 * context as they were. Heartbeats are most of what an idle cluster does. What no state handled is always news.
 */
import type { ActorId, TransitionRecord } from "../../ports/inspection.ts";

export class Repetitions {
  /** Of each actor: its states, and what has come in them that changed nothing. */
  readonly #known = new Map<ActorId, { readonly states: string; readonly seen: Set<string> }>();

  isNews({ id, cause, event, edges, orders, states, status, delta, incarnation }: TransitionRecord): boolean {
    const now = `${incarnation} ${states.join()}`;
    const known = this.#known.get(id);
    if (status !== "active") this.#known.delete(id);
    else if (known?.states !== now) this.#known.set(id, { states: now, seen: new Set() });
    if (known?.states !== now || status !== "active" || edges.length === 0 || cause.by === "start") return true;
    if (Object.keys(delta.set).length + delta.unset.length > 0) return true;
    const what = `${event.type} ${edges} ${orders.map(({ type }) => type)}`;
    if (known.seen.has(what)) return false;
    known.seen.add(what);
    return true;
  }
}
