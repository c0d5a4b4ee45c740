import type { Clock, Wake } from "../../ports/clock.ts";
import { TimerHeap } from "../system/timer_heap.ts";

const noEvent = { type: "" };

/**
 * A clock that stands still until it is told to go on. Callbacks run inside `run` and `advance`, in order of time,
 * then of asking: two runs with the same calls are the same.
 */
export class ManualClock implements Clock {
  #now = 0;
  #soon: (() => void)[] = [];
  #sleepers = new TimerHeap<() => void>();

  /** `startedAt`: wall time at zero, ms since the epoch. */
  constructor(readonly startedAt = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.startedAt + Math.floor(this.#now);
  }

  wakeAt(at: number, callback: () => void): Wake {
    const sleeper = this.#sleepers.arm(at, callback, "", noEvent);
    return { cancel: () => this.#sleepers.cancel(sleeper) };
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /** When the earliest sleeper wakes. */
  get nextWake(): number | undefined {
    return this.#sleepers.nextDue;
  }

  /** Whether nothing waits for `run`. */
  get idle(): boolean {
    return this.#soon.length === 0;
  }

  /** Runs what waits, without letting time pass. */
  run(): void {
    while (this.#soon.length > 0) {
      const waiting = this.#soon;
      this.#soon = [];
      for (const callback of waiting) callback();
    }
  }

  /** Lets time pass while the process stands still, as a laptop that sleeps: who was to wake does so late. */
  pause(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Lets time pass, stopping at every sleeper on the way. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    this.run();
    for (let next = this.#sleepers.popDue(end); next !== undefined; next = this.#sleepers.popDue(end)) {
      this.#now = Math.max(this.#now, next.due);
      next.owner();
      this.run();
    }
    this.#now = end;
    this.run();
  }
}
