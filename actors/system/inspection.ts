/**
 * The inspection stream: what happened to which actor, and why. Observers get objects by reference, synchronously;
 * whoever needs them longer or elsewhere serialises them. Nobody watching costs nothing beyond the ring of the last
 * transitions that every actor keeps.
 */
import type { AnyMachineSnapshot, EventObject } from "xstate";
import type { Edge, GuardOutcome, Order, TimerChange } from "../../machines/step.ts";
import type { Address } from "./address.ts";

/** Why an event was delivered. */
export type Cause =
  /** The answer to an order of the actor itself. */
  | { readonly by: "order"; readonly order: number; readonly type: string }
  /** Another actor's message. */
  | { readonly by: "message"; readonly from: Address }
  /** A timer of the actor itself. */
  | { readonly by: "timer"; readonly id: string }
  /** A fact of the outside world that nobody ordered. */
  | { readonly by: "world" }
  /** The actor started, or was started again after a fault. */
  | { readonly by: "start" };

/** An event and what the actor made of it. */
export interface Transition {
  readonly type: "transition";
  /** Counts every record of the process. */
  readonly sequence: number;
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Milliseconds since the Unix epoch. */
  readonly wallTime: number;
  readonly actor: Address;
  readonly incarnation: number;
  readonly event: EventObject;
  readonly cause: Cause;
  /** The sequence number of the record in which the chain of causes began. */
  readonly trace: number;
  /** Before the step; undefined when the actor has just started. */
  readonly previous: AnyMachineSnapshot | undefined;
  readonly snapshot: AnyMachineSnapshot;
  readonly edges: readonly Edge[];
  readonly guards: readonly GuardOutcome[];
  readonly orders: readonly Order[];
  /** The number of its first order; those after it follow. */
  readonly firstOrder: number;
  readonly timers: readonly TimerChange[];
  /** What it started with; only of starts. */
  readonly input?: unknown;
}

/** A message of one actor to another that is there, before it arrives. */
export interface SentMessage {
  readonly type: "message.sent";
  readonly from: Address;
  readonly to: Address;
  readonly event: EventObject;
}

/** Something that happened to an actor or a message, beside its chart. */
export interface Incident {
  readonly type:
    | "actor.stopped"
    /** The actor threw; it is started again after a back-off. */
    | "actor.failed"
    /** An event for an address where nobody is. */
    | "message.dead"
    /** An answer to an order that is no longer outstanding. */
    | "answer.late";
  readonly sequence: number;
  readonly at: number;
  readonly wallTime: number;
  readonly actor: Address;
  readonly incarnation: number;
  readonly detail: string;
}

export type Inspection = Transition | Incident;
export type Observer = (inspection: Inspection) => void;
export type MessageObserver = (message: SentMessage) => void;

/** What is counted from the start of the process. */
export interface Counters {
  transitions: number;
  /** Events that no state handles. */
  unhandled: number;
  deadMessages: number;
  lateAnswers: number;
  faults: number;
}
