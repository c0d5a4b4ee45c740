import type { Clock, Wake } from "../../ports/clock.ts";

interface Sleeper {
  readonly at: number;
  readonly sequence: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until it is told to go on. Callbacks run inside `run` and `advance`, in order of time,
 * then of asking: two runs with the same calls are the same.
 */
export class ManualClock implements Clock {
  #now = 0;
  #sequence = 0;
  #soon: (() => void)[] = [];
  #sleepers = new Set<Sleeper>();

  /** `startedAt`: wall time at zero, ms since the epoch. */
  constructor(readonly startedAt = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.startedAt + Math.floor(this.#now);
  }

  wakeAt(at: number, callback: () => void): Wake {
    const sleeper: Sleeper = { at, sequence: this.#sequence++, callback };
    this.#sleepers.add(sleeper);
    return { cancel: () => void this.#sleepers.delete(sleeper) };
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /** When the earliest sleeper wakes. */
  get nextWake(): number | undefined {
    return this.#earliest()?.at;
  }

  /** Runs what waits, without letting time pass. */
  run(): void {
    while (this.#soon.length > 0) {
      const waiting = this.#soon;
      this.#soon = [];
      for (const callback of waiting) callback();
    }
  }

  /** Lets time pass, stopping at every sleeper on the way. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    this.run();
    for (let next = this.#earliest(); next !== undefined && next.at <= end; next = this.#earliest()) {
      this.#now = Math.max(this.#now, next.at);
      this.#sleepers.delete(next);
      next.callback();
      this.run();
    }
    this.#now = end;
    this.run();
  }

  #earliest(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (
        first === undefined || sleeper.at < first.at || (sleeper.at === first.at && sleeper.sequence < first.sequence)
      ) {
        first = sleeper;
      }
    }
    return first;
  }
}
