/**
 * A run of a model in the words of the inspection stream: a file that the inspector opens and steps through, with the
 * charts, each actor's context, orders and timers. Models know no time: steps are a second apart.
 */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject, SnapshotFrom } from "xstate";
import { activeLeaves, delayName } from "../machines/chart_names.ts";
import { chartOf, edgeId, machineKey } from "../machines/chart/describe_chart.ts";
import type { AnySystemActor, LocalState, Move, SystemModel } from "../machines/check/system_model.ts";
import { replaySystem, sayMove } from "../machines/check/system_story.ts";
import { firstStep, type Step, step } from "../machines/step.ts";
import type {
  ActorRow,
  IncidentRecord,
  Json,
  RecordedCause,
  ServerMessage,
  TransitionRecord,
} from "../ports/inspection.ts";

const startsAt = Date.UTC(2026, 0, 1);
const stepMs = 1000;
const process = "model";

export interface RecordedRun {
  readonly model: string;
  readonly rule: string;
  readonly moves: readonly Move[];
  readonly cycle: readonly Move[];
}

/** @throws Error when the model has changed and does not go that way any more. */
export function counterexampleRecording(system: SystemModel, run: RecordedRun): string {
  const played = replaySystem(system, [...run.moves, ...run.cycle]);
  const actors = system.actors.map((actor) => new RecordedActor(actor));
  const messages: ServerMessage[] = [
    {
      type: "hello",
      version: 1,
      cluster: `${run.model}: ${run.rule}`,
      session: "counterexample",
      sequence: 0,
      wallTime: startsAt,
      source: "checker",
      maySend: false,
    },
    { type: "machines", machines: Object.fromEntries(actors.map(({ key, chart }) => [key, chart])) },
    {
      ...{
        type: "actors",
        sequence: 0,
        wallTime: startsAt,
        rows: actors.map((actor) => actor.row),
        offset: 0,
      } as const,
      ...{ matched: actors.length, total: actors.length, first: true, last: true },
    },
  ];
  let sequence = 0;
  for (const [index, { happening: { move }, state }] of played.entries()) {
    const wallTime = startsAt + (index + 1) * stepMs;
    const records: TransitionRecord[] = [];
    const incidents: IncidentRecord[] = [];
    const changed: ActorRow[] = [];
    for (const [at, local] of state.locals.entries()) {
      const actor = actors[at]!;
      const isMine = "actor" in move && move.actor === actor.name && move.do !== "lose" && move.do !== "duplicate";
      if (!isMine && !actor.differs(local)) continue;
      const about = actor.moved(local, move, ++sequence, wallTime);
      if (about.type === "transition") records.push(about);
      else incidents.push(about);
      changed.push(actor.row);
    }
    if (records.length > 0) messages.push({ type: "records", records, dropped: 0 });
    // What the network does is nobody's step: it is told beside them.
    if (records.length === 0 && incidents.length === 0) incidents.push(ofNetwork(move, ++sequence, wallTime));
    if (incidents.length > 0) messages.push({ type: "incidents", incidents, dropped: 0 });
    messages.push({
      ...{ type: "changes", sequence, wallTime, matched: actors.length, total: actors.length, added: [] } as const,
      ...{ changed, removed: [] },
    });
  }
  return messages.map((message) => JSON.stringify(message)).join("\n") + "\n";
}

function ofNetwork(move: Move, sequence: number, wallTime: number): IncidentRecord {
  const id = idOf("actor" in move ? move.actor : "network");
  return { type: "message.dead", id, sequence, process, wallTime, incarnation: 1, detail: sayMove(move) };
}

function idOf(name: string): string {
  return `${process}/${name}/-/${name}/-`;
}

class RecordedActor {
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly chart;
  readonly key: string;
  row: ActorRow;
  #before: LocalState | undefined;
  #context: Readonly<Record<string, unknown>> = {};

  constructor({ name, machine }: AnySystemActor) {
    this.name = name;
    this.machine = machine;
    this.chart = chartOf(machine);
    this.key = machineKey(this.chart);
    this.row = {
      ...{ id: idOf(name), node: process, kind: name, name, machine: this.key, states: [], status: "down" },
      ...{ since: startsAt, incarnation: 0, tags: [], problems: [], last: 0, transitions: 0, unhandled: 0 },
    };
  }

  differs(local: LocalState): boolean {
    return this.#before === undefined ? !local.down : local !== this.#before;
  }

  /** What it did, once the row is as it is now. */
  moved(local: LocalState, move: Move, sequence: number, wallTime: number): TransitionRecord | IncidentRecord {
    const before = this.#before;
    this.#before = local;
    const at = { id: this.row.id, sequence, process, wallTime };
    if (local.down) {
      this.row = { ...this.row, states: [], status: "down", since: wallTime, last: sequence };
      const type = before === undefined || before.down ? "message.dead" : "actor.stopped";
      return { type, ...at, incarnation: this.row.incarnation, detail: sayMove(move) };
    }
    const snapshot = local.snapshot as AnyMachineSnapshot;
    const isStart = before === undefined || before.down;
    const made = this.#made(before, snapshot, move);
    const states = statesOf(snapshot);
    const { status } = snapshot as { status: "active" | "done" | "error" };
    const incarnation = this.row.incarnation + (isStart ? 1 : 0);
    const isSame = states.join() === this.row.states.join();
    const transitions = this.row.transitions + 1;
    this.row = {
      ...this.row,
      states,
      status,
      incarnation,
      last: sequence,
      transitions,
      since: isSame ? this.row.since : wallTime,
    };
    return {
      type: "transition",
      ...at,
      at: wallTime - startsAt,
      incarnation,
      event: isStart ? { type: "xstate.init" } : json(eventOf(move)) as TransitionRecord["event"],
      cause: isStart ? { by: "start" } : causeOf(move),
      trace: `${process}:${sequence}`,
      edges: made?.edges.map((edge) => edgeId(this.machine, edge)) ?? [],
      guards: made?.guards ?? [],
      orders: (made?.orders ?? []).map(({ type, params }) => ({ type, params: json(params) })),
      timers: (made?.timers ?? []).map(({ id, delayMs }) => ({
        id,
        delay: delayName(id),
        ...(delayMs !== undefined && { due: wallTime + delayMs }),
      })),
      states,
      status,
      delta: this.#delta(snapshot.context as Record<string, unknown>, isStart),
    };
  }

  /** The step again: a run remembers where it led, not over which edges. */
  #made(before: LocalState | undefined, after: AnyMachineSnapshot, move: Move): Step<AnyStateMachine> | undefined {
    if (before !== undefined && !before.down) {
      const from = before.snapshot as SnapshotFrom<AnyStateMachine>;
      return step(this.machine, from, eventOf(move));
    }
    const input = move.do === "start"
      ? move.inputs[this.name]
      : move.do !== "restart"
      ? undefined
      : move.actor === this.name
      ? move.input
      : (move.input as Record<string, unknown>)[this.name];
    const made = firstStep(this.machine, input);
    // One that is told something at once is further already.
    return statesOf(made.snapshot as AnyMachineSnapshot).join() === statesOf(after).join() ? made : undefined;
  }

  #delta(context: Readonly<Record<string, unknown>>, isStart: boolean): TransitionRecord["delta"] {
    const before = isStart ? {} : this.#context;
    this.#context = context;
    const set = Object.entries(context).filter(([field, value]) => before[field] !== value);
    return {
      set: Object.fromEntries(set.map(([field, value]) => [field, json(value)])),
      unset: Object.keys(before).filter((field) => !(field in context)),
    };
  }
}

function eventOf(move: Move): EventObject {
  if (move.do === "deliver") return move.message.event;
  if (move.do === "timer") return move.timer.event;
  return move.do === "answer" || move.do === "event" ? move.event : { type: move.do };
}

function causeOf(move: Move): RecordedCause {
  switch (move.do) {
    case "deliver":
      // An answer that comes as a message is an answer to the chart.
      return move.message.answers === undefined
        ? { by: "message", from: idOf(move.message.from) }
        : { by: "order", order: 0, type: move.message.answers };
    case "timer":
      return { by: "timer", id: move.timer.id, delay: delayName(move.timer.id) };
    case "answer":
      return { by: "order", order: 0, type: move.order.type };
    default:
      return { by: "world" };
  }
}

function statesOf(snapshot: AnyMachineSnapshot): string[] {
  return activeLeaves(snapshot).map(({ path }) => path.join("."));
}

/** Plain data without what JSON leaves out. */
function json(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null)) as Json;
}
