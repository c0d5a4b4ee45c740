/**
 * Whom each actor may still send something, from a local state on: learned from the transitions that a search makes,
 * whatever messages lead through them.
 *
 * What was learned may grow after somebody relied on it. Then `isBroken` says so, and whoever relied on it begins
 * again, knowing more.
 */
import type { Composition } from "./composition.ts";
import { stays } from "./local_states.ts";

interface Edge {
  readonly from: number;
  /** Whom the transition itself sends something: a bit for each actor. */
  readonly sends: number;
  /** A bit for the actor whose message it takes; 0: it needs none. */
  readonly sender: number;
}

export class WhoMaySend {
  /** What was relied on has grown since. */
  isBroken = false;
  /** For each local state: the actors that it may send something, now or later; a bit for each. */
  readonly #ever: number[] = [];
  /** Likewise, to each actor without getting anything from that very actor before. */
  readonly #unasked: number[] = [];
  readonly #reliedEver: number[] = [];
  readonly #reliedUnasked: number[] = [];
  /** Edges into each local state. */
  readonly #into: Edge[][] = [];

  constructor(readonly composition: Composition) {
    composition.locals.onNew = (local, transition, sender) => this.#learn(local, transition, sender);
  }

  /**
   * The actors that this one may send something before they move: a bit for each. `asked`: those whose messages are
   * under way to it.
   */
  mayReach(local: number, asked: number): number {
    return (this.#unasked[local] ?? 0) | ((this.#ever[local] ?? 0) & asked);
  }

  /** Somebody went first because this one sends those nothing before they move. */
  rely(local: number, actors: number, asked: number): void {
    this.#reliedEver[local] = (this.#reliedEver[local] ?? 0) | (actors & asked);
    this.#reliedUnasked[local] = (this.#reliedUnasked[local] ?? 0) | actors;
  }

  #learn(from: number, transition: number, sender: number): void {
    if (transition === stays) return;
    const { locals } = this.composition;
    const { next, sends } = locals.transitions[transition]!;
    let receivers = 0;
    for (const message of sends) receivers |= 1 << locals.messages.receiver[message]!;
    const edge: Edge = { from, sends: receivers, sender: sender < 0 ? 0 : 1 << sender };
    (this.#into[next] ??= []).push(edge);
    this.#spread(edge, next);
  }

  #spread(first: Edge, next: number): void {
    const waiting: [Edge, number][] = [[first, next]];
    for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
      const [{ from, sends, sender }, to] = each;
      const [ever, unasked] = [this.#ever[from] ?? 0, this.#unasked[from] ?? 0];
      const nowEver = ever | sends | (this.#ever[to] ?? 0);
      const nowUnasked = unasked | ((sends | (this.#unasked[to] ?? 0)) & ~sender);
      if (nowEver === ever && nowUnasked === unasked) continue;
      this.#ever[from] = nowEver;
      this.#unasked[from] = nowUnasked;
      const isNews = (nowEver & ~ever & (this.#reliedEver[from] ?? 0)) |
        (nowUnasked & ~unasked & (this.#reliedUnasked[from] ?? 0));
      if (isNews !== 0) this.isBroken = true;
      for (const edge of this.#into[from] ?? []) waiting.push([edge, from]);
    }
  }
}
