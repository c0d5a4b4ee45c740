/**
 * Cluster addresses and node ports of services. What services hold is learned from the services themselves (listed at
 * start, then watched); what was given to a service that is still on its way into the store is a reservation, which ends
 * when the service is seen or after a while. A failed create therefore leaks nothing, and its retry gets the same again.
 */
import type { Service } from "../../machines/objects/object.ts";
import { keyOf } from "../../machines/objects/object.ts";
import { NumberPool, type PoolRefusal } from "./number_pool.ts";

export interface ServiceRanges {
  /** IPv4, for example `10.96.0.0/16`. */
  readonly serviceCidr: string;
  /** Default 30000-32767. */
  readonly nodePorts?: { readonly first: number; readonly last: number };
}

interface Reservation {
  readonly pool: NumberPool;
  readonly number: number;
  readonly owner: string;
  readonly until: number;
}

/** Longer than a write may take, the retries of its client included. */
const reservationMs = 60_000;

export class ServiceAllocator {
  readonly addresses: NumberPool;
  readonly nodePorts: NumberPool;
  readonly #now: () => number;
  readonly #draw: () => number;
  /** Oldest first. */
  #reservations: Reservation[] = [];
  /** What each service in the store holds. */
  readonly #stored = new Map<
    string,
    { readonly addresses: readonly number[]; readonly nodePorts: readonly number[] }
  >();

  /** `now` is monotonic milliseconds, `draw` uniform in [0, 1). */
  constructor(ranges: ServiceRanges, now: () => number, draw: () => number) {
    const { first, size } = parseCidr(ranges.serviceCidr);
    // Neither the network's own address nor the broadcast address is given out.
    this.addresses = new NumberPool(first + 1, first + size - 2, staticBand(size, 16, 256));
    const ports = ranges.nodePorts ?? { first: 30_000, last: 32_767 };
    this.nodePorts = new NumberPool(ports.first, ports.last, staticBand(ports.last - ports.first + 1, 32, 128));
    this.#now = now;
    this.#draw = draw;
  }

  /** The first address of the range: the service `kubernetes`. */
  get apiServerAddress(): string {
    return formatAddress(this.addresses.first);
  }

  /** With `try` (a dry run) it only says whether it could be had. */
  takeAddress(address: string, owner: string, mode: "take" | "try" = "take"): PoolRefusal | undefined {
    const number = parseAddress(address);
    return number === undefined ? "outOfRange" : this.#take(this.addresses, number, owner, mode);
  }

  takeAnyAddress(owner: string): string | "full" {
    const number = this.#takeAny(this.addresses, owner);
    return number === "full" ? number : formatAddress(number);
  }

  takeNodePort(port: number, owner: string, mode: "take" | "try" = "take"): PoolRefusal | undefined {
    return this.#take(this.nodePorts, port, owner, mode);
  }

  takeAnyNodePort(owner: string): number | "full" {
    return this.#takeAny(this.nodePorts, owner);
  }

  /** One that nobody is given, for a dry run. */
  freeAddress(): string | "full" {
    const number = this.addresses.findFree(this.#draw());
    return number === "full" ? number : formatAddress(number);
  }

  /** For the list-and-watch of services. */
  replaced(services: readonly Service[]): void {
    const present = new Set(services.map(keyOf));
    for (const owner of [...this.#stored.keys()]) if (!present.has(owner)) this.#forget(owner);
    for (const service of services) this.#learn(service);
  }

  changed(type: "ADDED" | "MODIFIED" | "DELETED", service: Service): void {
    if (type === "DELETED") this.#forget(keyOf(service));
    else this.#learn(service);
  }

  #learn(service: Service): void {
    const owner = keyOf(service);
    const holds = heldBy(service);
    const before = this.#stored.get(owner);
    this.#stored.set(owner, holds);
    for (const [pool, numbers] of [[this.addresses, holds.addresses], [this.nodePorts, holds.nodePorts]] as const) {
      this.#reservations = this.#reservations.filter((one) =>
        one.owner !== owner || one.pool !== pool || !numbers.includes(one.number)
      );
      for (const number of [...pool.heldBy(owner)]) {
        // This may be an older state of a service that is being given more right now.
        if (!numbers.includes(number) && !this.#reserved(pool, number, owner)) pool.release(number, owner);
      }
      // What the store says is so, even where two services say the same: the first keeps it here.
      for (const number of numbers) pool.take(number, owner);
    }
    if (before === undefined) return;
    this.#reclaim(before);
  }

  #forget(owner: string): void {
    const before = this.#stored.get(owner);
    this.#stored.delete(owner);
    for (const pool of [this.addresses, this.nodePorts]) {
      for (const number of [...pool.heldBy(owner)]) {
        if (!this.#reserved(pool, number, owner)) pool.release(number, owner);
      }
    }
    if (before !== undefined) this.#reclaim(before);
  }

  /** A number that somebody else in the store claimed too is now his. */
  #reclaim(before: { readonly addresses: readonly number[]; readonly nodePorts: readonly number[] }): void {
    const given = before.addresses.some((one) => this.addresses.ownerOf(one) === undefined) ||
      before.nodePorts.some((one) => this.nodePorts.ownerOf(one) === undefined);
    if (!given) return;
    for (const [owner, holds] of this.#stored) {
      for (const number of holds.addresses) this.addresses.take(number, owner);
      for (const number of holds.nodePorts) this.nodePorts.take(number, owner);
    }
  }

  #take(pool: NumberPool, number: number, owner: string, mode: "take" | "try"): PoolRefusal | undefined {
    this.#expire();
    const held = pool.ownerOf(number) === owner;
    const refusal = pool.take(number, owner);
    if (refusal === undefined && mode === "try" && !held) pool.release(number, owner);
    if (refusal === undefined && mode === "take") this.#reserve(pool, number, owner);
    return refusal;
  }

  #takeAny(pool: NumberPool, owner: string): number | "full" {
    this.#expire();
    const number = pool.takeAny(owner, this.#draw());
    if (number !== "full") this.#reserve(pool, number, owner);
    return number;
  }

  #reserve(pool: NumberPool, number: number, owner: string): void {
    this.#reservations.push({ pool, number, owner, until: this.#now() + reservationMs });
  }

  #reserved(pool: NumberPool, number: number, owner: string): boolean {
    return this.#reservations.some((one) => one.pool === pool && one.number === number && one.owner === owner);
  }

  #expire(): void {
    const now = this.#now();
    while (this.#reservations.length > 0 && this.#reservations[0]!.until <= now) {
      const { pool, number, owner } = this.#reservations.shift()!;
      const holds = this.#stored.get(owner);
      const kept = pool === this.addresses ? holds?.addresses : holds?.nodePorts;
      if (!(kept?.includes(number) ?? false) && !this.#reserved(pool, number, owner)) pool.release(number, owner);
    }
  }
}

function heldBy({ spec }: Service): { addresses: number[]; nodePorts: number[] } {
  const addresses = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP]);
  const ports = [...(spec?.ports ?? []).map(({ nodePort }) => nodePort), spec?.healthCheckNodePort];
  return {
    addresses: addresses.map(parseAddress).filter((one) => one !== undefined),
    nodePorts: ports.filter((port): port is number => port !== undefined && port !== 0),
  };
}

/** A sixteenth (or `1/divisor`) of the range, at least 16 and at most `most`; nothing of a range too small for it. */
function staticBand(size: number, divisor: number, most: number): number {
  const band = Math.min(Math.max(16, Math.floor(size / divisor)), most);
  return band >= size ? 0 : band;
}

export function parseAddress(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((whole, part) => whole * 256 + part, 0);
}

export function formatAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

function parseCidr(text: string): { first: number; size: number } {
  const [address = "", length = ""] = text.split("/");
  const number = parseAddress(address);
  const bits = Number(length);
  if (number === undefined || !/^\d+$/.test(length) || bits < 8 || bits > 29) {
    throw new Error(`Cannot use service range ${JSON.stringify(text)}: it is no IPv4 range of /8 to /29`);
  }
  const size = 2 ** (32 - bits);
  return { first: Math.floor(number / size) * size, size };
}
