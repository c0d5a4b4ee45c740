/**
 * What a composition of actors is made of, for `checkSystem`: their shipped machines, the network between them, what
 * survives a crash, and the faults that the world may afford.
 *
 * ```ts
 * const clients = ["a", "b"].map((name) =>
 *   systemActor(name, clientMachine, {
 *     input: { name },
 *     // An order that is a message: where it goes. Others are answered by any fact that they declare.
 *     sends: { askLock: () => ({ to: "lock", event: { type: "lock.asked", by: name } }) },
 *     events: [{ event: { type: "user.came" }, spends: "visits" }],
 *   })
 * );
 * const lock = systemActor("lock", lockMachine, {
 *   sends: { grantLock: ({ to }: { to: string }) => ({ to, event: { type: "lock.granted" } }) },
 * });
 * const check = checkSystem({
 *   actors: [...clients, lock],
 *   network: { order: "unordered", losses: 1 },
 *   budgets: { visits: 2 },
 *   always: { "one holds the lock": (s) => clients.filter((client) => s.of(client).is("holding")).length <= 1 },
 *   sometimes: { "somebody holds it": (s) => clients.some((client) => s.of(client).is("holding")) },
 *   limits: { states: 100_000 },
 * });
 * assertEquals(check.verdict, "complete", describeCheck(check));
 * ```
 */
import type { AnyStateMachine, EventFromLogic, EventObject, InputFrom, SnapshotFrom } from "xstate";
import type { Order } from "../step.ts";
import type { FactTable } from "./explore_machine.ts";
import type { ArmedTimer } from "./machine_state.ts";

/** A message that an order sends. */
export interface Envelope {
  /** An actor's name. */
  readonly to: string;
  readonly event: EventObject;
  /** The order of the receiver that this answers; it is dropped when no such order is outstanding there any more. */
  readonly answers?: string;
  /** The params of that order, where others of its name may have been called off and are still under way. */
  readonly answersParams?: unknown;
}

/** A message in flight. */
export interface Message extends Envelope {
  readonly from: string;
}

/** Where one actor is, with everything around it. The same object whenever the same things hold. */
export interface LocalState<M extends AnyStateMachine = AnyStateMachine, View = unknown, Saved = unknown> {
  readonly name: string;
  /** Crashed, or not started yet. */
  readonly down: boolean;
  /** Absent while down. */
  readonly snapshot: SnapshotFrom<M> | undefined;
  /** Orders that await their answer. */
  readonly outstanding: readonly Order[];
  readonly timers: readonly ArmedTimer[];
  /** What a crash leaves. */
  readonly saved: Saved | undefined;
  /** What `view` made of it, once. */
  readonly view: View;
  /** Whether a state of the chart (dotted path) is active; false while down. */
  is(state: string): boolean;
}

/** A step of one actor, to say what of it is saved. */
export interface SaveMoment<M extends AnyStateMachine> {
  /** What was saved before. */
  readonly saved: unknown;
  readonly snapshot: SnapshotFrom<M>;
  readonly orders: readonly Order[];
  /** The event; absent when the actor starts. */
  readonly event: EventObject | undefined;
  /** The order that the event answered. */
  readonly answered: Order | undefined;
}

/** Something that may happen to an actor by itself, as often as its budget allows. */
export interface PossibleEvent<E extends EventObject> {
  readonly event: E;
  /** The budget that it spends one of. Absent: it costs nothing. */
  readonly spends?: string;
}

export interface ActorOptions<M extends AnyStateMachine, View = unknown, Saved = unknown> {
  readonly input?: InputFrom<M>;
  /** Every input it may start with. */
  readonly inputs?: readonly InputFrom<M>[];
  /** Not running at first: it starts with `recover(undefined)` at some moment. */
  readonly down?: boolean;
  /** What answers say; as in `exploreMachine`. Orders in `sends` are answered by these types only if listed here. */
  readonly facts?: FactTable<M>;
  /** Facts of the world that answer no order. */
  readonly events?:
    | readonly PossibleEvent<EventFromLogic<M>>[]
    | ((local: LocalState<M>) => readonly PossibleEvent<EventFromLogic<M>>[]);
  /** Orders that are messages to other actors. */
  readonly sends?: Readonly<Record<string, (params: never, self: string) => Envelope | readonly Envelope[]>>;
  /** What is on disk after a step; plain data. Absent: nothing survives. */
  readonly saves?: (moment: SaveMoment<M>) => Saved;
  /** What may be on disk when it crashes here, with writes that nobody acknowledged. Absent: what was saved. */
  readonly leaves?: (local: LocalState<M, unknown, Saved>) => readonly (Saved | undefined)[];
  /** The inputs it may start again with. Absent: it never crashes. */
  readonly recover?: (saved: Saved | undefined) => readonly InputFrom<M>[];
  /** Refuses timers, answers and events where the model ends, such as beyond the last term looked at. */
  readonly allows?: (event: EventObject, local: LocalState<M>) => boolean;
  /** What rules look at, made once for each local state. */
  readonly view?: (local: LocalState<M>) => View;
}

/** One actor of a composition; also the key to its state in rules. */
export interface SystemActor<M extends AnyStateMachine = AnyStateMachine, View = unknown, Saved = unknown> {
  readonly name: string;
  readonly machine: M;
  readonly options: ActorOptions<M, View, Saved>;
}

/** Whatever its machine is; only handles of it are passed around. */
// deno-lint-ignore no-explicit-any
export type AnySystemActor = SystemActor<any, any, any>;

export function systemActor<M extends AnyStateMachine, View = undefined, Saved = unknown>(
  name: string,
  machine: M,
  options?: ActorOptions<M, View, Saved>,
): SystemActor<M, View, Saved> {
  return { name, machine, options: options ?? {} };
}

/**
 * Actors that crash and start again together; what is under way to them and from them is lost with the process. In an
 * ordered network they share one inbox, as the actors of a process share one run queue: what was sent to one of them
 * first comes first, whoever sent it.
 */
export interface ProcessModel {
  readonly name: string;
  readonly actors: readonly string[];
  /**
   * What it may start again with, read from what is left of the world. Called only while all of them are down; empty:
   * it cannot start there.
   */
  // deno-lint-ignore no-explicit-any
  restarts(state: SystemState<any>): readonly ProcessStart[];
}

export interface ProcessStart {
  /** By actor; who is not in it stays down. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What an actor is told first of all, before anything else can happen. */
  readonly tells?: Readonly<Record<string, EventObject & Readonly<Record<string, unknown>>>>;
}

export interface NetworkModel {
  /** Within a channel, from one actor to another. Default "unordered". */
  readonly order?: "ordered" | "unordered";
  /** "repeated": messages are a set that deliveries do not empty. Default "once". */
  readonly delivery?: "once" | "repeated";
  /** How many messages may be lost in all; "any" for no bound. Default 0. */
  readonly losses?: number | "any";
  /** How many messages may be doubled in all. Default 0. */
  readonly duplicates?: number;
  /** What a message does that its receiver has no use for in its state: real mailboxes drop it. Default "dropped". */
  readonly unhandled?: "dropped" | "stays";
  /** Ways in which the network may fall apart, each as groups of names; who is in no group sees everybody. */
  readonly partitions?: readonly (readonly (readonly string[])[])[];
  /** How many times it may fall apart. Default 1 where there are partitions. */
  readonly cuts?: number;
  /** What happens to a message sent across a cut. Default "held" until it heals. */
  readonly across?: "held" | "lost";
  /** More messages in flight than this is an error. Default 64. */
  readonly inFlight?: number;
}

/** What happens next to a composition. */
export type Move =
  | { readonly do: "start"; readonly inputs: Readonly<Record<string, unknown>> }
  | { readonly do: "deliver" | "lose" | "duplicate"; readonly actor: string; readonly message: Message }
  | { readonly do: "timer"; readonly actor: string; readonly timer: ArmedTimer }
  | { readonly do: "answer"; readonly actor: string; readonly order: Order; readonly event: EventObject }
  | { readonly do: "event"; readonly actor: string; readonly event: EventObject }
  | { readonly do: "crash"; readonly actor: string }
  | { readonly do: "restart"; readonly actor: string; readonly input: unknown }
  | { readonly do: "cut"; readonly groups: readonly (readonly string[])[] }
  | { readonly do: "heal" };

/** Everything at one moment. It is valid during the rule that gets it; keep what you take out of it. */
export interface SystemState<History = unknown> {
  of<M extends AnyStateMachine, View, Saved>(actor: SystemActor<M, View, Saved>): LocalState<M, View, Saved>;
  /** In the order of the model. */
  readonly locals: readonly LocalState[];
  readonly messages: readonly Message[];
  readonly history: History;
  /** What is left of a budget; "crashes", "losses", "duplicates" and "cuts" are the built-in ones. */
  left(budget: string): number;
}

/** What one actor did in a step, with what came out of it. */
export interface Happening {
  readonly move: Move;
  readonly orders: readonly Order[];
  readonly sent: readonly Message[];
}

/** What rules need to remember, such as the operations that clients saw begin and end. It is part of the state. */
export interface HistoryModel<History> {
  readonly init: History;
  /** Plain data; the given history is never modified. Return it as it is when nothing is to be remembered. */
  next(history: History, happening: Happening): History;
}

/**
 * Classes of moves that the world does not put off for ever. Of a kind ("timer", "deliver", "answer", "event",
 * "restart", "heal") each timer, each sender, receiver and type, each order is a class of its own; a function names
 * the class of a move itself.
 */
export type Fairness = readonly (Move["do"] | ((move: Move) => string | undefined))[];

export type StateRules<History> = Readonly<Record<string, (state: SystemState<History>) => boolean>>;

export interface Limits {
  /** Distinct states. */
  readonly states: number;
  readonly depth?: number;
  /** Of the checker's own tables. */
  readonly megabytes?: number;
  /** Needs `now`. */
  readonly milliseconds?: number;
}

export interface Progress {
  readonly states: number;
  readonly generated: number;
  readonly depth: number;
  /** States that wait to be expanded. */
  readonly waiting: number;
  readonly megabytes: number;
}

export interface SystemModel<History = unknown> {
  readonly actors: readonly AnySystemActor[];
  readonly network?: NetworkModel;
  readonly processes?: readonly ProcessModel[];
  /** How many crashes there may be in all. Default 0. */
  readonly crashes?: number;
  /** What events of actors spend. */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly history?: HistoryModel<History>;
  /** States beyond are not looked at. */
  readonly within?: (state: SystemState<History>) => boolean;
  /**
   * Groups of actors that are alike: states that differ by their names only are one. Names are found as strings and
   * as keys of records, so a set of names is a record; lists of them stay in order. Not used with rules about what
   * happens in the end, which it could hide.
   */
  readonly symmetry?: readonly (readonly string[])[];
  /**
   * What `always`, `sometimes` and `within` look at: nothing but these actors, of one with a `view` nothing but that,
   * which is plain data; they get to see nothing else. With it, moves that have nothing to do with each other are not
   * tried in every order, where that is sound (`ample_sets.ts`). A run that breaks a rule need not be a shortest one
   * then. Not for errors that the number of messages in flight makes.
   */
  readonly reads?: readonly AnySystemActor[];
  readonly always?: StateRules<History>;
  readonly sometimes?: StateRules<History>;
  readonly eachStep?: Readonly<
    Record<string, (before: SystemState<History>, happening: Happening, after: SystemState<History>) => boolean>
  >;
  /** Comes about on every fair run. */
  readonly eventually?: StateRules<History>;
  /** Whenever the first holds, the second holds then or later. */
  readonly leadsTo?: Readonly<
    Record<string, readonly [(state: SystemState<History>) => boolean, (state: SystemState<History>) => boolean]>
  >;
  /** Comes about again and again on every fair run. */
  readonly alwaysEventually?: StateRules<History>;
  /** Comes about and stays on every fair run. */
  readonly eventuallyAlways?: StateRules<History>;
  readonly fairness?: { readonly weak?: Fairness; readonly strong?: Fairness };
  /** Where it is fine that nothing but faults can happen any more. Absent: everywhere. */
  readonly mayEnd?: (state: SystemState<History>) => boolean;
  readonly limits: Limits;
  /** Milliseconds of any clock, for `limits.milliseconds`. */
  readonly now?: () => number;
  /** Called now and then; true: stop here. */
  readonly onProgress?: (progress: Progress) => boolean | void;
}
