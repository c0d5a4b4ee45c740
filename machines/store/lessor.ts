/**
 * When leases run out, on the leader's monotonic clock. Not replicated: a new leader, or one that starts again, gives
 * every lease its full time anew, so a lease may live longer than asked for, never shorter.
 */
export class Lessor {
  #due = new Map<number, number>();

  /** The lease runs out `ttlSeconds` from `now`. */
  renew(id: number, ttlSeconds: number, now: number): void {
    this.#due.set(id, now + ttlSeconds * 1_000);
  }

  forget(id: number): void {
    this.#due.delete(id);
  }

  /** Whether the lease still runs; once its expiry is proposed it does not. */
  runs(id: number): boolean {
    return this.#due.has(id);
  }

  /** When the lease runs out; nothing once its expiry is proposed. */
  dueAt(id: number): number | undefined {
    return this.#due.get(id);
  }

  /** Leases that have run out, by rising id; they are not named again. At most `limit`, the rest next time. */
  takeExpired(now: number, limit = 1_000): number[] {
    const expired: number[] = [];
    for (const [id, due] of this.#due) {
      if (due > now) continue;
      expired.push(id);
      if (expired.length === limit) break;
    }
    for (const id of expired) this.#due.delete(id);
    return expired.sort((a, b) => a - b);
  }

  /** When the next one runs out. */
  get nextDue(): number | undefined {
    let next: number | undefined;
    for (const due of this.#due.values()) if (next === undefined || due < next) next = due;
    return next;
  }
}
