/** Tables of numbers in typed arrays: what has been seen, and what has been computed before. */

/** A 32-bit mix of a small number; the lanes of a fingerprint use different ones. */
export function mixLow(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

export function mixHigh(value: number): number {
  let mixed = Math.imul(value + 0x9e3779b9 ^ (value >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return mixed ^ (mixed >>> 15);
}

/** Both lanes of a fingerprint of a text: the same in every worker, whatever it met before. */
export function textLanes(text: string): readonly [low: number, high: number] {
  let low = 0x2f6b1d35;
  let high = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x9e3779b1);
    low ^= low >>> 15;
    high = Math.imul(high ^ unit, 0x5f356495);
    high ^= high >>> 13;
  }
  return [mixLow(low ^ text.length), mixHigh(high + text.length | 0)];
}

/** A list of 32-bit numbers that grows. */
export class Numbers {
  values: Int32Array;
  length = 0;

  constructor(capacity = 1024) {
    this.values = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.values.length) this.reserve(this.length + 1);
    this.values[this.length++] = value;
  }

  /** Makes room for so many numbers in all. */
  reserve(capacity: number): void {
    if (capacity <= this.values.length) return;
    const grown = new Int32Array(Math.max(capacity, Math.ceil(this.values.length * 1.6)));
    grown.set(this.values.subarray(0, this.length));
    this.values = grown;
  }

  get bytes(): number {
    return this.values.byteLength;
  }
}

/** Numbers the states that were seen by their 64-bit fingerprints, from 0 on. */
export class FingerprintSet {
  /** For each slot: low lane, high lane, index + 1 (0: free). */
  #slots = new Int32Array(3 << 12);
  #mask = (1 << 12) - 1;
  size = 0;
  /** Whether the last `add` was the first of its state. */
  added = false;

  /** The state's index. */
  add(low: number, high: number): number {
    const slots = this.#slots;
    let slot = (low ^ high >>> 7) & this.#mask;
    for (;;) {
      const at = slot * 3;
      const index = slots[at + 2]!;
      if (index === 0) {
        slots[at] = low;
        slots[at + 1] = high;
        slots[at + 2] = ++this.size;
        this.added = true;
        const added = this.size - 1;
        if (this.size * 10 > this.#mask * 7) this.#grow();
        return added;
      }
      if (slots[at] === low && slots[at + 1] === high) {
        this.added = false;
        return index - 1;
      }
      slot = slot + 1 & this.#mask;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const mask = this.#mask * 2 + 1;
    const slots = new Int32Array((mask + 1) * 3);
    for (let at = 0; at < old.length; at += 3) {
      if (old[at + 2] === 0) continue;
      let slot = (old[at]! ^ old[at + 1]! >>> 7) & mask;
      while (slots[slot * 3 + 2] !== 0) slot = slot + 1 & mask;
      slots[slot * 3] = old[at]!;
      slots[slot * 3 + 1] = old[at + 1]!;
      slots[slot * 3 + 2] = old[at + 2]!;
    }
    this.#slots = slots;
    this.#mask = mask;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** How likely it is that two of the states had one fingerprint, and one of them was taken for seen. */
  get collisionChance(): number {
    return -Math.expm1(-(this.size * (this.size - 1)) / 2 ** 65);
  }
}

/** What has been computed for two small numbers, itself a small number. */
export class PairTable {
  /** For each slot: first key, second key, value + 1 (0: free). */
  #slots = new Int32Array(3 << 10);
  #mask = (1 << 10) - 1;
  #size = 0;

  /** -1 when nothing was set. */
  get(first: number, second: number): number {
    const slots = this.#slots;
    let slot = place(first, second) & this.#mask;
    for (;;) {
      const at = slot * 3;
      const value = slots[at + 2]!;
      if (value === 0) return -1;
      if (slots[at] === first && slots[at + 1] === second) return value - 1;
      slot = slot + 1 & this.#mask;
    }
  }

  set(first: number, second: number, value: number): void {
    if (++this.#size * 2 > this.#mask) this.#grow();
    this.#put(first, second, value + 1);
  }

  /** Everything that was set: first key, second key, value. */
  *entries(): Generator<readonly [number, number, number]> {
    const slots = this.#slots;
    for (let at = 0; at < slots.length; at += 3) {
      if (slots[at + 2] !== 0) yield [slots[at]!, slots[at + 1]!, slots[at + 2]! - 1];
    }
  }

  #put(first: number, second: number, stored: number): void {
    const slots = this.#slots;
    let slot = place(first, second) & this.#mask;
    while (slots[slot * 3 + 2] !== 0) slot = slot + 1 & this.#mask;
    slots[slot * 3] = first;
    slots[slot * 3 + 1] = second;
    slots[slot * 3 + 2] = stored;
  }

  #grow(): void {
    const old = this.#slots;
    this.#mask = this.#mask * 2 + 1;
    this.#slots = new Int32Array((this.#mask + 1) * 3);
    for (let at = 0; at < old.length; at += 3) {
      if (old[at + 2] !== 0) this.#put(old[at]!, old[at + 1]!, old[at + 2]!);
    }
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }
}

function place(first: number, second: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca77);
  return mixed ^ mixed >>> 15;
}
