import type { Clock } from "../../ports/clock.ts";

/** One wake-up for all who wait: everybody goes on at the next beat. Nobody waiting, nothing wakes. */
export class Beat {
  #next: Promise<void> | undefined;

  constructor(readonly clock: Clock, readonly periodMs: number) {}

  next(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.clock.wakeAt(this.clock.now() + this.periodMs, () => {
      this.#next = undefined;
      resolve();
    });
    return this.#next = promise;
  }
}
