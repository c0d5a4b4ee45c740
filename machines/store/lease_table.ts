/**
 * Leases as every member knows them: id, time to live, attached keys. When one runs out is not in here: the leader's
 * clock decides and proposes (lessor.ts).
 */
export interface Lease {
  readonly id: number;
  readonly ttlSeconds: number;
  readonly keys: Set<string>;
}

export class LeaseTable {
  #leases = new Map<number, Lease>();

  get size(): number {
    return this.#leases.size;
  }

  has(id: number): boolean {
    return this.#leases.has(id);
  }

  get(id: number): Lease | undefined {
    return this.#leases.get(id);
  }

  grant(id: number, ttlSeconds: number): void {
    this.#leases.set(id, { id, ttlSeconds, keys: new Set() });
  }

  remove(id: number): void {
    this.#leases.delete(id);
  }

  /** The key now hangs on `to` and no longer on `from`; 0 is no lease. */
  move(key: string, from: number, to: number): void {
    if (from === to) return;
    if (from !== 0) this.#leases.get(from)?.keys.delete(key);
    if (to !== 0) this.#leases.get(to)?.keys.add(key);
  }

  /** By rising id. */
  all(): Lease[] {
    return [...this.#leases.values()].sort((a, b) => a.id - b.id);
  }
}
