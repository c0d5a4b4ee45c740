import type { AnyStateMachine, EventFromLogic, InputFrom, SnapshotFrom } from "xstate";
import type { Address } from "./address.ts";

/** A handle on a living or former actor; enough of XState's `ActorRef` for its tools to attach. */
export interface ActorHandle<M extends AnyStateMachine = AnyStateMachine> {
  readonly id: Address;
  readonly alive: boolean;
  send(event: EventFromLogic<M>): void;
  getSnapshot(): SnapshotFrom<M>;
  subscribe(listener: (snapshot: SnapshotFrom<M>) => void): { unsubscribe(): void };
}

export interface SpawnOptions<M extends AnyStateMachine> {
  readonly address: Address;
  /** Stopped with its supervisor. Absent: a root. */
  readonly supervisor?: Address;
  readonly input: InputFrom<M>;
  /** The input for a start after a fault; absent: `input` again. */
  readonly recover?: () => InputFrom<M>;
  /** Lets go of what was made for the actor in the actor layer (subscriptions, sockets), once it is gone for good. */
  readonly onStopped?: () => void;
}

/** The options for whichever kind is given: resolved first, so that inputs need no annotation (see actor_kind.ts). */
export type SpawnOptionsOf<M> = M extends AnyStateMachine ? SpawnOptions<M> : never;
