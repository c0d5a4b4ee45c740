/** What an actor is made of: a machine, and for each of its orders how it is carried out. */
import type { AnyStateMachine, EventFromLogic, EventObject, ParameterizedObject, StateMachine } from "xstate";
import { effectsOf } from "../../machines/effect.ts";
import type { Address } from "./address.ts";

/** What a performer has at hand besides the order's params. */
export interface OrderContext<Event extends EventObject = EventObject> {
  readonly self: Address;
  /** Counts the orders of this actor's incarnation. */
  readonly id: number;
  /** Aborted when the order is called off or the actor is gone. */
  readonly signal: AbortSignal;
  /** Whether the order still awaits its answer. */
  readonly outstanding: boolean;
  /** Answers now or later, for performers that do not return the answer. Late or second answers are counted and dropped. */
  answer(fact: Event): void;
  /** As if the performer had thrown: the order's declared failure, else a fault of this actor and of no other. */
  fail(error: unknown): void;
  /** A message to another actor; never fails. */
  tell<E extends EventObject>(to: Address, event: E): void;
}

type Answer<Event> = Event | void | Promise<Event | void>;

// Of StateMachine's 14 type parameters only the fifth, the actions, matters here.
// deno-fmt-ignore
type ActionOf<M> = M extends
  // deno-lint-ignore no-explicit-any
  StateMachine<any, any, any, any, infer Action extends ParameterizedObject, any, any, any, any, any, any, any, any, any> ? Action : never;

type ParamsOf<Action, Name> = Action extends { type: Name; params: infer P } ? Exclude<P, undefined> : never;

/** A performer for each order; actions that are no orders (assign, raise) have none. */
export type Performers<M extends AnyStateMachine> = {
  readonly [Name in ActionOf<M>["type"]]?: (
    params: ParamsOf<ActionOf<M>, Name>,
    order: OrderContext<EventFromLogic<M>>,
  ) => Answer<EventFromLogic<M>>;
};

/**
 * The performers of whichever machine is given. TypeScript resolves a conditional type before it looks at the functions
 * in an argument, so that they may return `{ type: "door.opened" }` without saying that it is no mere string.
 */
type PerformersOf<M> = M extends AnyStateMachine ? Performers<M> : never;

/** As the system calls it. */
export type Performer = (params: unknown, order: OrderContext) => Answer<EventObject>;

export interface ActorKind<M extends AnyStateMachine = AnyStateMachine> {
  readonly name: string;
  readonly machine: M;
  readonly performers: ReadonlyMap<string, Performer>;
  /** Its events go before all others: for raft, whose time-outs depend on it. */
  readonly urgent: boolean;
  /** How many of its last transitions an actor keeps. */
  readonly recent: number;
}

export interface ActorKindOptions {
  readonly urgent?: boolean;
  /** Default 8; fewer where there are very many. */
  readonly recent?: number;
}

/**
 * Made once per kind and process, not per actor.
 *
 * @throws Error when an order of the machine has no performer, or a performer no order.
 */
export function actorKind<M extends AnyStateMachine>(
  name: string,
  machine: M,
  performers: PerformersOf<M>,
  { urgent = false, recent = 8 }: ActorKindOptions = {},
): ActorKind<M> {
  const effects = effectsOf(machine);
  const table = new Map(Object.entries(performers)) as unknown as Map<string, Performer>;
  for (const order of effects.keys()) {
    if (!table.has(order)) throw new Error(`Cannot define actor kind "${name}": nobody performs order "${order}"`);
  }
  for (const performer of table.keys()) {
    if (!effects.has(performer)) throw new Error(`Cannot define actor kind "${name}": "${performer}" is no order`);
  }
  return { name, machine, performers: table, urgent, recent };
}
