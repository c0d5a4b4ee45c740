import type { AnyMachineSnapshot, EventObject } from "xstate";
import type { EffectDeclaration } from "../../machines/effect.ts";
import type { ActorKind } from "./actor_kind.ts";
import type { Address } from "./address.ts";
import type { Transition } from "./inspection.ts";
import type { Timer } from "./timer_heap.ts";

/** An order that awaits its answer. */
export interface Outstanding {
  readonly id: number;
  readonly type: string;
  readonly declaration: EffectDeclaration;
  readonly givenAt: number;
  readonly trace: number;
  /** The answer is on its way through the run queue; until it is delivered the order can still be called off. */
  answered: boolean;
  /** Made when a performer asks for the signal. */
  abort: AbortController | undefined;
}

/**
 * An actor as the system holds it: about a kilobyte when idle, so everything that many never need is made on first
 * use.
 */
export class ActorCell {
  snapshot: AnyMachineSnapshot | undefined;
  /** Counts starts; what an earlier incarnation ordered can no longer answer. */
  incarnation = 0;
  alive = true;
  /** Monotonic ms of the last transition that entered a state. */
  stateSince = 0;
  /** Monotonic ms of this incarnation's start. */
  startedAt = 0;
  faultsInARow = 0;
  /** Set while the actor waits to be started again. */
  fault: string | undefined;
  children: Set<ActorCell> | undefined;
  timers: Map<string, Timer<ActorCell>> | undefined;
  outstanding: Map<number, Outstanding> | undefined;
  subscribers: Set<(snapshot: AnyMachineSnapshot) => void> | undefined;
  #orders = 0;
  #ring: Transition[] | undefined;
  #ringNext = 0;

  constructor(
    readonly kind: ActorKind,
    readonly address: Address,
    readonly supervisor: ActorCell | undefined,
    readonly input: unknown,
    readonly recover: (() => unknown) | undefined,
    readonly onStopped: (() => void) | undefined,
  ) {}

  /** The number that its next order will have. */
  get orderAhead(): number {
    return this.#orders + 1;
  }

  nextOrder(): number {
    return ++this.#orders;
  }

  remember(transition: Transition): void {
    this.#ring ??= [];
    this.#ring[this.#ringNext] = transition;
    this.#ringNext = (this.#ringNext + 1) % this.kind.recent;
  }

  /** The last transitions, oldest first. */
  recent(): Transition[] {
    const ring = this.#ring ?? [];
    return ring.length < this.kind.recent
      ? [...ring]
      : [...ring.slice(this.#ringNext), ...ring.slice(0, this.#ringNext)];
  }
}

/** What waits in the run queue. */
export interface Delivery {
  readonly cell: ActorCell;
  readonly incarnation: number;
  readonly event: EventObject;
  readonly cause: Transition["cause"];
  readonly trace: number;
  /** For a timer: it must still be armed when its turn comes. */
  readonly timer: Timer<ActorCell> | undefined;
  /** For an answer: its order must not have been called off when its turn comes. */
  readonly order: Outstanding | undefined;
}
