/**
 * The states that several workers have seen, by their 64-bit fingerprints, in memory that they share. Each state is
 * new to exactly one of them.
 */

/** At the start: how many states there are. */
const head = 1;
const smallest = 1 << 18;

export class SharedStates {
  readonly #slots: Int32Array;
  readonly #mask: number;

  constructor(readonly memory: SharedArrayBuffer) {
    this.#slots = new Int32Array(memory);
    this.#mask = (this.#slots.length - head) / 2 - 1;
  }

  static empty(slots = smallest): SharedStates {
    return new SharedStates(new SharedArrayBuffer((head + slots * 2) * 4));
  }

  get size(): number {
    return Atomics.load(this.#slots, 0);
  }

  /** Before anything else is added there must be a larger one: room is left for what all workers add meanwhile. */
  get isFull(): boolean {
    return this.size * 10 > this.#mask * 6;
  }

  /** Whether the state is new; to one worker only, whoever is first. */
  add(low: number, high: number): boolean {
    // Zero says that nothing is there (yet).
    const first = low === 0 ? 1 : low;
    const second = high === 0 ? 1 : high;
    const slots = this.#slots;
    let slot = (first ^ second >>> 7) & this.#mask;
    for (let tries = 0; tries <= this.#mask; tries++) {
      const at = head + slot * 2;
      let there = slots[at]!;
      if (there === 0) there = Atomics.compareExchange(slots, at, 0, first);
      if (there === 0) {
        Atomics.store(slots, at + 1, second);
        Atomics.add(slots, 0, 1);
        return true;
      }
      if (there === first) {
        let other = slots[at + 1]!;
        // Another worker is between its two writes.
        while (other === 0) other = Atomics.load(slots, at + 1);
        if (other === second) return false;
      }
      slot = slot + 1 & this.#mask;
    }
    throw new Error("Cannot go on: the table of states is full");
  }

  /** One of twice the size with the same states; nobody may add to this one meanwhile. */
  grown(): SharedStates {
    const larger = SharedStates.empty((this.#mask + 1) * 2);
    for (let at = head; at < this.#slots.length; at += 2) {
      if (this.#slots[at] !== 0) larger.add(this.#slots[at]!, this.#slots[at + 1]!);
    }
    return larger;
  }

  get bytes(): number {
    return this.memory.byteLength;
  }
}
