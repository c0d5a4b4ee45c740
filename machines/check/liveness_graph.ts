/** All states and steps of a composition, kept for rules about what happens in the end. */
import type { Composition } from "./composition.ts";
import { FairClasses } from "./fairness.ts";
import { Numbers } from "./fingerprints.ts";
import type { SystemModel, SystemState } from "./system_model.ts";

type Predicate = (state: SystemState<unknown>) => boolean;

/** A rule as a search for a run that breaks it. */
export interface LivenessRule {
  readonly name: string;
  /** The run is in such a state at some moment; -1: in the first one. */
  readonly from: number | "start" | "anywhere";
  /** From then on it never is in such a state; -1: no matter. */
  readonly avoids: number;
  /** Again and again it is in no such state; -1: no matter. */
  readonly leaves: number;
}

const most = 31;

export function hasLiveness({ eventually, leadsTo, alwaysEventually, eventuallyAlways }: SystemModel): boolean {
  return [eventually, leadsTo, alwaysEventually, eventuallyAlways].some((rules) => Object.keys(rules ?? {}).length > 0);
}

export class LivenessGraph {
  readonly rules: LivenessRule[] = [];
  readonly classes: FairClasses;
  /** How many states it starts with. */
  initials = 0;
  /** For each state: its first edge; one more at the end. */
  readonly first = new Numbers();
  readonly target = new Numbers();
  /** For each edge: the place of the move among those of its state, and the set of its fair classes. */
  readonly move = new Numbers();
  readonly classSet = new Numbers();
  /** For each state: a bit for each predicate that holds. */
  readonly marks = new Numbers();
  readonly #predicates: Predicate[] = [];

  constructor(model: SystemModel) {
    this.classes = new FairClasses(model.fairness);
    const add = (predicate: Predicate) => this.#predicates.push(predicate) - 1;
    for (const [name, holds] of Object.entries(model.eventually ?? {})) {
      this.rules.push({ name, from: "start", avoids: add(holds), leaves: -1 });
    }
    for (const [name, [trigger, goal]] of Object.entries(model.leadsTo ?? {})) {
      this.rules.push({ name, from: add(trigger), avoids: add(goal), leaves: -1 });
    }
    for (const [name, holds] of Object.entries(model.alwaysEventually ?? {})) {
      this.rules.push({ name, from: "anywhere", avoids: add(holds), leaves: -1 });
    }
    for (const [name, holds] of Object.entries(model.eventuallyAlways ?? {})) {
      this.rules.push({ name, from: "anywhere", avoids: -1, leaves: add(holds) });
    }
    if (this.#predicates.length > most) {
      throw new Error(`Cannot check ${this.#predicates.length} predicates about the end at once: ${most} are possible`);
    }
  }

  get size(): number {
    return this.marks.length;
  }

  /** The state whose edges follow. */
  begin(): void {
    this.first.push(this.target.length);
  }

  /** A step to a state; one that changes nothing is none. */
  edge(from: number, to: number, move: number, composition: Composition): void {
    if (from === to) return;
    this.target.push(to);
    this.move.push(move);
    this.classSet.push(this.classes.ofMoveIn(composition));
  }

  mark(state: SystemState<unknown>): void {
    let bits = 0;
    for (let at = 0; at < this.#predicates.length; at++) if (this.#predicates[at]!(state)) bits |= 1 << at;
    this.marks.push(bits);
  }

  holds(predicate: number, state: number): boolean {
    return (this.marks.values[state]! & 1 << predicate) !== 0;
  }

  get bytes(): number {
    const { first, target, move, classSet, marks } = this;
    return [first, target, move, classSet, marks].reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
