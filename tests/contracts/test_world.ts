/** Time and chance for tests of ports: a clock that is moved by hand but lets the event loop turn, and seeded draws. */
import type { Clock, Wake } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";

/** Time stands still until `advance`; `soon` is the event loop's next turn. */
export class HandClock implements Clock {
  #now = 0;
  #sleepers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return Date.UTC(2026, 0, 1) + this.#now;
  }

  wakeAt(at: number, callback: () => void): Wake {
    const sleeper = { at, callback };
    this.#sleepers.add(sleeper);
    return { cancel: () => void this.#sleepers.delete(sleeper) };
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  /** Lets time pass, waking whoever is due on the way. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.at);
      this.#sleepers.delete(due);
      due.callback();
    }
    this.#now = end;
  }
}

/** The same draws for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256));
  return {
    next,
    bytes,
    uuid: () => Array.from(bytes(16), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}
