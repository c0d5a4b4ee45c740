/**
 * Whether a run of live actors is one that their charts allow.
 *
 * Each event must be an answer to an outstanding order that its effect declares, a message that was sent, an armed
 * timer that is due, a fact that is declared to come by itself, or a start. What the actor made of it must be what
 * `step` makes of it: state, context, orders, timers. Rules must hold along the way. What was left out of a trace, put
 * in or changed is told with the actor, the event, and what was allowed instead.
 *
 * A trace that begins in the middle of its process begins with actors in the middle of their lives: of those nothing is
 * known before their first record.
 */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from "xstate";
import { effectsOf } from "../effect.ts";
import { firstStep, type Step, step } from "../step.ts";
import { firstDifference, isSameData } from "./same_data.ts";
import type { TracedIncident, TracedMessage, TracedTransition, TraceFault, TraceRecord } from "./trace_record.ts";

/** A step, as rules along a trace see it. */
export interface TraceStep {
  /** Absent when the actor starts. */
  readonly before: AnyMachineSnapshot | undefined;
  readonly event: EventObject;
  readonly after: AnyMachineSnapshot;
  readonly orders: readonly { readonly type: string; readonly params: unknown }[];
  /** Types of the orders that await an answer afterwards. */
  readonly outstanding: readonly string[];
}

/** By a machine's id: rules by name. */
export type TraceRules = Readonly<Record<string, Readonly<Record<string, (step: TraceStep) => boolean>>>>;

export interface TraceCheckOptions {
  /** The chart of who a record is about; undefined: it is not known, and that is a fault. */
  machineOf(record: TracedTransition): AnyStateMachine | undefined;
  /** By a machine's id: types of the events that come by themselves. */
  readonly facts: Readonly<Record<string, readonly string[]>>;
  readonly rules?: TraceRules;
  /** It may begin in the middle of its process. Default: it begins with it, and what is not there is missing. */
  readonly fromMiddle?: boolean;
}

interface Armed {
  readonly due: number;
  readonly event: EventObject;
}

/** An actor as the trace has it so far. */
class TracedActor {
  machine: AnyStateMachine | undefined;
  incarnation = 0;
  /** Absent while it waits to be started again. */
  snapshot: AnyMachineSnapshot | undefined;
  readonly outstanding = new Map<number, string>();
  readonly timers = new Map<string, Armed>();
  /** Orders below this number were given before the trace began. */
  knownFrom = 0;
  /** Timers from before the trace began may still be armed. */
  isWhole = true;

  /** What it ordered and waited for is over. */
  release(): void {
    this.snapshot = undefined;
    this.outstanding.clear();
    this.timers.clear();
  }
}

export class TraceCheck {
  /** Events that were checked. */
  events = 0;
  readonly #actors = new Map<string, TracedActor>();
  /** By receiver: what was sent and did not arrive yet, in order. */
  readonly #sent = new Map<string, TracedMessage[]>();
  #last = 0;
  /** Whether the trace began with its process. */
  #isWhole: boolean;

  constructor(readonly options: TraceCheckOptions) {
    this.#isWhole = options.fromMiddle !== true;
  }

  /** What is wrong with the next record of a process. After a fault nothing more can be said. */
  take(record: TraceRecord): TraceFault | undefined {
    if (record.type === "message.sent") return this.#send(record);
    if (record.sequence === 1) this.#begin();
    else if (record.sequence !== this.#last + 1 && (this.#last > 0 || this.#isWhole)) {
      const [from, to] = [this.#last + 1, record.sequence - 1];
      const what = to < from
        ? "it comes twice, or too late"
        : from === to
        ? `record ${from} is missing`
        : `records ${from} to ${to} are missing`;
      return this.#fault(record, what);
    }
    this.#last = record.sequence;
    return record.type === "transition" ? this.#move(record) : this.#happen(record);
  }

  /** A new process: whoever lived in the one before is gone. */
  #begin(): void {
    this.#actors.clear();
    this.#sent.clear();
    this.#isWhole = true;
  }

  #send(message: TracedMessage): TraceFault | undefined {
    if (this.#isWhole && !this.#actors.has(message.to)) {
      return this.#wrong(message.to, message.event.type, "it was sent to somebody who is not there");
    }
    const waiting = this.#sent.get(message.to);
    if (waiting === undefined) this.#sent.set(message.to, [message]);
    else waiting.push(message);
    return undefined;
  }

  #happen(incident: TracedIncident): TraceFault | undefined {
    const actor = this.#actors.get(incident.actor);
    switch (incident.type) {
      case "actor.stopped":
        if (actor === undefined && this.#isWhole) return this.#fault(incident, "nobody is there to stop");
        this.#actors.delete(incident.actor);
        return undefined;
      case "actor.failed":
        if (actor === undefined) {
          // Its very first step has failed.
          const failed = new TracedActor();
          failed.incarnation = incident.incarnation;
          this.#actors.set(incident.actor, failed);
        } else {
          actor.incarnation = Math.max(actor.incarnation, incident.incarnation);
          actor.release();
        }
        return undefined;
      case "message.dead": {
        const waiting = this.#sent.get(incident.actor);
        const at = waiting?.findIndex(({ event }) => incident.detail.split(" ")[0] === event.type) ?? -1;
        if (at >= 0) waiting!.splice(at, 1);
        return undefined;
      }
      case "answer.late":
        return undefined;
    }
  }

  #move(record: TracedTransition): TraceFault | undefined {
    const machine = this.options.machineOf(record);
    if (machine === undefined) return this.#fault(record, "no chart is known for this actor");
    let actor = this.#actors.get(record.actor);
    if (record.cause.by === "start") {
      const wrong = this.#startOf(actor, record);
      if (wrong !== undefined) return this.#fault(record, wrong);
      actor ??= new TracedActor();
    } else if (actor === undefined && !this.#isWhole) {
      return this.#meet(record, machine);
    } else if (actor?.snapshot === undefined) {
      return this.#fault(record, actor === undefined ? "nobody is there" : "it waits to be started again");
    } else {
      if (record.incarnation !== actor.incarnation) {
        return this.#fault(record, `it is in its life ${actor.incarnation}, not ${record.incarnation}`);
      }
      const wrong = this.#cameOf(actor, record);
      if (wrong !== undefined) return this.#fault(record, wrong);
    }
    actor.machine = machine;
    actor.incarnation = record.incarnation;
    this.#actors.set(record.actor, actor);
    this.events++;
    return this.#compare(actor, machine, record);
  }

  #startOf(actor: TracedActor | undefined, { incarnation }: TracedTransition): string | undefined {
    if (actor?.snapshot !== undefined) return "it lives already";
    const next = (actor?.incarnation ?? 0) + 1;
    return incarnation === next || (actor === undefined && !this.#isWhole)
      ? undefined
      : `its life ${incarnation} cannot follow on ${next - 1}`;
  }

  /** Why the event could not come; undefined: it could. */
  #cameOf(actor: TracedActor, { cause, event, at, actor: name }: TracedTransition): string | undefined {
    switch (cause.by) {
      case "order": {
        const type = actor.outstanding.get(cause.order);
        const isOlder = type === undefined && cause.order < actor.knownFrom;
        if (type === undefined && !isOlder) return `order ${cause.order} ${cause.type} is not outstanding`;
        if (!isOlder && type !== cause.type) return `order ${cause.order} is ${type}, not ${cause.type}`;
        const { answers = [] } = effectsOf(actor.machine!).get(cause.type) ?? {};
        if (!answers.includes(event.type)) return `${cause.type} has no such answer`;
        actor.outstanding.delete(cause.order);
        return undefined;
      }
      case "timer": {
        const armed = actor.timers.get(cause.id);
        if (armed === undefined) return actor.isWhole ? `timer ${cause.id} is not armed` : undefined;
        if (!isSameData(armed.event, event)) return `timer ${cause.id} says ${armed.event.type}`;
        if (at < armed.due) return `timer ${cause.id} is due ${armed.due - at} ms later`;
        actor.timers.delete(cause.id);
        return undefined;
      }
      case "message": {
        const waiting = this.#sent.get(name) ?? [];
        const at = waiting.findIndex((each) => each.from === cause.from && isSameData(each.event, event));
        if (at < 0) return this.#isWhole ? `${cause.from} has not sent it` : undefined;
        if (at > 0 && this.#isWhole) return `${waiting[0]!.event.type} of ${waiting[0]!.from} was sent before`;
        waiting.splice(at, 1);
        return undefined;
      }
      case "world": {
        const facts = this.options.facts[actor.machine!.id] ?? [];
        return facts.includes(event.type) ? undefined : "it is no fact that comes by itself";
      }
      case "start":
        return undefined;
    }
  }

  /** Of an actor from before the trace its first record is believed. */
  #meet(record: TracedTransition, machine: AnyStateMachine): undefined {
    const actor = new TracedActor();
    actor.machine = machine;
    actor.incarnation = record.incarnation;
    actor.isWhole = false;
    actor.knownFrom = record.firstOrder;
    this.#actors.set(record.actor, actor);
    this.#adopt(actor, record, snapshotOf(record, machine));
    return undefined;
  }

  #compare(actor: TracedActor, machine: AnyStateMachine, record: TracedTransition): TraceFault | undefined {
    const before = actor.snapshot;
    let made: Step<AnyStateMachine>;
    try {
      made = before === undefined ? firstStep(machine, record.input) : step(machine, before, record.event);
    } catch (error) {
      return this.#fault(record, `the chart throws: ${error instanceof Error ? error.message : String(error)}`);
    }
    const { value, context, status } = made.snapshot as AnyMachineSnapshot;
    const said = { value, context, status, orders: made.orders, timers: made.timers };
    const { snapshot, orders, timers } = record;
    // What came out of a file has lost what JSON does not know.
    const same = isLive(snapshot) ? said : JSON.parse(JSON.stringify(said)) as typeof said;
    const found = { value: snapshot.value, context: snapshot.context, status: snapshot.status, orders, timers };
    if (!isSameData(same, found)) {
      return this.#fault(record, `the chart makes something else of it: ${firstDifference(same, found)}`);
    }
    // A recorded snapshot of this process shares what did not change, and is quicker to compare with the next.
    this.#adopt(actor, record, isLive(snapshot) ? snapshot : made.snapshot as AnyMachineSnapshot);
    const all: TraceStep = {
      before,
      event: record.event,
      after: actor.snapshot!,
      orders,
      outstanding: [...actor.outstanding.values()],
    };
    for (const [rule, holds] of Object.entries(this.options.rules?.[machine.id] ?? {})) {
      if (!holds(all)) return this.#fault(record, `it breaks the rule "${rule}"`);
    }
    return undefined;
  }

  #adopt(actor: TracedActor, { orders, firstOrder, timers, at }: TracedTransition, snapshot: AnyMachineSnapshot): void {
    actor.snapshot = snapshot;
    for (const { id, delayMs, event } of timers) {
      if (delayMs === undefined || event === undefined) actor.timers.delete(id);
      else actor.timers.set(id, { due: at + delayMs, event });
    }
    const effects = effectsOf(actor.machine!);
    for (const [index, { type }] of orders.entries()) {
      const { answers = [], cancels = [] } = effects.get(type) ?? {};
      for (const [id, of] of actor.outstanding) if (cancels.includes(of)) actor.outstanding.delete(id);
      if (answers.length > 0) actor.outstanding.set(firstOrder + index, type);
    }
  }

  #fault(record: TracedTransition | TracedIncident, problem: string): TraceFault {
    return this.#wrong(record.actor, record.type === "transition" ? record.event.type : record.type, problem);
  }

  #wrong(actor: string, event: string, problem: string): TraceFault {
    return { sequence: this.#last, actor, event, problem, allowed: this.#allowed(actor) };
  }

  #allowed(name: string): string[] {
    const actor = this.#actors.get(name);
    if (actor?.snapshot === undefined || actor.machine === undefined) return ["a start"];
    const effects = effectsOf(actor.machine);
    const [next] = this.#sent.get(name) ?? [];
    const facts = this.options.facts[actor.machine.id] ?? [];
    return [
      ...[...actor.outstanding].map(([id, type]) =>
        `${effects.get(type)!.answers.join(" or ")} for order ${id} ${type}`
      ),
      ...[...actor.timers].map(([id, { due }]) => `timer ${id} from ${due} on`),
      ...(next === undefined ? [] : [`${next.event.type} of ${next.from}`]),
      ...(facts.length === 0 ? [] : [`${facts.join(", ")} by itself`]),
    ];
  }
}

function isLive(snapshot: object): snapshot is AnyMachineSnapshot {
  return "machine" in snapshot && typeof snapshot.machine === "object";
}

function snapshotOf({ snapshot }: TracedTransition, machine: AnyStateMachine): AnyMachineSnapshot {
  if (isLive(snapshot)) return snapshot;
  return machine.resolveState({ value: snapshot.value as never, context: snapshot.context });
}
