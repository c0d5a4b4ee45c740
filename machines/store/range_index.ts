/**
 * Which of many ranges hold a key, without asking each: exact keys in a map, ranges in a tree over their sorted starts
 * in which every node knows the last end below it. The tree is made anew when enough has changed; what was added since
 * is in a short list.
 */
import { compareKeys, inRange, noEnd } from "./key_order.ts";

export interface Range {
  readonly key: string;
  readonly end?: string;
}

const fewAdded = 32;

export class RangeIndex<T extends Range> {
  #exact = new Map<string, Set<T>>();
  #ranges = new Set<T>();
  #added: T[] = [];
  #removed = 0;
  /** Sorted by start; the tree is implicit: the middle of every stretch is its root. */
  #sorted: T[] = [];
  /** `#lastEnd[i]`: the last end in the stretch whose root is i; undefined: without end. */
  #lastEnd: (string | undefined)[] = [];

  get size(): number {
    return this.#exact.size + this.#ranges.size;
  }

  add(item: T): void {
    if (item.end === undefined) {
      const same = this.#exact.get(item.key);
      if (same === undefined) this.#exact.set(item.key, new Set([item]));
      else same.add(item);
      return;
    }
    this.#ranges.add(item);
    this.#added.push(item);
    if (this.#added.length > fewAdded + (this.#sorted.length >> 3)) this.#build();
  }

  delete(item: T): void {
    if (item.end === undefined) {
      const same = this.#exact.get(item.key);
      if (same?.delete(item) && same.size === 0) this.#exact.delete(item.key);
    } else if (this.#ranges.delete(item) && ++this.#removed > fewAdded + (this.#sorted.length >> 1)) this.#build();
  }

  /** Calls back for every item that holds the key, in no particular order. */
  matches(key: string, found: (item: T) => void): void {
    const exact = this.#exact.get(key);
    if (exact !== undefined) { for (const item of exact) found(item); }
    if (this.#ranges.size === 0) return;
    this.#stab(0, this.#sorted.length, key, found);
    for (const item of this.#added) {
      if (this.#ranges.has(item) && inRange(key, item.key, item.end)) found(item);
    }
  }

  #stab(from: number, to: number, key: string, found: (item: T) => void): void {
    if (from >= to) return;
    const root = (from + to) >> 1;
    const lastEnd = this.#lastEnd[root];
    if (lastEnd !== undefined && compareKeys(key, lastEnd) >= 0) return;
    this.#stab(from, root, key, found);
    const item = this.#sorted[root]!;
    if (compareKeys(key, item.key) < 0) return;
    if (inRange(key, item.key, item.end) && this.#ranges.has(item)) found(item);
    this.#stab(root + 1, to, key, found);
  }

  #build(): void {
    this.#sorted = [...this.#ranges].sort((a, b) => compareKeys(a.key, b.key));
    this.#added = [];
    this.#removed = 0;
    this.#lastEnd = new Array(this.#sorted.length);
    this.#measure(0, this.#sorted.length);
  }

  #measure(from: number, to: number): { end: string | undefined } | undefined {
    if (from >= to) return undefined;
    const root = (from + to) >> 1;
    let last: { end: string | undefined } = { end: endOf(this.#sorted[root]!) };
    for (const side of [this.#measure(from, root), this.#measure(root + 1, to)]) {
      if (side !== undefined && isLater(side.end, last.end)) last = side;
    }
    this.#lastEnd[root] = last.end;
    return last;
  }
}

function endOf(item: Range): string | undefined {
  return item.end === noEnd ? undefined : item.end;
}

function isLater(a: string | undefined, b: string | undefined): boolean {
  if (b === undefined) return false;
  return a === undefined || compareKeys(a, b) > 0;
}
