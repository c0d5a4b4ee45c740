import { ManualClock } from "./manual_clock.ts";

/** Rounds after which a moment that never ends is reported. */
const maxRounds = 100_000;

/**
 * A manual clock for code that also waits for promises. A moment is over when the run queue is dry and one turn of the
 * event loop, in which every promise chain that is ready runs to its end, has brought nothing new.
 *
 * That is the same in every run as long as no promise waits for the outside world: a socket, a file, a hash made on
 * another thread.
 */
export class SimulatedClock extends ManualClock {
  /** Runs everything that can happen at this moment. */
  async settle(): Promise<void> {
    for (let round = 0; round < maxRounds; round++) {
      this.run();
      await turn();
      if (this.idle) return;
    }
    throw new Error(`Cannot settle at ${this.now()} ms: there was always more to do, ${maxRounds} times`);
  }

  /** Lets time pass, settling at every moment on the way in which somebody wakes. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.now() + milliseconds;
    await this.settle();
    for (let next = this.nextWake; next !== undefined && next <= end; next = this.nextWake) {
      this.advance(Math.max(0, next - this.now()));
      await this.settle();
    }
    this.advance(end - this.now());
    await this.settle();
  }

  /**
   * Lets time pass until the condition holds, looking at every moment in which somebody wakes.
   *
   * @throws Error when it does not within `limitMs`.
   */
  async until(condition: () => boolean, limitMs: number): Promise<void> {
    const end = this.now() + limitMs;
    await this.settle();
    while (!condition()) {
      const next = this.nextWake;
      if (next === undefined || next > end) {
        throw new Error(`Cannot go on at ${this.now()} ms: the condition does not hold within ${limitMs} ms`);
      }
      this.advance(Math.max(0, next - this.now()));
      await this.settle();
    }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
