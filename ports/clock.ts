/** Time, as the actor system sees it. Real: `actors/real/`; simulated: `actors/simulated/`. */
export interface Clock {
  /** Monotonic milliseconds with a fraction, from an arbitrary zero. Never goes back, also when wall time does. */
  now(): number;
  /** Wall time in milliseconds since the Unix epoch. May jump. */
  wallTime(): number;
  /** Calls back once when `now()` has reached `at` (late, never early). */
  wakeAt(at: number, callback: () => void): Wake;
  /** Calls back after input that is already waiting has been delivered. */
  soon(callback: () => void): void;
}

/** A wake-up that can be called off. */
export interface Wake {
  cancel(): void;
}
