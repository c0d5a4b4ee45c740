import type { Clock } from "../../ports/clock.ts";

/**
 * The one queue that a process runs its actors from.
 *
 * First in, first out within a lane, hence per sender and receiver; the urgent lane (raft, timers) goes first. An
 * entry runs to completion. After 2 ms the queue lets waiting input in: microtask mailboxes would starve timers and
 * sockets.
 */
export class RunQueue<Entry> {
  #urgent = new Lane<Entry>();
  #normal = new Lane<Entry>();
  #scheduled = false;

  constructor(
    readonly clock: Clock,
    readonly run: (entry: Entry) => void,
  ) {}

  get length(): number {
    return this.#urgent.length + this.#normal.length;
  }

  push(entry: Entry, urgent: boolean): void {
    (urgent ? this.#urgent : this.#normal).push(entry);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.clock.soon(this.#turn);
  }

  #turn = (): void => {
    const deadline = this.clock.now() + 2;
    let count = 0;
    try {
      while (true) {
        const entry = this.#urgent.shift() ?? this.#normal.shift();
        if (entry === undefined) break;
        this.run(entry);
        if ((++count & 15) === 0 && this.clock.now() >= deadline) break;
      }
    } finally {
      this.#scheduled = false;
      if (this.length > 0) this.#schedule();
    }
  };
}

/** An array queue whose shift costs constant time. */
class Lane<Entry> {
  #entries: (Entry | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#entries.length - this.#head;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  shift(): Entry | undefined {
    if (this.#head === this.#entries.length) return undefined;
    const entry = this.#entries[this.#head];
    this.#entries[this.#head++] = undefined;
    if (this.#head === this.#entries.length) {
      this.#entries = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }
}
