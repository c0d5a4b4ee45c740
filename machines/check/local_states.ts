/**
 * The local states of all actors as small numbers, and what each makes of an event, computed once: machines are pure,
 * so that of millions of steps of a composition only some hundreds are new to the actor that makes them.
 */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject, SnapshotFrom } from "xstate";
import { activeNodes, nodeName, stateName } from "../chart_names.ts";
import { firstStep, type Order, type Step, step } from "../step.ts";
import { MachineCoverage } from "./machine_coverage.ts";
import { type ArmedTimer, type MachineState, MachineStates } from "./machine_state.ts";
import { MessageTable } from "./message_table.ts";
import { stateKey } from "./state_key.ts";
import type {
  AnySystemActor,
  Envelope,
  Happening,
  LocalState,
  Move,
  NetworkModel,
  ProcessModel,
} from "./system_model.ts";
import { mixHigh, mixLow, PairTable, textLanes } from "./fingerprints.ts";

type State = MachineState<AnyStateMachine>;

/** A move that one actor makes by itself. */
export interface LocalMove {
  readonly move: Move;
  /** The budget that it spends one of; -1: none. */
  readonly spends: number;
  /** A fault is no way out of a dead end. */
  readonly fault: boolean;
  /** Its transition; -1 while it was not made yet. */
  transition: number;
  make(): number;
}

/** What came of an event in a local state. */
export interface LocalTransition extends Happening {
  /** The local state after. */
  readonly next: number;
  /** Messages it sent. */
  readonly sends: readonly number[];
}

/** The transition of a message that waits, or an event that does not come, because nothing would handle it. */
export const stays = 0;

export class Local implements LocalState {
  moves: readonly LocalMove[] | undefined;
  view: unknown;
  readonly #active: ReadonlySet<string>;

  constructor(
    readonly id: number,
    /** The actor's place in the model. */
    readonly actor: number,
    readonly name: string,
    readonly state: State | undefined,
    readonly saved: unknown,
    readonly key: string,
  ) {
    this.#active = new Set(state === undefined ? [] : activeNodes(state.snapshot).map(nodeName));
  }

  get down(): boolean {
    return this.state === undefined;
  }

  get snapshot(): SnapshotFrom<AnyStateMachine> | undefined {
    return this.state?.snapshot;
  }

  get outstanding(): readonly Order[] {
    return this.state?.outstanding ?? [];
  }

  get timers(): readonly ArmedTimer[] {
    return this.state?.timers ?? [];
  }

  is(name: string): boolean {
    return this.#active.has(name);
  }

  /** Ended for good: it gets and does nothing any more. */
  get ended(): boolean {
    return this.state !== undefined && (this.state.snapshot as AnyMachineSnapshot).status !== "active";
  }
}

export class LocalStates {
  readonly all: Local[] = [];
  readonly low: number[] = [];
  readonly high: number[] = [];
  readonly transitions: LocalTransition[] = [
    { next: -1, sends: [], move: { do: "heal" }, orders: [], sent: [] },
  ];
  readonly messages: MessageTable;
  readonly coverage = new Map<AnyStateMachine, MachineCoverage>();
  /** Where an event in reach is handled by no state. */
  readonly unhandled = new Set<string>();
  /** How many times a machine was really run. */
  steps = 0;
  /** Hears of every transition that is new: from which local state, and by whose message (-1: by itself). */
  onNew: ((local: number, transition: number, sender: number) => void) | undefined;
  readonly #states = new Map<AnyStateMachine, MachineStates<AnyStateMachine>>();
  readonly #ids = new Map<string, number>();
  readonly #deliveries = new PairTable();

  constructor(
    readonly actors: readonly AnySystemActor[],
    readonly network: NetworkModel,
    readonly budgets: ReadonlyMap<string, number>,
    processes: readonly ProcessModel[] = [],
    /** Fingerprints come from what local states are, not from when they were met. */
    readonly byContent = false,
  ) {
    const places = new Map(actors.map(({ name }, index) => [name, index]));
    this.messages = new MessageTable(places, network, processes, byContent);
    for (const { machine } of actors) {
      if (this.#states.has(machine)) continue;
      this.#states.set(machine, new MachineStates<AnyStateMachine>(machine));
      this.coverage.set(machine, new MachineCoverage(machine));
    }
  }

  statesOf(machine: AnyStateMachine): MachineStates<AnyStateMachine> {
    return this.#states.get(machine)!;
  }

  intern(actor: number, state: State | undefined, saved: unknown): number {
    const key = `${actor}/${state?.key ?? "down"}/${saved === undefined ? "" : stateKey(saved)}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.all.length;
      this.#ids.set(key, id);
      const { name, options } = this.actors[actor]!;
      const local = new Local(id, actor, name, state, saved, key);
      this.all.push(local);
      const [low, high] = this.byContent ? textLanes(this.#content(actor, state, saved)) : [mixLow(id), mixHigh(id)];
      this.low.push(low);
      this.high.push(high);
      local.view = options.view?.(local);
    }
    return id;
  }

  #content(actor: number, state: State | undefined, saved: unknown): string {
    const standing = state && this.statesOf(this.actors[actor]!.machine).contentKey(state);
    return `${actor}/${standing ?? "down"}/${saved === undefined ? "" : stateKey(saved)}`;
  }

  /** The transitions with which an actor may start. */
  starts(actor: number): number[] {
    const { name, options } = this.actors[actor]!;
    if (options.down) return [this.#add(this.intern(actor, undefined, undefined), [], [], { do: "start", inputs: {} })];
    const inputs: readonly unknown[] = options.inputs ?? [options.input];
    return inputs.map((input) => this.#start(actor, undefined, input, { do: "start", inputs: { [name]: input } }));
  }

  /** What the receiver makes of a message. */
  deliver(local: number, message: number): number {
    let transition = this.#deliveries.get(local, message);
    if (transition < 0) {
      transition = this.#deliver(this.all[local]!, message);
      this.#deliveries.set(local, message, transition);
      this.onNew?.(local, transition, this.messages.sender[message]!);
    }
    return transition;
  }

  /** Every delivery that was looked at: local state, message, transition. */
  deliveries(): (readonly [number, number, number])[] {
    return [...this.#deliveries.entries()];
  }

  /** An actor that goes down with its process. */
  crash(local: number, move: Move): number {
    const { actor, saved } = this.all[local]!;
    return this.#add(this.intern(actor, undefined, saved), [], [], move);
  }

  /** An actor that starts again with its process, and is told something at once. */
  startAgain(actor: number, saved: unknown, input: unknown, move: Move, told: EventObject | undefined): number {
    const start = this.#start(actor, saved, input, move);
    if (told === undefined) return start;
    const { next, orders } = this.transitions[start]!;
    const local = this.all[next]!;
    const made = this.#step(local, told);
    return this.#after(local, { ...made, orders: [...orders, ...made.orders] }, move, told);
  }

  /** What an actor may do by itself. */
  movesOf(local: Local): readonly LocalMove[] {
    return local.moves ??= this.#moves(local);
  }

  /** Makes a move's transition. */
  make(local: Local, move: LocalMove): void {
    move.transition = move.make();
    this.onNew?.(local.id, move.transition, -1);
  }

  #deliver(local: Local, id: number): number {
    const message = this.messages.all[id]!;
    const move: Move = { do: "deliver", actor: local.name, message };
    const isLost = this.network.unhandled === "stays" ? stays : undefined;
    if (local.state === undefined || local.ended) return isLost ?? this.#add(local.id, [], [], move);
    const { answers, answersParams, event } = message;
    const key = answersParams === undefined ? undefined : stateKey(answersParams);
    const answered = answers === undefined
      ? undefined
      : local.state.outstanding.find(({ type, params }) =>
        type === answers && (key === undefined || stateKey(params) === key)
      );
    if (answers !== undefined && answered === undefined) return isLost ?? this.#add(local.id, [], [], move);
    const made = this.#step(local, event);
    if (made.edges.length === 0 && answered === undefined && isLost !== undefined) return isLost;
    return this.#after(local, made, move, event, answered);
  }

  #moves(local: Local): LocalMove[] {
    const { options } = this.actors[local.actor]!;
    const { state, name } = local;
    const moves: LocalMove[] = [];
    const add = (move: Move, make: () => number, spends = -1, fault = false) =>
      moves.push({ move, spends, fault, transition: -1, make });
    if (state === undefined) {
      for (const input of options.recover?.(local.saved) ?? []) {
        const move: Move = { do: "restart", actor: name, input };
        add(move, () => this.#start(local.actor, local.saved, input, move));
      }
      return moves;
    }
    if (local.ended) return [];
    const may = (event: EventObject) => options.allows?.(event, local) ?? true;
    for (const timer of state.timers) {
      if (!may(timer.event)) continue;
      const move: Move = { do: "timer", actor: name, timer };
      add(move, () => this.#after(local, this.#step(local, timer.event), move, timer.event, undefined, timer));
    }
    for (const { order, event } of this.#answers(local, state)) {
      if (!may(event)) continue;
      const move: Move = { do: "answer", actor: name, order, event };
      add(move, () => this.#after(local, this.#step(local, event), move, event, order));
    }
    const listed = typeof options.events === "function" ? options.events(local) : options.events ?? [];
    for (const { event, spends } of listed) {
      if (!may(event)) continue;
      const move: Move = { do: "event", actor: name, event };
      const make = () => {
        const made = this.#step(local, event);
        return made.edges.length === 0 ? stays : this.#after(local, made, move, event);
      };
      add(move, make, this.#budget(spends));
    }
    if (options.recover !== undefined && this.budgets.has("crashes")) {
      for (const saved of options.leaves?.(local) ?? [local.saved]) {
        const move: Move = { do: "crash", actor: name };
        const make = () => this.#add(this.intern(local.actor, undefined, saved), [], [], move);
        add(move, make, this.#budget("crashes"), true);
      }
    }
    return moves;
  }

  #budget(name: string | undefined): number {
    if (name === undefined) return -1;
    const budget = this.budgets.get(name);
    if (budget === undefined) throw new Error(`Cannot spend: the model has no budget "${name}"`);
    return budget;
  }

  #answers(local: Local, state: State): { order: Order; event: EventObject }[] {
    const { machine, options } = this.actors[local.actor]!;
    const states = this.statesOf(machine);
    const facts = options.facts as Readonly<Record<string, FactList | undefined>> | undefined;
    const found: { order: Order; event: EventObject }[] = [];
    let previous = "";
    for (const order of state.outstanding) {
      const key = states.orderKey(order);
      if (key === previous) continue; // Orders are sorted: equal ones are answered alike.
      previous = key;
      const { answers, fails } = states.effects.get(order.type)!;
      const isSent = options.sends?.[order.type] !== undefined;
      for (const type of answers) {
        const listed = facts?.[type];
        const standard = isSent ? [] : type === fails ? [{ reason: "Error", message: "it failed" }] : [{}];
        const said = typeof listed === "function" ? listed(order, state) : listed ?? standard;
        for (const params of said) found.push({ order, event: { ...params, type } });
      }
    }
    return found;
  }

  #step(local: Local, event: EventObject): Step<AnyStateMachine> {
    this.steps++;
    const { machine } = this.actors[local.actor]!;
    const made = step(machine, local.state!.snapshot, event);
    this.coverage.get(machine)!.note(made);
    if (made.edges.length === 0) this.unhandled.add(`${local.name}: ${event.type} in ${stateName(made.snapshot)}`);
    return made;
  }

  #start(actor: number, saved: unknown, input: unknown, move: Move): number {
    this.steps++;
    const { machine } = this.actors[actor]!;
    const made = firstStep(machine, input);
    this.coverage.get(machine)!.note(made);
    const state = this.statesOf(machine).after(undefined, made);
    return this.#finish(actor, saved, state, made, move, undefined, undefined);
  }

  #after(
    local: Local,
    made: Step<AnyStateMachine>,
    move: Move,
    event: EventObject,
    answered?: Order,
    fired?: ArmedTimer,
  ): number {
    const { machine } = this.actors[local.actor]!;
    const state = this.statesOf(machine).after(local.state, made, answered, fired);
    if (state.outstanding.length > 16) {
      const types = state.outstanding.map(({ type }) => type).join(", ");
      throw new Error(`Cannot go on: more than 16 orders of ${local.name} await an answer: ${types}`);
    }
    return this.#finish(local.actor, local.saved, state, made, move, event, answered);
  }

  #finish(
    actor: number,
    before: unknown,
    state: State,
    made: Step<AnyStateMachine>,
    move: Move,
    event: EventObject | undefined,
    answered: Order | undefined,
  ): number {
    const { name, options } = this.actors[actor]!;
    const { snapshot, orders } = made;
    const saved: unknown = options.saves?.({ saved: before, snapshot, orders, event, answered });
    const sends: number[] = [];
    for (const { type, params } of orders) {
      const send = options.sends?.[type] as ((params: unknown, self: string) => Sent) | undefined;
      if (send === undefined) continue;
      for (const envelope of [send(params, name)].flat() as Envelope[]) {
        sends.push(this.messages.intern(actor, envelope, name));
      }
    }
    return this.#add(this.intern(actor, state, saved), sends, orders, move);
  }

  #add(next: number, sends: readonly number[], orders: readonly Order[], move: Move): number {
    this.transitions.push({ next, sends, move, orders, sent: sends.map((id) => this.messages.all[id]!) });
    return this.transitions.length - 1;
  }
}

type Sent = Envelope | readonly Envelope[];
type FactList = readonly object[] | ((order: Order, situation: State) => readonly object[]);
