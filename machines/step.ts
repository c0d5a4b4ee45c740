/**
 * The one way a machine is run: in production, in the simulator, in the explorer and in tests.
 *
 * `step` is a pure function from a snapshot and an event to the next snapshot and what the machine wants done. The
 * caller commits the snapshot first and carries the orders out afterwards, in order; a step that throws has changed
 * nothing and ordered nothing.
 */
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createEmptyActor,
  type EventObject,
  type SnapshotFrom,
} from "xstate";
import { effectsOf } from "./effect.ts";

/** Work ordered by a machine; `params` are plain JSON. */
export interface Order {
  readonly type: string;
  readonly params: unknown;
}

/** Arms (`delayMs` set) or disarms a timer of the actor that stepped. */
export interface TimerChange {
  readonly id: string;
  readonly delayMs: number | undefined;
  readonly event: EventObject | undefined;
}

/** A transition of the chart that was taken; the objects are the machine's own and compared by identity. */
export interface Edge {
  /** Dotted path of the state that holds the transition; the machine's id for the root. */
  readonly source: string;
  /** The event descriptor in the chart; empty for an eventless transition. */
  readonly on: string;
  /** Place among the source's transitions for `on`; tells guarded alternatives apart. */
  readonly index: number;
  readonly targets: readonly string[];
  readonly guard: string | undefined;
}

/** The outcome of a named guard during a step. */
export interface GuardOutcome {
  readonly guard: string;
  readonly passed: boolean;
}

/** What a machine made of an event. */
export interface Step<Machine extends AnyStateMachine> {
  readonly snapshot: SnapshotFrom<Machine>;
  readonly orders: readonly Order[];
  readonly timers: readonly TimerChange[];
  /** Transitions taken, in order. Empty: no state handles the event. */
  readonly edges: readonly Edge[];
  /** Every guard that was asked, in order. */
  readonly guards: readonly GuardOutcome[];
}

interface Action {
  readonly type: string;
  readonly params: { id?: string; sendId?: string; delay?: number; event?: EventObject } | undefined;
}

/** The part of an XState transition definition that is read here. */
interface Transition {
  readonly source: { readonly id: string };
  readonly target?: readonly { readonly id: string }[];
  readonly eventType: string;
  readonly guard?: unknown;
}

let actions: Action[] = [];
let taken: Transition[] = [];
let outcomes: GuardOutcome[] = [];

const inert = createEmptyActor() as unknown as { system: object };
// XState wants an actor's scope to run a transition in. One inert scope, used again and again, is about four times
// faster than the public transition(), which builds an actor and a system per call.
const scope = {
  self: inert,
  id: "",
  sessionId: "",
  logger() {},
  defer() {},
  emit() {},
  system: {
    ...inert.system,
    _sendInspectionEvent(event: { type: string; _transitions?: Transition[] }) {
      if (event.type === "@xstate.microstep" && event._transitions) taken.push(...event._transitions);
    },
  },
  stopChild() {
    throw new Error("Cannot stop a child: machines here have none");
  },
  actionExecutor(action: Action) {
    actions.push(action);
  },
} as unknown as Parameters<AnyStateMachine["transition"]>[2];

/**
 * The machine's next snapshot and what it orders.
 *
 * @throws whatever a guard, an assign or a delay of the machine throws; then nothing has changed.
 */
export function step<Machine extends AnyStateMachine>(
  machine: Machine,
  snapshot: SnapshotFrom<Machine>,
  event: EventObject,
): Step<Machine> {
  begin(machine);
  const next = machine.transition(snapshot as AnyMachineSnapshot, event, scope);
  return finish(machine, next as SnapshotFrom<Machine>);
}

/** The machine's first snapshot, with what entering its initial states orders. */
export function firstStep<Machine extends AnyStateMachine>(machine: Machine, input?: unknown): Step<Machine> {
  begin(machine);
  const first = machine.getInitialSnapshot(scope, input as never);
  // XState reports an error in the initial transition as a snapshot; here a step that fails throws.
  if (first.status === "error") throw first.error;
  return finish(machine, first as SnapshotFrom<Machine>);
}

function begin(machine: AnyStateMachine): void {
  actions = [];
  taken = [];
  outcomes = [];
  watchGuards(machine);
}

function finish<Machine extends AnyStateMachine>(machine: Machine, snapshot: SnapshotFrom<Machine>): Step<Machine> {
  const orders: Order[] = [];
  const timers: TimerChange[] = [];
  const effects = effectsOf(machine);
  for (const { type, params } of actions) {
    if (type === "xstate.raise") {
      if (params?.delay !== undefined) timers.push({ id: params.id ?? "", delayMs: params.delay, event: params.event });
    } else if (type === "xstate.cancel") {
      timers.push({ id: params?.sendId ?? String(params), delayMs: undefined, event: undefined });
    } else if (effects.has(type)) {
      orders.push({ type, params: params ?? {} });
    }
  }
  const edges = taken.length === 0 ? noEdges : taken.map(edgeOf);
  return { snapshot, orders, timers, edges, guards: outcomes };
}

const noEdges: readonly Edge[] = [];
const edges = new WeakMap<Transition, Edge>();

function edgeOf(transition: Transition): Edge {
  let edge = edges.get(transition);
  if (edge === undefined) {
    edge = describe(transition);
    edges.set(transition, edge);
  }
  return edge;
}

/** All transitions of a chart, as `step` reports them; for coverage. */
export function edgesOf(machine: AnyStateMachine): Edge[] {
  const found: Edge[] = [];
  const visit = (node: ChartNode) => {
    for (const transition of transitionsOf(node)) found.push(edgeOf(transition));
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root as unknown as ChartNode);
  return found;
}

interface ChartNode {
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[];
  readonly states: Readonly<Record<string, ChartNode>>;
}

function transitionsOf(node: ChartNode): Transition[] {
  return [...node.transitions.values()].flat().concat(node.always ?? []);
}

function describe(transition: Transition): Edge {
  const source = transition.source as unknown as ChartNode;
  const siblings = transition.eventType === ""
    ? source.always ?? []
    : source.transitions.get(transition.eventType) ?? [];
  return {
    source: transition.source.id,
    on: transition.eventType,
    index: Math.max(0, siblings.indexOf(transition)),
    targets: (transition.target ?? []).map((target) => target.id),
    guard: guardName(transition.guard),
  };
}

function guardName(guard: unknown): string | undefined {
  if (guard === undefined) return undefined;
  if (typeof guard === "string") return guard;
  return (guard as { type?: string }).type ?? "inline";
}

const watched = new WeakSet<AnyStateMachine>();

/** Wraps the machine's named guards, once, so that refusals and coverage come from one place. */
function watchGuards(machine: AnyStateMachine): void {
  if (watched.has(machine)) return;
  watched.add(machine);
  const guards = machine.implementations.guards as Record<string, unknown>;
  for (const [name, guard] of Object.entries(guards)) {
    if (typeof guard !== "function") continue; // Another guard's name or reference: that one is watched.
    guards[name] = "check" in guard
      ? watchComposed(name, guard as unknown as ComposedGuard)
      : (args: unknown, params: unknown) => note(name, Boolean(guard(args, params)));
  }
}

/** What and(), or(), not() and stateIn() make: a function that is never called, with a check that is. */
interface ComposedGuard {
  check(snapshot: unknown, args: unknown, self: unknown): boolean;
}

function watchComposed(name: string, guard: ComposedGuard): ComposedGuard {
  const check = (snapshot: unknown, args: unknown) => note(name, guard.check(snapshot, args, guard));
  return Object.assign(() => false, guard, { check });
}

function note(guard: string, passed: boolean): boolean {
  outcomes.push({ guard, passed });
  return passed;
}
