/**
 * A process of a simulated cluster: what runs in it, runs on its clock, and what it hears of the world comes through its
 * gates. When it is killed, nothing of it ever runs again, and no answer reaches it.
 */
import type { Clock, Wake } from "../../ports/clock.ts";

/** A machine on which processes run; its troubles are theirs. */
export class SimulatedHost {
  /** How far its wall clock is off. */
  wallOffsetMs = 0;
  /** What everything takes longer. */
  slowMs = 0;

  constructor(readonly name: string) {}
}

const noWake: Wake = { cancel() {} };

export class SimulatedProcess implements Clock {
  #alive = true;
  #stalledUntil = 0;
  readonly #onDeath = new Set<() => void>();

  /** `escaped`: an exception left a callback, which would end a real process or be reported by it. */
  constructor(
    readonly name: string,
    readonly host: SimulatedHost,
    readonly world: Clock,
    readonly escaped: (error: unknown, process: SimulatedProcess) => void,
  ) {}

  get alive(): boolean {
    return this.#alive;
  }

  now(): number {
    return this.world.now();
  }

  wallTime(): number {
    return this.world.wallTime() + this.host.wallOffsetMs;
  }

  wakeAt(at: number, callback: () => void): Wake {
    if (!this.#alive) return noWake;
    return this.world.wakeAt(at + this.host.slowMs, () => this.#run(callback));
  }

  soon(callback: () => void): void {
    if (!this.#alive) return;
    const { slowMs } = this.host;
    if (slowMs > 0) this.world.wakeAt(this.now() + slowMs, () => this.#run(callback));
    else this.world.soon(() => this.#run(callback));
  }

  /** It gets no processor until then; what was due meanwhile comes late. */
  stall(untilMs: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, untilMs);
  }

  /** Ends it, as SIGKILL does. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const listener of this.#onDeath) listener();
    this.#onDeath.clear();
  }

  /** Called at once when it is dead already. Returns how to call it off. */
  onDeath(listener: () => void): () => void {
    if (!this.#alive) {
      listener();
      return () => {};
    }
    this.#onDeath.add(listener);
    return () => void this.#onDeath.delete(listener);
  }

  /** The same port, through which a dead process does nothing and hears nothing. Methods that answer promises only. */
  gate<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          if (!this.#alive) return never;
          const result: unknown = Reflect.apply(value, target, args);
          return result instanceof Promise ? this.hear(result) : result;
        };
      },
    });
  }

  /** An answer that reaches it only while it lives. */
  hear<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.#alive && resolve(value),
        (error) => this.#alive && reject(error),
      );
    });
  }

  #run(callback: () => void): void {
    if (!this.#alive) return;
    if (this.now() < this.#stalledUntil) {
      this.world.wakeAt(this.#stalledUntil, () => this.#run(callback));
      return;
    }
    try {
      callback();
    } catch (error) {
      this.escaped(error, this);
    }
  }
}

const never = new Promise<never>(() => {});
