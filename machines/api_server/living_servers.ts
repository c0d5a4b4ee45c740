/**
 * Which API servers live, by the leases that they keep. As with leader election, a lease has run out when it has not
 * changed for its duration since it was first seen so: clocks of two hosts differ, and nobody is lost by that.
 */
export interface ServerLease {
  readonly name: string;
  readonly renewTime: string;
  /** Where it is reached. */
  readonly address: string;
}

/** A lease as it was seen, and since when; -Infinity: it was old already. */
export interface Sighting {
  readonly renewTime: string;
  readonly since: number;
}

/** Clocks of two hosts differ by less; a lease that is older when it is first seen is that of one that is gone. */
const oldMs = 60_000;

export function livingServers(
  before: ReadonlyMap<string, Sighting>,
  leases: readonly ServerLease[],
  { now, wallTime, durationMs }: { readonly now: number; readonly wallTime: number; readonly durationMs: number },
): { readonly sightings: ReadonlyMap<string, Sighting>; readonly addresses: string[] } {
  const sightings = new Map(leases.map(({ name, renewTime }) => {
    const known = before.get(name);
    if (known?.renewTime === renewTime) return [name, known];
    const isOld = known === undefined && !(wallTime - Date.parse(renewTime) < oldMs);
    return [name, { renewTime, since: isOld ? -Infinity : now }];
  }));
  const living = leases.filter(({ name }) => now - sightings.get(name)!.since < durationMs);
  return { sightings, addresses: [...new Set(living.map(({ address }) => address))].sort() };
}
