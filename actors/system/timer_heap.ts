/** A timer of an actor. `cancelled` ones stay in the heap until they come up or are swept. */
export interface Timer<Owner> {
  readonly due: number;
  readonly sequence: number;
  readonly owner: Owner;
  readonly id: string;
  readonly event: { readonly type: string };
  cancelled: boolean;
  /** It came up and is no longer in the heap; it may still be cancelled while its event waits its turn. */
  fired: boolean;
}

/** All timers of a process: a binary heap by due time, then by order of arming. */
export class TimerHeap<Owner> {
  #heap: Timer<Owner>[] = [];
  #sequence = 0;
  #cancelled = 0;

  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  /** The earliest due time. */
  get nextDue(): number | undefined {
    this.#dropCancelledHead();
    return this.#heap[0]?.due;
  }

  arm(due: number, owner: Owner, id: string, event: { readonly type: string }): Timer<Owner> {
    const timer: Timer<Owner> = { due, sequence: this.#sequence++, owner, id, event, cancelled: false, fired: false };
    this.#heap.push(timer);
    this.#siftUp(this.#heap.length - 1);
    return timer;
  }

  cancel(timer: Timer<Owner>): void {
    if (timer.cancelled) return;
    timer.cancelled = true;
    if (timer.fired) return;
    this.#cancelled++;
    // A pod that re-arms its back-off for a week must not grow the heap.
    if (this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) this.#sweep();
  }

  /** The earliest timer that is due at `now`, taken out. */
  popDue(now: number): Timer<Owner> | undefined {
    this.#dropCancelledHead();
    const head = this.#heap[0];
    if (head === undefined || head.due > now) return undefined;
    this.#pop();
    head.fired = true;
    return head;
  }

  #dropCancelledHead(): void {
    while (this.#heap[0]?.cancelled) {
      this.#pop();
      this.#cancelled--;
    }
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((timer) => !timer.cancelled).sort(compare);
    this.#cancelled = 0;
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#siftDown();
  }

  #siftUp(start: number): void {
    const heap = this.#heap;
    let index = start;
    const timer = heap[index]!;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (compare(heap[above]!, timer) <= 0) break;
      heap[index] = heap[above]!;
      index = above;
    }
    heap[index] = timer;
  }

  #siftDown(): void {
    const heap = this.#heap;
    const timer = heap[0]!;
    let index = 0;
    while (true) {
      let below = index * 2 + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && compare(heap[below + 1]!, heap[below]!) < 0) below++;
      if (compare(timer, heap[below]!) <= 0) break;
      heap[index] = heap[below]!;
      index = below;
    }
    heap[index] = timer;
  }
}

function compare(a: Timer<unknown>, b: Timer<unknown>): number {
  return a.due - b.due || a.sequence - b.sequence;
}
