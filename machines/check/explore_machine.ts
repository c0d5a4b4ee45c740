/**
 * Explores one machine completely: every order of the facts that may come to it.
 *
 * Its world is made from the machine's own protocol. At any moment an outstanding order may be answered by any fact
 * its effect declares, an armed timer may fire (time is abstracted: any of them next), and an event that `events`
 * lists may come in. An order that was called off is not answered any more, as in the actor system.
 */
import type { AnyMachineSnapshot, AnyStateMachine, EventFromLogic, EventObject, InputFrom } from "xstate";
import { firstStep, type Order, type Step, step } from "../step.ts";
import { explore, type Model, type Rules, TooManyStates } from "./explore.ts";
import { delayName, stateName } from "../chart_names.ts";
import { isIn, MachineCoverage } from "./machine_coverage.ts";
import { type ArmedTimer, type MachineState, MachineStates, type Situation } from "./machine_state.ts";

export { BrokenRule, TooManyStates } from "./explore.ts";
export { stateName } from "../chart_names.ts";
export type { ArmedTimer, Situation } from "./machine_state.ts";

/** What can happen to the machine next. */
export type MachineChoice<M extends AnyStateMachine> =
  | { readonly type: "start"; readonly input: InputFrom<M> | undefined }
  | { readonly type: "answer"; readonly order: Order; readonly event: EventFromLogic<M> }
  | { readonly type: "timer"; readonly timer: ArmedTimer }
  | { readonly type: "event"; readonly event: EventFromLogic<M> }
  /** The process died; the actor starts again from what it finds. */
  | { readonly type: "crash"; readonly input: InputFrom<M> };

/** What else a fact of some type says, without its `type`. */
type ParamsOf<E extends EventObject, T> = Omit<Extract<E, { type: T }>, "type">;

/** For each type of fact, everything it may say that makes a difference. An empty list: it never comes. */
export type FactTable<M extends AnyStateMachine> = {
  readonly [T in EventFromLogic<M>["type"]]?:
    | readonly ParamsOf<EventFromLogic<M>, T>[]
    | ((order: Order, situation: Situation<M>) => readonly ParamsOf<EventFromLogic<M>, T>[]);
};

/** A step, for rules about what is ordered when. */
export interface Moment<M extends AnyStateMachine> {
  readonly before: Situation<M>;
  readonly choice: MachineChoice<M>;
  /** `after.orders` is what the step ordered. */
  readonly after: Situation<M>;
}

export interface MachineWorld<M extends AnyStateMachine> {
  /** The one input to start with; or `inputs`. Neither: the machine is started without. */
  readonly input?: InputFrom<M>;
  /** Every input that makes a difference. */
  readonly inputs?: readonly InputFrom<M>[];
  /** What answers say. A type that is not listed comes as `{ type }`, a declared failure with a reason and a message. */
  readonly facts?: FactTable<M>;
  /** Events that may come in here and answer no order: facts of the world, other actors' messages. */
  readonly events?: readonly EventFromLogic<M>[] | ((situation: Situation<M>) => readonly EventFromLogic<M>[]);
  /** States (dotted paths) in which it is fine that nothing can happen any more. Final states need no mention. */
  readonly terminal?: readonly string[];
  /** What the actor would find if the process died here: the inputs it may start again with. */
  readonly recover?: (situation: Situation<M>) => readonly InputFrom<M>[];
  readonly always?: Rules<Situation<M>>;
  readonly sometimes?: Rules<Situation<M>>;
  readonly eachStep?: Readonly<Record<string, (moment: Moment<M>) => boolean>>;
  /** Reaching it is an error, never a pass. Default 100,000. */
  readonly maxStates?: number;
  /** More orders than this outstanding at once are an error: nobody would answer them in time. Default 8. */
  readonly maxOutstanding?: number;
  /** Problems that are known and right; one of them that does not occur is a problem itself. */
  readonly except?: readonly string[];
}

/**
 * The world of whichever machine is given. TypeScript resolves a conditional type before it looks at the functions in
 * an argument, so that they may return `{ type: "image.pulled" }` without saying that it is no mere string.
 */
type WorldOf<M> = M extends AnyStateMachine ? MachineWorld<M> : never;

export interface MachineExploration {
  readonly states: number;
  readonly steps: number;
  readonly depth: number;
  readonly unreachedStates: readonly string[];
  readonly unreachedEdges: readonly string[];
  /** Guards with an outcome that never came. */
  readonly untriedGuards: readonly string[];
  readonly deadEnds: readonly string[];
  readonly undescribedStates: readonly string[];
  /** Actions that are neither orders nor XState's own (assign, raise): \`step\` runs nothing else. */
  readonly inertActions: readonly string[];
  readonly neverSeen: readonly string[];
  /** Answers and events that no state ever handles. */
  readonly neverHandled: readonly string[];
  /** Where an answer or event in reach is not handled, as `image.pulled in stopping`: often right, worth a look. */
  readonly unhandled: readonly string[];
  /** All of the above that ought to be empty, in words; `unhandled` is not among them. */
  readonly problems: readonly string[];
}

type State<M extends AnyStateMachine> = MachineState<M> | undefined;

/**
 * @throws BrokenRule with a numbered story when a rule does not hold or the machine throws, TooManyStates when the
 * state space does not end at `maxStates`.
 */
export function exploreMachine<M extends AnyStateMachine>(
  machine: M,
  world?: WorldOf<M>,
): MachineExploration {
  return new MachineSearch<M>(machine, world as MachineWorld<M> | undefined ?? {}).run();
}

class MachineSearch<M extends AnyStateMachine> {
  readonly #states: MachineStates<M>;
  readonly #coverage: MachineCoverage;
  readonly #terminal: ReadonlySet<string>;
  readonly #deadEnds = new Set<string>();
  readonly #unhandled = new Set<string>();
  /** Types of answers and events that were in reach, and whether any state handled them. */
  readonly #handled = new Map<string, boolean>();

  constructor(readonly machine: M, readonly world: MachineWorld<M>) {
    this.#states = new MachineStates(machine);
    this.#coverage = new MachineCoverage(machine);
    this.#terminal = new Set(world.terminal);
  }

  run(): MachineExploration {
    const { states, steps, depth, neverSeen } = this.#explore();
    const found = {
      unreachedStates: this.#coverage.unreachedStates(),
      unreachedEdges: this.#coverage.unreachedEdges(),
      untriedGuards: this.#coverage.untriedGuards(),
      deadEnds: [...this.#deadEnds],
      undescribedStates: this.#coverage.undescribedStates(),
      inertActions: this.#coverage.inertActions(),
      neverSeen,
      neverHandled: [...this.#handled].filter(([, handled]) => !handled).map(([type]) => type),
    };
    const problems = [
      ...found.unreachedStates.map((name) => `state never reached: ${name}`),
      ...found.unreachedEdges.map((name) => `edge never taken: ${name}`),
      ...found.untriedGuards.map((name) => `guard ${name}`),
      ...found.deadEnds.map((name) => `dead end: ${name}`),
      ...found.undescribedStates.map((name) => `state without a description: ${name}`),
      ...found.inertActions.map((name) => `action is neither an order nor built in, nobody runs it: ${name}`),
      ...found.neverSeen.map((name) => `never seen: ${name}`),
      ...found.neverHandled.map((type) => `handled by no state: ${type}`),
    ];
    const { except = [] } = this.world;
    return {
      states: states - 1, // Without the moment before the start.
      steps,
      depth,
      ...found,
      unhandled: [...this.#unhandled],
      problems: [
        ...problems.filter((problem) => !except.includes(problem)),
        ...except.filter((problem) => !problems.includes(problem)).map((problem) => `excepted in vain: ${problem}`),
      ],
    };
  }

  #explore() {
    const { maxStates = 100_000 } = this.world;
    try {
      return explore(this.#model(maxStates + 1));
    } catch (error) {
      if (!(error instanceof TooManyStates)) throw error;
      const growing = this.#states.growingFields().join(", ") || "none";
      throw new TooManyStates(
        `Cannot explore machine "${this.machine.id}": more than ${maxStates} states; fields that took most values: ${growing}`,
      );
    }
  }

  #model(maxStates: number): Model<State<M>, MachineChoice<M>> {
    const { always, sometimes, eachStep } = this.world;
    return {
      init: undefined,
      maxStates,
      key: (state) => state?.key ?? "",
      choices: (state) => state === undefined ? this.#starts() : this.#choices(state),
      step: (state, choice) => this.#step(state, choice),
      always: once(always, (holds) => (state: State<M>) => state === undefined || holds(state)),
      sometimes: once(sometimes, (holds) => (state: State<M>) => state !== undefined && holds(state)),
      eachStep: once(
        eachStep,
        (holds) => (before: State<M>, choice: MachineChoice<M>, after: State<M>) =>
          before === undefined || after === undefined || holds({ before, choice, after }),
      ),
      showChoice,
      showState: (state) => state === undefined ? "" : showSituation(state),
    };
  }

  #starts(): MachineChoice<M>[] {
    const { input, inputs } = this.world;
    return (inputs ?? [input]).map((each) => ({ type: "start", input: each }));
  }

  #choices(state: MachineState<M>): MachineChoice<M>[] {
    if ((state.snapshot as AnyMachineSnapshot).status !== "active") return [];
    const choices: MachineChoice<M>[] = [];
    let previous = "";
    for (const order of state.outstanding) {
      const key = this.#states.orderKey(order);
      if (key === previous) continue; // Orders are sorted: equal ones are answered alike.
      previous = key;
      for (const event of this.#answers(order, state)) choices.push({ type: "answer", order, event });
    }
    for (const timer of state.timers) choices.push({ type: "timer", timer });
    const listed = this.world.events ?? [];
    const events = typeof listed === "function" ? listed(state) : listed;
    for (const event of events) choices.push({ type: "event", event });
    // Here, not after the steps: a dead end stays one when a crash would lead out of it.
    if (state.outstanding.length === 0 && state.timers.length === 0) this.#noteDeadEnd(state, events);
    for (const input of this.world.recover?.(state) ?? []) choices.push({ type: "crash", input });
    return choices;
  }

  #answers(order: Order, state: MachineState<M>): EventFromLogic<M>[] {
    const { answers, fails } = this.#states.effects.get(order.type)!;
    return answers.flatMap((type) => {
      const listed = this.world.facts?.[type as EventFromLogic<M>["type"]] as
        | readonly object[]
        | ((order: Order, situation: Situation<M>) => readonly object[])
        | undefined;
      const standard = type === fails ? [{ reason: "Error", message: "it failed" }] : [{}];
      const said = typeof listed === "function" ? listed(order, state) : listed ?? standard;
      return said.map((params) => ({ ...params, type }) as unknown as EventFromLogic<M>);
    });
  }

  #noteDeadEnd(state: MachineState<M>, events: readonly EventFromLogic<M>[]): void {
    if (isIn(state.snapshot, this.#terminal)) return;
    const leadsOn = events.some((event) => {
      const next = step(this.machine, state.snapshot, event as EventObject);
      return next.orders.length > 0 || this.#states.after(state, next).key !== state.key;
    });
    if (!leadsOn) this.#deadEnds.add(stateName(state.snapshot));
  }

  #step(state: State<M>, choice: MachineChoice<M>): State<M> {
    if (choice.type === "start" || choice.type === "crash") {
      return this.#reached(undefined, firstStep(this.machine, choice.input));
    }
    const before = state!;
    const event = (choice.type === "timer" ? choice.timer.event : choice.event) as EventObject;
    const next = step(this.machine, before.snapshot, event);
    this.#noteHandling(before, choice, next.edges.length > 0);
    const answered = choice.type === "answer" ? choice.order : undefined;
    const after = this.#reached(before, next, answered, choice.type === "timer" ? choice.timer : undefined);
    return next.edges.length === 0 && after.key === before.key ? undefined : after;
  }

  #reached(before: State<M>, made: Step<M>, answered?: Order, fired?: ArmedTimer): MachineState<M> {
    this.#coverage.note(made);
    const state = this.#states.after(before, made, answered, fired);
    const { maxOutstanding = 8 } = this.world;
    if (state.outstanding.length > maxOutstanding) {
      const types = state.outstanding.map(({ type }) => type).join(", ");
      throw new Error(`Cannot go on: more than maxOutstanding (${maxOutstanding}) orders await an answer: ${types}`);
    }
    return state;
  }

  #noteHandling(before: MachineState<M>, choice: MachineChoice<M>, handled: boolean): void {
    if (choice.type !== "answer" && choice.type !== "event") return;
    const { type } = choice.event as EventObject;
    if (handled) {
      this.#handled.set(type, true);
      return;
    }
    if (!this.#handled.has(type)) this.#handled.set(type, false);
    this.#unhandled.add(`${type} in ${stateName(before.snapshot)}`);
  }
}

function once<From, To>(
  table: Readonly<Record<string, From>> | undefined,
  change: (from: From) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(table ?? {}).map(([name, from]) => [name, change(from)]));
}

function showChoice<M extends AnyStateMachine>(choice: MachineChoice<M>): string {
  switch (choice.type) {
    case "start":
      return `start ${choice.input === undefined ? "" : JSON.stringify(choice.input)}`.trimEnd();
    case "crash":
      return `crash, start again with ${JSON.stringify(choice.input)}`;
    case "timer":
      return `timer ${delayName(choice.timer.id)}`;
    case "answer":
      return `answer ${choice.order.type}: ${showEvent(choice.event as EventObject)}`;
    case "event":
      return `event ${showEvent(choice.event as EventObject)}`;
  }
}

function showEvent({ type, ...params }: EventObject): string {
  return Object.keys(params).length === 0 ? type : `${type} ${JSON.stringify(params)}`;
}

function showSituation<M extends AnyStateMachine>({ snapshot, orders, timers }: Situation<M>): string {
  const ordered = orders.length === 0 ? "" : `, orders ${orders.map(({ type }) => type).join(", ")}`;
  const armed = timers.length === 0 ? "" : `, ${timers.map(({ delayMs }) => `${delayMs} ms`).join(", ")} armed`;
  return `-> ${stateName(snapshot)}${ordered}${armed}`;
}
