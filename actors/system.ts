/**
 * The actor system: addresses, one run queue, timers, supervision, inspection.
 *
 * An actor is an address, a snapshot of its machine, and its armed timers. Facts come in, `step` decides, the snapshot
 * is committed, and only then are the orders carried out, in order. Facts are never dropped on the way to a living
 * actor; bounds sit at their sources. An actor that throws stops alone, is reported, and is started again after a
 * back-off from what its `recover` finds in the world; no snapshot is ever persisted.
 */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject, SnapshotFrom } from "xstate";
import { firstStep, type Step, step } from "../machines/step.ts";
import type { Clock, Wake } from "../ports/clock.ts";
import type { ActorHandle, SpawnOptionsOf } from "./system/actor_handle.ts";
import type { ActorReport } from "./system/actor_report.ts";
import { ActorCell, type Delivery, type Outstanding } from "./system/actor_cell.ts";
import type { ActorKind } from "./system/actor_kind.ts";
import { type Address } from "./system/address.ts";
import type { Cause, Counters, Incident, MessageObserver, Observer, Transition } from "./system/inspection.ts";
import { ObjectSteps } from "./system/object_steps.ts";
import { Observers } from "./system/observers.ts";
import { callOffAll, carryOutAll } from "./system/orders.ts";
import { RunQueue } from "./system/run_queue.ts";
import { TimerHeap } from "./system/timer_heap.ts";

export { type Address, address, displayAddress, partsOf } from "./system/address.ts";
export { type ActorKind, actorKind, type OrderContext, type Performers } from "./system/actor_kind.ts";
export type { ActorHandle, SpawnOptions } from "./system/actor_handle.ts";
export type { ActorReport } from "./system/actor_report.ts";
export type * from "./system/inspection.ts";

const restartBackOff = { firstMs: 100, maxMs: 30_000, forgetAfterMs: 60_000 };
/** A wake-up this late means that the process was paused: input that waited goes before timers. */
const pausedMs = 100;
/** Turns of the event loop that such input is given: the bytes of a socket become a fact only after a few. */
const turnsForInput = 4;

export class ActorSystem {
  readonly clock: Clock;
  /** What is done for objects beside the charts. */
  readonly steps = new ObjectSteps(() => ({ sequence: ++this.#sequence, wallTime: this.clock.wallTime() }));
  readonly counters: Counters = { transitions: 0, unhandled: 0, deadMessages: 0, lateAnswers: 0, faults: 0 };
  #cells = new Map<Address, ActorCell>();
  #queue: RunQueue<Delivery>;
  #timers = new TimerHeap<ActorCell>();
  #wake: Wake | undefined;
  #wakeAt = Infinity;
  readonly #observers: Observers;
  #sequence = 0;
  /** The trace of the transition whose orders are carried out now: what they bring about belongs to it. 0: none. */
  #carriedOut = 0;
  #restarts = new Map<ActorCell, Wake>();

  constructor(ports: { clock: Clock }) {
    this.clock = ports.clock;
    this.#observers = new Observers(this.clock, this.counters);
    this.#queue = new RunQueue(this.clock, (delivery) => this.#deliver(delivery));
  }

  get size(): number {
    return this.#cells.size;
  }

  /**
   * Starts an actor: its first step is made at once, its first orders go out before this returns.
   *
   * @throws Error when the address is taken or the supervisor is not there.
   */
  spawn<M extends AnyStateMachine>(kind: ActorKind<M>, options: SpawnOptionsOf<M>): ActorHandle<M> {
    if (this.#cells.has(options.address)) throw new Error(`Cannot spawn actor: address "${options.address}" is taken`);
    let supervisor: ActorCell | undefined;
    if (options.supervisor !== undefined) {
      supervisor = this.#cells.get(options.supervisor);
      if (supervisor === undefined) {
        throw new Error(`Cannot spawn actor "${options.address}": its supervisor "${options.supervisor}" is not there`);
      }
    }
    const cell = new ActorCell(
      kind as unknown as ActorKind,
      options.address,
      supervisor,
      options.input,
      options.recover,
      options.onStopped,
    );
    this.#cells.set(cell.address, cell);
    if (supervisor !== undefined) (supervisor.children ??= new Set()).add(cell);
    this.#start(cell, options.input, { by: "start" }, this.#carriedOut);
    return this.#handle<M>(cell);
  }

  /** The living actor at an address. */
  get(at: Address): ActorHandle | undefined {
    const cell = this.#cells.get(at);
    return cell === undefined ? undefined : this.#handle(cell);
  }

  /** Every living actor's address, in order of starting. */
  addresses(): IterableIterator<Address> {
    return this.#cells.keys();
  }

  /** A message or, without `from`, a fact of the outside world. An address where nobody is counts a dead message. */
  tell<E extends EventObject>(to: Address, event: E, from?: Address, trace?: number): void {
    const cell = this.#cells.get(to);
    if (cell === undefined) {
      this.counters.deadMessages++;
      this.#incident("message.dead", to, 0, event.type);
      return;
    }
    const cause: Cause = from === undefined ? { by: "world" } : { by: "message", from };
    if (from !== undefined) this.#observers.sent({ from, to, event });
    this.#enqueue(cell, event, cause, trace ?? this.#carriedOut);
  }

  /** Ends an actor and, first, those it supervises. Its outstanding orders are aborted. Idempotent. */
  stop(at: Address): void {
    const cell = this.#cells.get(at);
    if (cell !== undefined) this.#remove(cell, "stopped");
  }

  /** Ends everybody, children first, the youngest root first. */
  stopAll(): void {
    for (const cell of [...this.#cells.values()].reverse()) if (cell.alive) this.#remove(cell, "system stopped");
    this.#wake?.cancel();
    this.#wake = undefined;
    this.#wakeAt = Infinity;
  }

  /** Watches every transition and incident from now on, and the messages between actors; returns how to stop. */
  inspect(observer: Observer, sent?: MessageObserver): () => void {
    return this.#observers.add(observer, sent);
  }

  report(at: Address): ActorReport | undefined {
    const cell = this.#cells.get(at);
    if (cell === undefined) return undefined;
    const now = this.clock.now();
    return {
      address: cell.address,
      kind: cell.kind.name,
      machine: cell.kind.machine,
      supervisor: cell.supervisor?.address,
      snapshot: cell.snapshot,
      incarnation: cell.incarnation,
      stateForMs: now - cell.stateSince,
      fault: cell.fault,
      timers: [...cell.timers?.values() ?? []].map(({ id, due }) => ({ id, inMs: Math.max(0, due - now) })),
      orders: [...cell.outstanding?.values() ?? []].map(({ id, type, givenAt }) => ({
        id,
        type,
        forMs: now - givenAt,
      })),
      recent: cell.recent(),
    };
  }

  #handle<M extends AnyStateMachine>(cell: ActorCell): ActorHandle<M> {
    return {
      id: cell.address,
      get alive() {
        return cell.alive;
      },
      send: (event) => this.tell(cell.address, event as EventObject),
      getSnapshot: () => cell.snapshot as SnapshotFrom<M>,
      subscribe: (listener) => {
        const untyped = listener as (snapshot: AnyMachineSnapshot) => void;
        (cell.subscribers ??= new Set()).add(untyped);
        return { unsubscribe: () => void cell.subscribers?.delete(untyped) };
      },
    };
  }

  #enqueue(
    cell: ActorCell,
    event: EventObject,
    cause: Cause,
    trace: number,
    order?: Outstanding,
  ): void {
    const { incarnation } = cell;
    this.#queue.push({ cell, incarnation, event, cause, trace, timer: undefined, order }, cell.kind.urgent);
  }

  #start(cell: ActorCell, input: unknown, cause: Cause, trace: number): void {
    cell.incarnation++;
    cell.startedAt = cell.stateSince = this.clock.now();
    let first: Step<AnyStateMachine>;
    try {
      first = firstStep(cell.kind.machine, input);
    } catch (error) {
      this.#fail(cell, error, "xstate.init");
      return;
    }
    cell.fault = undefined;
    this.#commit(cell, first, { type: "xstate.init" }, cause, trace, input);
  }

  #deliver({ cell, incarnation, event, cause, trace, timer, order }: Delivery): void {
    if (order !== undefined && !this.#takeAnswered(cell, order, incarnation, event)) return;
    // Left behind: the actor is gone, or its timer was called off or armed anew while the event waited its turn.
    if (!cell.alive) {
      this.counters.deadMessages++;
      this.#incident("message.dead", cell.address, incarnation, event.type);
      return;
    }
    if (timer !== undefined) {
      if (timer.cancelled || cell.timers?.get(timer.id) !== timer) return;
      cell.timers.delete(timer.id);
    }
    // What comes while an actor waits to be started again belongs to its former life: `recover` looks at the world.
    if (cell.snapshot === undefined) {
      this.counters.deadMessages++;
      return this.#incident("message.dead", cell.address, incarnation, `${event.type} (waiting to be started again)`);
    }
    let next: Step<AnyStateMachine>;
    try {
      next = step(cell.kind.machine, cell.snapshot, event);
    } catch (error) {
      this.#fail(cell, error, event.type);
      return;
    }
    this.#commit(cell, next, event, cause, trace);
  }

  /** Whether the answered order still stands: the actor may have called it off while the answer waited its turn. */
  #takeAnswered(cell: ActorCell, order: Outstanding, incarnation: number, event: EventObject): boolean {
    if (cell.outstanding?.get(order.id) === order) return cell.outstanding.delete(order.id);
    this.#orderHost.late(cell, incarnation, `${event.type} for order ${order.id} ${order.type}`);
    return false;
  }

  #commit(
    cell: ActorCell,
    next: Step<AnyStateMachine>,
    event: EventObject,
    cause: Cause,
    trace: number,
    input?: unknown,
  ): void {
    const now = this.clock.now();
    const previous = cell.snapshot;
    cell.snapshot = next.snapshot;
    if (previous === undefined || next.edges.some((edge) => edge.targets.length > 0)) cell.stateSince = now;
    this.counters.transitions++;
    if (next.edges.length === 0 && previous !== undefined) this.counters.unhandled++;
    const sequence = ++this.#sequence;
    const transition: Transition = {
      type: "transition",
      sequence,
      at: now,
      wallTime: this.clock.wallTime(),
      actor: cell.address,
      incarnation: cell.incarnation,
      event,
      cause,
      trace: trace || sequence,
      previous,
      snapshot: next.snapshot,
      edges: next.edges,
      guards: next.guards,
      orders: next.orders,
      firstOrder: cell.orderAhead,
      timers: next.timers,
      input,
    };
    cell.remember(transition);
    if (this.#observers.size > 0) this.#observers.notify(transition);
    for (const { id, delayMs, event: due } of next.timers) {
      if (delayMs === undefined || due === undefined) this.#disarm(cell, id);
      else this.#arm(cell, id, now + delayMs, due);
    }
    const outer = this.#carriedOut;
    this.#carriedOut = transition.trace;
    if (carryOutAll(cell, next, transition.trace, this.#orderHost)) {
      for (const listener of [...cell.subscribers ?? []]) {
        this.#observers.tell(() => listener(next.snapshot), () => cell.subscribers?.delete(listener));
      }
      if (next.snapshot.status === "done" && cell.alive) this.#remove(cell, "done");
    }
    this.#carriedOut = outer;
  }

  /** What carrying out orders needs of the system. */
  #orderHost = {
    now: () => this.clock.now(),
    tell: (to: Address, event: EventObject, from: Address, trace: number) => this.tell(to, event, from, trace),
    answer: (cell: ActorCell, event: EventObject, order: Outstanding) =>
      this.#enqueue(cell, event, { by: "order", order: order.id, type: order.type }, order.trace, order),
    late: (cell: ActorCell, incarnation: number, detail: string) => {
      this.counters.lateAnswers++;
      this.#incident("answer.late", cell.address, incarnation, detail);
    },
    fail: (cell: ActorCell, error: unknown, during: string) => this.#fail(cell, error, during),
  };

  #arm(cell: ActorCell, id: string, due: number, event: EventObject): void {
    this.#disarm(cell, id);
    (cell.timers ??= new Map()).set(id, this.#timers.arm(due, cell, id, event));
    this.#setWake(due);
  }

  #disarm(cell: ActorCell, id: string): void {
    const timer = cell.timers?.get(id);
    if (timer === undefined) return;
    cell.timers?.delete(id);
    this.#timers.cancel(timer);
  }

  #setWake(due: number): void {
    if (due >= this.#wakeAt) return;
    this.#wake?.cancel();
    this.#wakeAt = due;
    this.#wake = this.clock.wakeAt(due, () => {
      if (this.clock.now() - due > pausedMs) this.#fireAfterInput(turnsForInput);
      else this.#fireDue(true);
    });
  }

  #fireAfterInput(turns: number): void {
    this.clock.soon(() => turns > 1 ? this.#fireAfterInput(turns - 1) : this.#fireDue(false));
  }

  /** Timers go before other events, unless those have waited through a pause: a renewal that is here is no silence. */
  #fireDue(urgent: boolean): void {
    this.#wake = undefined;
    this.#wakeAt = Infinity;
    const now = this.clock.now();
    for (let timer = this.#timers.popDue(now); timer !== undefined; timer = this.#timers.popDue(now)) {
      const { owner: cell, event, id } = timer;
      const { incarnation } = cell;
      this.#queue.push(
        { cell, incarnation, event, cause: { by: "timer", id }, trace: 0, timer, order: undefined },
        urgent,
      );
    }
    const next = this.#timers.nextDue;
    if (next !== undefined) this.#setWake(next);
  }

  /** The actor threw: it stops alone, with those it supervises, and is started again after a back-off. */
  #fail(cell: ActorCell, error: unknown, during: string): void {
    if (!cell.alive) return;
    const now = this.clock.now();
    const reason = error instanceof Error ? error.stack ?? error.message : String(error);
    this.counters.faults++;
    this.#incident("actor.failed", cell.address, cell.incarnation, `${during}: ${reason}`);
    if (this.#restarts.has(cell)) return; // What was still under way failed too: one start will do.
    this.#release(cell);
    if (now - cell.startedAt > restartBackOff.forgetAfterMs) cell.faultsInARow = 0;
    cell.snapshot = undefined;
    cell.fault = `${during}: ${reason}`;
    const delay = Math.min(restartBackOff.maxMs, restartBackOff.firstMs * 2 ** Math.min(20, cell.faultsInARow));
    cell.faultsInARow++;
    const wake = this.clock.wakeAt(now + delay, () => {
      this.#restarts.delete(cell);
      if (!cell.alive) return;
      let input = cell.input;
      try {
        if (cell.recover !== undefined) input = cell.recover();
      } catch (again) {
        return this.#fail(cell, again, "recover");
      }
      this.#start(cell, input, { by: "start" }, 0);
    });
    this.#restarts.set(cell, wake);
  }

  #remove(cell: ActorCell, detail: string): void {
    this.#release(cell);
    cell.alive = false;
    this.#restarts.get(cell)?.cancel();
    this.#restarts.delete(cell);
    this.#cells.delete(cell.address);
    cell.supervisor?.children?.delete(cell);
    this.#incident("actor.stopped", cell.address, cell.incarnation, detail);
    cell.onStopped?.();
  }

  /** Lets go of children, timers and orders. */
  #release(cell: ActorCell): void {
    if (cell.children !== undefined) {
      for (const child of [...cell.children].reverse()) this.#remove(child, "its supervisor ended");
    }
    for (const timer of cell.timers?.values() ?? []) this.#timers.cancel(timer);
    cell.timers = undefined;
    callOffAll(cell);
  }

  #incident(type: Incident["type"], actor: Address, incarnation: number, detail: string): void {
    if (this.#observers.size === 0) return;
    const at = this.clock.now();
    const wallTime = this.clock.wallTime();
    this.#observers.notify({ type, sequence: ++this.#sequence, at, wallTime, actor, incarnation, detail });
  }
}
