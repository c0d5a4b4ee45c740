/** Leases that let Events run out: one lease is shared by all Events of a minute. */
import type { Clock } from "../../ports/clock.ts";
import type { Storage } from "../../ports/storage.ts";
import type { Resource } from "./types.ts";

const eventLifetimeSeconds = 3600;
const sharedForMs = 60_000;

export class EventLeases {
  readonly #storage: Storage;
  readonly #clock: Clock;
  #current: { readonly until: number; readonly id: Promise<number> } | undefined;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** The lease that a new object of this resource hangs on; undefined: none. */
  for(resource: Resource): Promise<number> | undefined {
    if (resource.kind !== "Event" || resource.resource !== "events") return undefined;
    const now = this.#clock.now();
    if (this.#current === undefined || now >= this.#current.until) {
      const ttlSeconds = eventLifetimeSeconds + sharedForMs / 1000;
      const id = this.#storage.grantLease({ ttlSeconds }).then((lease) => lease.id);
      this.#current = { until: now + sharedForMs, id };
      id.catch(() => this.#current = undefined);
    }
    return this.#current.id;
  }
}
