/** Classes of moves that the world does not put off for ever, as small numbers. */
import type { Composition } from "./composition.ts";
import { stays } from "./local_states.ts";
import type { Fairness, Move, SystemModel } from "./system_model.ts";

/** What of a kind is a class of its own. */
function className(move: Move): string {
  switch (move.do) {
    case "deliver":
    case "lose":
    case "duplicate":
      return `${move.do} ${move.message.from} -> ${move.message.to} ${move.message.event.type}`;
    case "timer":
      return `timer ${move.actor} ${move.timer.id}`;
    case "answer":
      return `answer ${move.actor} ${move.order.type}`;
    case "event":
      return `event ${move.actor} ${move.event.type}`;
    case "crash":
    case "restart":
      return `${move.do} ${move.actor}`;
    case "start":
    case "cut":
    case "heal":
      return move.do;
  }
}

export interface FairClass {
  readonly name: string;
  readonly strong: boolean;
}

/** The fair classes that moves belong to; a set of classes is a number, 0 the empty one. */
export class FairClasses {
  readonly all: FairClass[] = [];
  readonly sets: (readonly number[])[] = [[]];
  readonly #ids = new Map<string, number>();
  readonly #setIds = new Map<string, number>([["", 0]]);
  readonly #ofTransition: number[] = [];

  constructor(readonly fairness: SystemModel["fairness"] = {}) {}

  /** The set of the move that a composition is making. */
  ofMoveIn(composition: Composition): number {
    const { transition } = composition;
    if (transition === stays) return this.setOf(composition.happening().move);
    return this.#ofTransition[transition] ??= this.setOf(composition.happening().move);
  }

  setOf(move: Move): number {
    const ids = [...this.#find(move, this.fairness?.weak, false), ...this.#find(move, this.fairness?.strong, true)];
    const key = ids.join();
    let set = this.#setIds.get(key);
    if (set === undefined) {
      set = this.sets.length;
      this.#setIds.set(key, set);
      this.sets.push(ids);
    }
    return set;
  }

  #find(move: Move, fairness: Fairness = [], strong: boolean): number[] {
    const found: number[] = [];
    for (const [index, each] of fairness.entries()) {
      const name = typeof each === "string" ? (each === move.do ? className(move) : undefined) : each(move);
      if (name === undefined) continue;
      const key = `${strong} ${index} ${name}`;
      let id = this.#ids.get(key);
      if (id === undefined) {
        id = this.all.length;
        this.#ids.set(key, id);
        this.all.push({ name, strong });
      }
      found.push(id);
    }
    return found;
  }
}
