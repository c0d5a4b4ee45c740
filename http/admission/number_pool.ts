/**
 * Numbers of a range, given out once each: addresses and ports. Who holds a number is its owner; the same owner may ask
 * for it again. What is asked for without naming a number comes from the upper part of the range, so that the lower part
 * stays free for those who name one (Kubernetes KEP-3070), until the upper is full.
 */

/** A number that could not be had. */
export type PoolRefusal = "taken" | "outOfRange" | "full";

export class NumberPool {
  readonly #owners = new Map<number, string>();
  readonly #numbers = new Map<string, Set<number>>();

  /** `first` to `last`, both included; `reserved` numbers from the start are given out last. */
  constructor(readonly first: number, readonly last: number, readonly reserved: number) {
    if (!(last >= first)) throw new Error(`Cannot make a pool: the range ${first}-${last} is empty`);
  }

  get free(): number {
    return this.last - this.first + 1 - this.#owners.size;
  }

  ownerOf(number: number): string | undefined {
    return this.#owners.get(number);
  }

  heldBy(owner: string): ReadonlySet<number> {
    return this.#numbers.get(owner) ?? new Set();
  }

  /** Takes exactly this number. */
  take(number: number, owner: string): PoolRefusal | undefined {
    if (number < this.first || number > this.last) return "outOfRange";
    const holder = this.#owners.get(number);
    if (holder !== undefined && holder !== owner) return "taken";
    this.#owners.set(number, owner);
    let numbers = this.#numbers.get(owner);
    if (numbers === undefined) this.#numbers.set(owner, numbers = new Set());
    numbers.add(number);
    return undefined;
  }

  /** Takes any free number; `draw` is uniform in [0, 1). */
  takeAny(owner: string, draw: number): number | "full" {
    const number = this.findFree(draw);
    if (number !== "full") this.take(number, owner);
    return number;
  }

  findFree(draw: number): number | "full" {
    if (this.free === 0) return "full";
    const upper = Math.min(this.first + this.reserved, this.last + 1);
    return this.#search(upper, this.last, draw) ?? this.#search(this.first, upper - 1, draw) ?? "full";
  }

  #search(low: number, high: number, draw: number): number | undefined {
    const size = high - low + 1;
    const start = Math.floor(draw * size);
    for (let step = 0; step < size; step++) {
      const number = low + (start + step) % size;
      if (!this.#owners.has(number)) return number;
    }
    return undefined;
  }

  /** Gives back one number, if `owner` holds it. */
  release(number: number, owner: string): void {
    if (this.#owners.get(number) !== owner) return;
    this.#owners.delete(number);
    const numbers = this.#numbers.get(owner);
    numbers?.delete(number);
    if (numbers?.size === 0) this.#numbers.delete(owner);
  }
}
