/**
 * One actor as the explorer sees it: its snapshot, the orders that await an answer and the armed timers. It mirrors
 * what the actor system keeps (`actors/system/`), as values.
 */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject, SnapshotFrom } from "xstate";
import { type Effects, effectsOf } from "../effect.ts";
import type { Order, Step } from "../step.ts";
import { Interner, stateKey } from "./state_key.ts";

export interface ArmedTimer {
  readonly id: string;
  readonly delayMs: number;
  readonly event: EventObject;
}

/** How things stand around one machine. */
export interface Situation<M extends AnyStateMachine> {
  readonly snapshot: SnapshotFrom<M>;
  /** Orders that await their answer. */
  readonly outstanding: readonly Order[];
  readonly timers: readonly ArmedTimer[];
  /** What the step that led here ordered. It is no part of the state: look at it in `eachStep` only. */
  readonly orders: readonly Order[];
}

/** A situation with its key. */
export interface MachineState<M extends AnyStateMachine> extends Situation<M> {
  readonly key: string;
}

/** Makes situations of one machine; keys are made of small numbers for the parts that come again and again. */
export class MachineStates<M extends AnyStateMachine> {
  readonly effects: Effects;
  readonly #parts = new Interner();
  readonly #contexts = new Interner();
  /** XState keeps the context object where nothing was assigned. */
  readonly #contextIds = new WeakMap<object, number>();
  readonly #orderKeys = new WeakMap<Order, string>();

  constructor(machine: M) {
    this.effects = effectsOf(machine);
  }

  /** The situation after a step; `answered` and `fired` are what the event was. */
  after(before: Situation<M> | undefined, step: Step<M>, answered?: Order, fired?: ArmedTimer): MachineState<M> {
    const timers = this.#timers(before?.timers ?? [], step, fired);
    const outstanding = this.#outstanding(before?.outstanding ?? [], step, answered);
    const snapshot = step.snapshot;
    return { snapshot, outstanding, timers, orders: step.orders, key: this.#key(snapshot, outstanding, timers) };
  }

  /** The situation that consists of these parts. */
  of(snapshot: SnapshotFrom<M>, outstanding: readonly Order[], timers: readonly ArmedTimer[]): MachineState<M> {
    const sorted = outstanding.toSorted((a, b) => compare(this.orderKey(a), this.orderKey(b)));
    return { snapshot, outstanding: sorted, timers, orders: [], key: this.#key(snapshot, sorted, timers) };
  }

  /** An order's name and params as one string. */
  orderKey(order: Order): string {
    let key = this.#orderKeys.get(order);
    if (key === undefined) {
      key = order.type + stateKey(order.params);
      this.#orderKeys.set(order, key);
    }
    return key;
  }

  /** As telling as a state's key, and the same whatever this table met before. */
  contentKey({ snapshot, outstanding, timers }: Situation<M>): string {
    const { value, status, context, historyValue } = snapshot as AnyMachineSnapshot & {
      historyValue: Record<string, { id: string }[]>;
    };
    const history = Object.entries(historyValue ?? {}).map(([of, nodes]) => [of, nodes.map(({ id }) => id).sort()]);
    const orders = outstanding.map((order) => this.orderKey(order));
    return stateKey([value, status, context, history.sort(), orders, timers.map(({ id, delayMs }) => [id, delayMs])]);
  }

  /** Fields of the context that took most values, for a state space that does not end. */
  growingFields(): string[] {
    const values = new Map<string, Set<string>>();
    for (const text of this.#contexts.texts()) {
      for (const [name, value] of fieldsOf(text)) values.set(name, (values.get(name) ?? new Set()).add(value));
    }
    return [...values].sort((a, b) => b[1].size - a[1].size).slice(0, 3)
      .map(([name, seen]) => `${name} (${seen.size} values)`);
  }

  #outstanding(before: readonly Order[], step: Step<M>, answered: Order | undefined): readonly Order[] {
    if (answered === undefined && step.orders.length === 0) return before;
    let orders = before.filter((order) => order !== answered);
    for (const order of step.orders) {
      const declaration = this.effects.get(order.type);
      if (declaration === undefined) continue;
      const { cancels = [], answers } = declaration;
      if (cancels.length > 0) orders = orders.filter(({ type }) => !cancels.includes(type));
      if (answers.length > 0) orders.push(order);
    }
    return orders.length < 2 ? orders : orders.sort((a, b) => compare(this.orderKey(a), this.orderKey(b)));
  }

  #timers(before: readonly ArmedTimer[], step: Step<M>, fired: ArmedTimer | undefined): readonly ArmedTimer[] {
    if (fired === undefined && step.timers.length === 0) return before;
    let timers = before.filter((timer) => timer !== fired);
    for (const { id, delayMs, event } of step.timers) {
      timers = timers.filter((timer) => timer.id !== id);
      if (delayMs !== undefined && event !== undefined) timers.push({ id, delayMs, event });
    }
    return timers.length < 2 ? timers : timers.sort((a, b) => compare(a.id, b.id));
  }

  #key(snapshot: AnyMachineSnapshot, outstanding: readonly Order[], timers: readonly ArmedTimer[]): string {
    const { value, status, historyValue } = snapshot as AnyMachineSnapshot & {
      historyValue: Record<string, { id: string }[]>;
    };
    let context = this.#contextIds.get(snapshot.context);
    if (context === undefined) {
      context = this.#contexts.id(stateKey(snapshot.context));
      this.#contextIds.set(snapshot.context, context);
    }
    let key = `${this.#parts.id(typeof value === "string" ? value : stateKey(value))}.${context}.${status}`;
    for (const of of Object.keys(historyValue ?? {}).sort()) {
      key += `.h${this.#parts.id(of + "=" + historyValue[of]!.map((node) => node.id).sort().join())}`;
    }
    for (const order of outstanding) key += `.o${this.#parts.id(this.orderKey(order))}`;
    for (const { id, delayMs } of timers) key += `.t${this.#parts.id(`${id}=${delayMs}`)}`;
    return key;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function fieldsOf(context: string): [string, string][] {
  try {
    const fields = Object.entries(JSON.parse(context.replaceAll(/:(undefined|NaN|-?Infinity)/g, ":null")));
    return fields.map(([name, value]) => [`context.${name}`, JSON.stringify(value)]);
  } catch {
    return [["context", context]];
  }
}
