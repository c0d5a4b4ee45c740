/** A run of live actors as data: what each did, in the order in which it happened. */
import type { EventObject } from "xstate";
import type { Order, TimerChange } from "../step.ts";

export type TracedCause =
  | { readonly by: "order"; readonly order: number; readonly type: string }
  | { readonly by: "message"; readonly from: string }
  | { readonly by: "timer"; readonly id: string }
  | { readonly by: "world" | "start" };

/** Where an actor is afterwards. */
export interface TracedSnapshot {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
}

/** An event and what an actor made of it. */
export interface TracedTransition {
  readonly type: "transition";
  /** Counts every record of the process but messages; 1 is the first of a new process. */
  readonly sequence: number;
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly actor: string;
  readonly incarnation: number;
  readonly event: EventObject;
  readonly cause: TracedCause;
  /** What it started with; for starts. */
  readonly input?: unknown;
  readonly snapshot: TracedSnapshot;
  readonly orders: readonly Order[];
  /** The number of its first order; those after it follow. */
  readonly firstOrder: number;
  readonly timers: readonly TimerChange[];
}

export interface TracedIncident {
  readonly type: "actor.stopped" | "actor.failed" | "message.dead" | "answer.late";
  readonly sequence: number;
  readonly at: number;
  readonly actor: string;
  readonly incarnation: number;
  readonly detail: string;
}

/** A message of one actor to another that is there. */
export interface TracedMessage {
  readonly type: "message.sent";
  readonly from: string;
  readonly to: string;
  readonly event: EventObject;
}

export type TraceRecord = TracedTransition | TracedIncident | TracedMessage;

/** What in a trace was not allowed. */
export interface TraceFault {
  /** Of the record; of a message, of the last record before it. */
  readonly sequence: number;
  readonly actor: string;
  /** The event's type, or what else the record says. */
  readonly event: string;
  readonly problem: string;
  /** What could have happened to the actor instead. */
  readonly allowed: readonly string[];
}

export function sayFault({ sequence, actor, event, problem, allowed }: TraceFault): string {
  const instead = allowed.length === 0 ? "nothing" : allowed.join("; ");
  return `Record ${sequence}, ${actor}, ${event}: ${problem}. Allowed was: ${instead}`;
}
