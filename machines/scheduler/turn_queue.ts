/** Who waits for a turn: higher priority first, then first come, first served. A binary heap. */
export class TurnQueue<T> {
  #heap: { readonly key: string; readonly priority: number; readonly sequence: number; readonly value: T }[] = [];
  #waiting = new Map<string, number>();
  #sequence = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** A key that waits already keeps its new entry only. */
  push(key: string, priority: number, value: T): void {
    const sequence = this.#sequence++;
    this.#waiting.set(key, sequence);
    const heap = this.#heap;
    const entry = { key, priority, sequence, value };
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (before(heap[above]!, entry)) break;
      heap[index] = heap[above]!;
      index = above;
    }
    heap[index] = entry;
  }

  remove(key: string): void {
    this.#waiting.delete(key);
  }

  shift(): T | undefined {
    while (true) {
      const first = this.#pop();
      if (first === undefined) return undefined;
      if (this.#waiting.get(first.key) !== first.sequence) continue;
      this.#waiting.delete(first.key);
      return first.value;
    }
  }

  #pop() {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    while (true) {
      let below = index * 2 + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
      if (before(last, heap[below]!)) break;
      heap[index] = heap[below]!;
      index = below;
    }
    heap[index] = last;
    return first;
  }
}

function before(a: { priority: number; sequence: number }, b: { priority: number; sequence: number }): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.sequence < b.sequence);
}
