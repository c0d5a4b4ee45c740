/**
 * A clock that stands still until it is told to go on, while the code under it runs by itself: what waits for no time is
 * done in turns of the event loop, so that a test may simply await a call.
 */
import { ManualClock } from "../../actors/simulated/manual_clock.ts";

/** Quiet turns of the event loop after which nothing more is expected: promise chains end within one. */
const quietTurns = 4;
const maxTurns = 200_000;

export class SteadyClock extends ManualClock {
  #waiting = 0;
  #asked = 0;

  override soon(callback: () => void): void {
    this.#waiting++;
    this.#asked++;
    setImmediate(() => {
      this.#waiting--;
      callback();
    });
  }

  /** Until nothing can happen any more without time passing. */
  async settle(): Promise<void> {
    let quiet = 0;
    for (let turns = 0; turns < maxTurns; turns++) {
      const before = this.#asked;
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = this.#waiting === 0 && this.#asked === before ? quiet + 1 : 0;
      if (quiet >= quietTurns) return;
    }
    throw new Error(`Cannot settle at ${this.now()} ms: there was always more to do, ${maxTurns} turns long`);
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
}
