/**
 * States that differ by the names of like actors only are one: the fingerprint of a state is the least among those of
 * all its renamings, so that each orbit is counted exactly once.
 */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject, SnapshotFrom } from "xstate";
import type { Composition } from "./composition.ts";
import { type Local, stays } from "./local_states.ts";
import { stateKey } from "./state_key.ts";
import type { Move } from "./system_model.ts";
import { sayLocal } from "./system_story.ts";

interface Renaming {
  readonly names: ReadonlyMap<string, string>;
  /** For each actor: whose place it takes. */
  readonly places: readonly number[];
  /** What locals, messages and histories become; filled as they come. */
  readonly locals: number[];
  readonly messages: number[];
  readonly histories: number[];
}

export class Symmetry {
  readonly #others: Renaming[];
  readonly #sorted: readonly string[];
  #row = new Int32Array(64);

  constructor(readonly composition: Composition) {
    const { actors, symmetry = [], network = {} } = composition.model;
    if (network.partitions?.length) throw new Error("Cannot use symmetry: it does not know partitions");
    const placeOf = (name: string) => {
      const place = actors.findIndex((actor) => actor.name === name);
      if (place < 0) throw new Error(`Cannot use symmetry: there is no actor "${name}"`);
      return place;
    };
    for (const sort of symmetry) {
      const machines = new Set(sort.map((name) => actors[placeOf(name)]!.machine));
      if (machines.size > 1) throw new Error(`Cannot use symmetry: ${sort.join(", ")} are not of one machine`);
    }
    this.#sorted = symmetry.flat();
    let maps: [string, string][][] = [[]];
    for (const sort of symmetry) {
      const pairs = permutations(sort).map((to) => sort.map((name, at): [string, string] => [name, to[at]!]));
      maps = maps.flatMap((map) => pairs.map((each) => [...map, ...each]));
    }
    this.#others = maps.map((map) => new Map(map))
      .filter((names) => [...names].some(([from, to]) => from !== to))
      .map((names) => ({
        names,
        places: actors.map(({ name }) => placeOf(names.get(name) ?? name)),
        locals: [],
        messages: [],
        histories: [],
      }));
  }

  /** The identity included. */
  get renamings(): number {
    return this.#others.length + 1;
  }

  /** @throws Error when actors that are said to be alike do not start alike. */
  verify(starts: readonly Int32Array[]): void {
    const { composition } = this;
    const key = (row: Int32Array, length: number) => {
      composition.fingerprint(row, 0, length);
      return `${composition.low},${composition.high}`;
    };
    const known = new Set(starts.map((row) => key(row, row.length)));
    for (const row of starts) {
      for (const renaming of this.#others) {
        this.#rename(renaming, row, row.length);
        if (known.has(key(this.#row, row.length))) continue;
        const names = [...renaming.names].map(([from, to]) => `${from} as ${to}`).join(", ");
        throw new Error(`Cannot use symmetry: the actors do not start alike (${names})`);
      }
    }
  }

  /** Both lanes of the fingerprint of a row's orbit, in the composition's `low` and `high`. */
  fingerprint(row: Int32Array, length: number): void {
    const { composition } = this;
    composition.fingerprint(row, 0, length);
    let { low, high } = composition;
    for (let index = 0; index < this.#others.length; index++) {
      this.#rename(this.#others[index]!, row, length);
      composition.fingerprint(this.#row, 0, length);
      if (composition.high < high || (composition.high === high && composition.low < low)) {
        low = composition.low;
        high = composition.high;
      }
    }
    composition.low = low;
    composition.high = high;
  }

  /**
   * Lets like actors take each other's steps: whatever one does in a local state, the other must do in the renamed one.
   *
   * @throws Error where it does not; then renaming does not lead from states to states, and counting orbits proves
   * nothing.
   */
  verifySteps(): void {
    const { locals } = this.composition;
    const known = [...locals.all];
    const deliveries = locals.deliveries();
    // Exchanges of two make up all renamings.
    const exchanges = this.#others.filter(({ names }) => [...names].filter(([from, to]) => from !== to).length === 2);
    for (const renaming of exchanges) {
      for (const [local, message, transition] of deliveries) {
        const other = locals.deliver(this.#local(renaming, local), this.#message(renaming, message));
        if (this.#result(transition, renaming) === this.#result(other)) continue;
        this.#refuse(renaming, local, `what "${locals.messages.all[message]!.event.type}" does`);
      }
      for (const local of known) {
        if (local.moves === undefined) continue; // Never reached: only a renamed one.
        const mine = this.#results(local, renaming);
        const others = this.#results(locals.all[this.#local(renaming, local.id)]!);
        if (mine.join("\n") !== others.join("\n")) this.#refuse(renaming, local.id, "what it may do by itself");
      }
    }
  }

  #refuse({ names }: Renaming, local: number, what: string): never {
    const [first, second] = [...names].filter(([from, to]) => from !== to).map(([from]) => from);
    const where = sayLocal(this.composition.locals.all[local]!);
    throw new Error(`Cannot use symmetry: ${first} and ${second} differ in ${what} (in ${where})`);
  }

  #results(local: Local, renaming?: Renaming): string[] {
    const { locals } = this.composition;
    return locals.movesOf(local).map((each) => {
      if (each.transition < 0) each.transition = each.make();
      return `${this.#moveKey(each.move, renaming)} ${each.spends} ${this.#result(each.transition, renaming)}`;
    }).sort();
  }

  /** What a transition leads to and sends, after a renaming. */
  #result(id: number, renaming?: Renaming): string {
    const { next, sends } = this.composition.locals.transitions[id]!;
    if (id === stays) return "stays";
    if (renaming === undefined) return `${next}: ${sends.toSorted().join()}`;
    return `${this.#local(renaming, next)}: ${sends.map((sent) => this.#message(renaming, sent)).sort().join()}`;
  }

  #moveKey(move: Move, renaming?: Renaming): string {
    const names = renaming?.names ?? new Map<string, string>();
    const key = (value: unknown) => stateKey(renaming === undefined ? value : this.#renamed(value, names));
    const eventKey = ({ type, ...params }: EventObject) => type + key(params);
    switch (move.do) {
      case "timer":
        return `timer ${move.timer.id}`;
      case "answer":
        return `answer ${move.order.type}${key(move.order.params)} ${eventKey(move.event)}`;
      case "event":
        return `event ${eventKey(move.event)}`;
      case "restart":
        return `restart ${key(move.input)}`;
      default:
        return move.do;
    }
  }

  #rename(renaming: Renaming, row: Int32Array, length: number): void {
    const { composition } = this;
    if (this.#row.length < length) this.#row = new Int32Array(length * 2);
    const to = this.#row;
    const { places } = renaming;
    for (let actor = 0; actor < places.length; actor++) to[places[actor]!] = this.#local(renaming, row[actor]!);
    to[composition.historyAt] = this.#history(renaming, row[composition.historyAt]!);
    for (let at = composition.cutAt; at < composition.header; at++) to[at] = row[at]!;
    const { rank, ordered } = composition.locals.messages;
    for (let at = composition.header; at < length; at++) {
      const message = this.#message(renaming, row[at]!);
      let place = at;
      // Sums need no order; within a channel messages keep theirs.
      if (ordered) {
        for (; place > composition.header && rank[to[place - 1]!]! > rank[message]!; place--) {
          to[place] = to[place - 1]!;
        }
      }
      to[place] = message;
    }
  }

  #local(renaming: Renaming, id: number): number {
    return renaming.locals[id] ??= this.#newLocal(renaming, id);
  }

  #newLocal({ names, places }: Renaming, id: number): number {
    const { locals } = this.composition;
    const local = locals.all[id]!;
    const place = places[local.actor]!;
    const saved = this.#renamed(local.saved, names);
    if (local.state === undefined) return locals.intern(place, undefined, saved);
    const { machine } = locals.actors[place]!;
    const { snapshot, outstanding, timers } = local.state;
    const context = this.#renamed((snapshot as AnyMachineSnapshot).context, names);
    const renamed = { ...snapshot as AnyMachineSnapshot, context } as unknown as SnapshotFrom<AnyStateMachine>;
    const state = locals.statesOf(machine).of(
      renamed,
      outstanding.map(({ type, params }) => ({ type, params: this.#renamed(params, names) })),
      timers.map((timer) => ({ ...timer, event: this.#event(timer.event, names) })),
    );
    return locals.intern(place, state, saved);
  }

  #message({ names, places, messages }: Renaming, id: number): number {
    const { locals } = this.composition;
    return messages[id] ??= ((): number => {
      const { to, from, event, answers, answersParams } = locals.messages.all[id]!;
      const envelope = { to: names.get(to) ?? to, event: this.#event(event, names) };
      const sender = places[locals.messages.sender[id]!]!;
      return locals.messages.intern(
        sender,
        answers === undefined ? envelope : {
          ...envelope,
          answers,
          ...(answersParams !== undefined && { answersParams: this.#renamed(answersParams, names) }),
        },
        names.get(from) ?? from,
      );
    })();
  }

  #history({ names, histories }: Renaming, id: number): number {
    const { composition } = this;
    return histories[id] ??= composition.internHistory(this.#renamed(composition.histories[id], names));
  }

  /** Types of events are no names. */
  #event({ type, ...params }: EventObject, names: ReadonlyMap<string, string>): EventObject {
    return { ...this.#renamed(params, names), type };
  }

  #renamed<T>(value: T, names: ReadonlyMap<string, string>): T {
    return rename(value, names, this.#sorted) as T;
  }
}

function rename(value: unknown, names: ReadonlyMap<string, string>, sorted: readonly string[]): unknown {
  if (typeof value === "string") return renameText(value, names, sorted);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => rename(each, names, sorted));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [renameText(key, names, sorted), rename(each, names, sorted)]),
  );
}

/** @throws Error for a name within other text: it would not be renamed, and states that differ would be one. */
function renameText(text: string, names: ReadonlyMap<string, string>, sorted: readonly string[]): string {
  const to = names.get(text);
  if (to !== undefined) return to;
  const hidden = sorted.find((name) => name !== text && isWordIn(name, text));
  if (hidden !== undefined) throw new Error(`Cannot use symmetry: the name "${hidden}" is a part of "${text}"`);
  return text;
}

/** Whether a name stands in a text with nothing but punctuation around it: "one" does in "to-one", not in "done". */
function isWordIn(name: string, text: string): boolean {
  const isLetter = (at: number) => /[A-Za-z0-9]/.test(text.charAt(at));
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (!isLetter(at - 1) && !isLetter(at + name.length)) return true;
  }
  return false;
}

function permutations<T>(values: readonly T[]): T[][] {
  if (values.length === 0) return [[]];
  return values.flatMap((first, at) => permutations(values.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}
