/** The latest changes of a resource, for watches that start in the past; bounded in number and in bytes. */
import type { CacheEvent } from "./watcher.ts";

const maxEvents = 8_192;
const maxBytes = 32 * 1024 * 1024;
/** A watch that was just told something can always go on. */
const minEvents = 128;

export class EventHistory {
  /** Forgotten places are empty: what stood there would be held on to until the list is cut. */
  #events: (CacheEvent | undefined)[] = [];
  /** Events before this place are forgotten. */
  #first = 0;
  #bytes = 0;
  /** Every change after this revision is kept. */
  floor = 0;

  add(event: CacheEvent): void {
    this.#events.push(event);
    this.#bytes += event.size;
    while (this.#isFull()) {
      const oldest = this.#events[this.#first]!;
      this.#events[this.#first++] = undefined;
      this.#bytes -= oldest.size;
      this.floor = oldest.revision;
    }
    if (this.#first > maxEvents) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
  }

  #isFull(): boolean {
    const count = this.#events.length - this.#first;
    return count > maxEvents || (count > minEvents && this.#bytes > maxBytes);
  }

  /** Oldest first. */
  *[Symbol.iterator](): Generator<CacheEvent> {
    for (let i = this.#first; i < this.#events.length; i++) yield this.#events[i]!;
  }

  clear(floor: number): void {
    this.#events = [];
    this.#first = 0;
    this.#bytes = 0;
    this.floor = floor;
  }
}
