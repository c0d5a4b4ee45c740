/** A row of a composition as rules see it. */
import type { AnyStateMachine } from "xstate";
import type { Composition } from "./composition.ts";
import type { AnySystemActor, LocalState, Message, SystemActor, SystemState } from "./system_model.ts";

export class SystemView<History> implements SystemState<History> {
  #row: Int32Array = new Int32Array(0);
  #at = 0;
  #length = 0;
  readonly #places: ReadonlyMap<AnySystemActor, number>;
  readonly #locals: LocalState[];

  constructor(readonly composition: Composition) {
    this.#places = new Map(composition.model.actors.map((actor, index) => [actor, index]));
    this.#locals = new Array(this.#places.size);
  }

  /** Looks at another row from now on. */
  bind(row: Int32Array, at: number, length: number): this {
    this.#row = row;
    this.#at = at;
    this.#length = length;
    return this;
  }

  of<M extends AnyStateMachine, View, Saved>(actor: SystemActor<M, View, Saved>): LocalState<M, View, Saved> {
    const place = this.#places.get(actor);
    if (place === undefined) throw new Error(`Cannot look at "${actor.name}": it is no actor of this model`);
    return this.composition.locals.all[this.#row[this.#at + place]!] as unknown as LocalState<M, View, Saved>;
  }

  get locals(): readonly LocalState[] {
    const { all } = this.composition.locals;
    for (let actor = 0; actor < this.#locals.length; actor++) {
      this.#locals[actor] = all[this.#row[this.#at + actor]!]!;
    }
    return this.#locals;
  }

  get messages(): readonly Message[] {
    return this.composition.messagesOf(this.#row.subarray(this.#at), this.#length);
  }

  get history(): History {
    return this.composition.histories[this.#row[this.#at + this.composition.historyAt]!] as History;
  }

  left(budget: string): number {
    const place = this.composition.budgets.get(budget);
    return place === undefined ? 0 : this.#row[this.#at + this.composition.budgetAt + place]!;
  }
}

/** A row as rules see it that have declared what they read. */
export class DeclaredView<History> extends SystemView<History> {
  readonly #read: ReadonlySet<AnySystemActor>;
  /** By local state: what of it may be seen. */
  readonly #seen = new Map<LocalState, LocalState>();

  constructor(composition: Composition) {
    super(composition);
    this.#read = new Set(composition.model.reads);
  }

  override of<M extends AnyStateMachine, View, Saved>(
    actor: SystemActor<M, View, Saved>,
  ): LocalState<M, View, Saved> {
    if (!this.#read.has(actor)) throw new Error(`Cannot look at "${actor.name}": it is not among the model's reads`);
    const local = super.of(actor);
    if (actor.options.view === undefined) return local;
    let seen = this.#seen.get(local as unknown as LocalState);
    if (seen === undefined) {
      seen = onlyView(local.name, local.view);
      this.#seen.set(local as unknown as LocalState, seen);
    }
    return seen as unknown as LocalState<M, View, Saved>;
  }

  override get locals(): never {
    throw new Error("Cannot look at all actors: the model declares what its rules read");
  }

  override get messages(): never {
    throw new Error("Cannot look at messages: the model declares what its rules read");
  }

  override left(budget: string): never {
    throw new Error(`Cannot look at the budget "${budget}": the model declares what its rules read`);
  }
}

function onlyView(name: string, view: unknown): LocalState {
  const refuse = (): never => {
    throw new Error(`Cannot look at more of "${name}" than its view: the model declares what its rules read`);
  };
  const hidden = { get: refuse, enumerable: false };
  const others = ["down", "snapshot", "outstanding", "timers", "saved", "is"].map((field) => [field, hidden]);
  return Object.defineProperties({ name, view }, Object.fromEntries(others)) as LocalState;
}
