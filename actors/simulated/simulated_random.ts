import type { Random } from "../../ports/random.ts";

/** Draws that are the same for the same seed: sfc32, whose state is four 32-bit words. */
export class SimulatedRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(readonly seed: number) {
    this.#a = 0;
    this.#b = seed >>> 0;
    this.#c = Math.floor(seed / 2 ** 32) >>> 0;
    // The first draws of seeds that are near each other are alike.
    for (let count = 0; count < 15; count++) this.#word();
  }

  next(): number {
    // 53 bits: all that fit into a number.
    return (this.#word() * 2 ** 21 + (this.#word() >>> 11)) / 2 ** 53;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  uuid(): string {
    const bytes = this.bytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(count);
    for (let index = 0; index < count; index++) bytes[index] = this.#word() >>> 24;
    return bytes;
  }

  /** A stream of its own, so that one part drawing more often does not change what the others draw. */
  fork(name: string): SimulatedRandom {
    let hash = 0x811c9dc5;
    for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
    return new SimulatedRandom((this.seed % 2 ** 21) * 2 ** 32 + ((hash ^ this.seed) >>> 0));
  }

  #word(): number {
    const sum = (this.#a + this.#b + this.#counter++) >>> 0;
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0;
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }
}
