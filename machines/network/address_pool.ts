/**
 * Addresses of one range, each with one owner. A freed address is given out again only after all others, so that
 * whoever still talks to the last owner does not reach the next.
 */
import { type Cidr, contains, formatAddress, isAddress, parseAddress, parseCidr } from "./cidr.ts";

export class AddressPool {
  readonly #first: number;
  readonly #last: number;
  readonly #byOwner = new Map<string, number>();
  readonly #owners = new Map<number, string>();
  /** Where the search starts. */
  #next: number;

  /** `reserved`: how many addresses at the start of the range are never given out; the last one never is. */
  constructor(readonly cidr: string, options: { reserved?: number } = {}) {
    const { first, last } = parseCidr(cidr);
    this.#first = first + (options.reserved ?? 2);
    this.#last = last - 1;
    this.#next = this.#first;
  }

  get size(): number {
    return this.#owners.size;
  }

  get capacity(): number {
    return Math.max(0, this.#last - this.#first + 1);
  }

  addressOf(owner: string): string | undefined {
    const address = this.#byOwner.get(owner);
    return address === undefined ? undefined : formatAddress(address);
  }

  ownerOf(address: string): string | undefined {
    return this.#owners.get(parseAddress(address));
  }

  /** Whether it is an address that this pool gives out, free or not. */
  holds(address: string): boolean {
    return isAddress(address) && contains(this.#range, parseAddress(address));
  }

  /**
   * The owner's address; the same when it has one.
   *
   * @throws Error when all are given out.
   */
  allocate(owner: string): string {
    const has = this.#byOwner.get(owner);
    if (has !== undefined) return formatAddress(has);
    const { capacity } = this;
    for (let step = 0; step < capacity; step++) {
      const candidate = this.#first + (this.#next - this.#first + step) % capacity;
      if (this.#owners.has(candidate)) continue;
      this.#give(owner, candidate);
      return formatAddress(candidate);
    }
    throw new Error(`Cannot allocate an address for "${owner}": all ${capacity} of ${this.cidr} are given out`);
  }

  /**
   * Takes over an address that the owner has already, as found in the world.
   *
   * @throws Error when it is outside the range or another's.
   */
  adopt(owner: string, address: string): void {
    const value = parseAddress(address);
    if (!contains(this.#range, value)) {
      throw new Error(`Cannot adopt address ${address} of "${owner}": it is not one of ${this.cidr} to give out`);
    }
    const other = this.#owners.get(value);
    if (other !== undefined && other !== owner) {
      throw new Error(`Cannot adopt address ${address} of "${owner}": it belongs to "${other}"`);
    }
    this.release(owner);
    this.#give(owner, value);
  }

  /** Whether there was something to free. */
  release(owner: string): boolean {
    const address = this.#byOwner.get(owner);
    if (address === undefined) return false;
    this.#byOwner.delete(owner);
    this.#owners.delete(address);
    return true;
  }

  /** Owners and their addresses. */
  *entries(): IterableIterator<[owner: string, address: string]> {
    for (const [owner, address] of this.#byOwner) yield [owner, formatAddress(address)];
  }

  get #range(): Cidr {
    return { first: this.#first, last: this.#last, prefix: 0 };
  }

  #give(owner: string, address: number): void {
    this.#byOwner.set(owner, address);
    this.#owners.set(address, owner);
    this.#next = address === this.#last ? this.#first : address + 1;
  }
}
