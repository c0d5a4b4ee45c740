/** Answers of somebody who is asked over the network, for as long as they are good. */
import type { Clock } from "../../../ports/clock.ts";

const atMost = 4_096;

export class Remembered<T> {
  readonly #clock: Pick<Clock, "now">;
  /** Least recently asked for first. */
  readonly #known = new Map<string, { readonly value: T; readonly until: number }>();
  readonly #asking = new Map<string, Promise<T>>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Who asks for the same at the same time waits for one answer. What fails is not remembered. */
  of(key: string, ask: () => Promise<T>, goodForMs: (value: T) => number): Promise<T> {
    const known = this.#known.get(key);
    if (known !== undefined && known.until > this.#clock.now()) return Promise.resolve(known.value);
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = ask().then((value) => {
        const ms = goodForMs(value);
        if (ms > 0) this.#keep(key, value, this.#clock.now() + ms);
        return value;
      }).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  #keep(key: string, value: T, until: number): void {
    this.#known.delete(key);
    if (this.#known.size >= atMost) this.#known.delete(this.#known.keys().next().value ?? "");
    this.#known.set(key, { value, until });
  }
}
