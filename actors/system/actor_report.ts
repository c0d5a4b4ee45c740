import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import type { Address } from "./address.ts";
import type { Transition } from "./inspection.ts";

/** How an actor stands, for `explain` and the inspector. */
export interface ActorReport {
  readonly address: Address;
  readonly kind: string;
  readonly machine: AnyStateMachine;
  readonly supervisor: Address | undefined;
  readonly snapshot: AnyMachineSnapshot | undefined;
  readonly incarnation: number;
  readonly stateForMs: number;
  /** Why it is down at the moment, waiting to be started again. */
  readonly fault: string | undefined;
  readonly timers: readonly { readonly id: string; readonly inMs: number }[];
  readonly orders: readonly { readonly id: number; readonly type: string; readonly forMs: number }[];
  readonly recent: readonly Transition[];
}
