import { assertEquals } from "@std/assert";
import { livingServers, type Sighting } from "../../../machines/api_server/living_servers.ts";

const start = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();

interface Look {
  /** Seconds on this host's clock. */
  readonly at: number;
  /** When each says that it renewed, in seconds on its own. */
  readonly leases: Readonly<Record<string, number>>;
}

const cases: { name: string; looks: Look[]; addresses: string[] }[] = [
  { name: "counts one that has just renewed", looks: [{ at: 0, leases: { a: 0 } }], addresses: ["a"] },
  {
    name: "leaves out one that has not renewed for 15 s",
    looks: [{ at: 0, leases: { a: 0, b: 0 } }, { at: 15, leases: { a: 14, b: 0 } }],
    addresses: ["a"],
  },
  {
    name: "does not mind a clock that is behind, as long as it goes on",
    looks: [{ at: 0, leases: { a: -30 } }, { at: 14, leases: { a: -16 } }, { at: 28, leases: { a: -2 } }],
    addresses: ["a"],
  },
  {
    name: "does not mind a clock that is ahead, and misses who has it all the same",
    looks: [{ at: 0, leases: { a: 500 } }, { at: 15, leases: { a: 500 } }],
    addresses: [],
  },
  { name: "does not wait for one that was gone when it came", looks: [{ at: 100, leases: { a: 30 } }], addresses: [] },
  {
    name: "counts one again that is back",
    looks: [{ at: 100, leases: { a: 30 } }, { at: 104, leases: { a: 101 } }],
    addresses: ["a"],
  },
  { name: "leaves out a lease that says nothing", looks: [{ at: 0, leases: { a: NaN } }], addresses: [] },
  {
    name: "forgets one whose lease is deleted",
    looks: [{ at: 0, leases: { a: 0, b: 0 } }, { at: 4, leases: { b: 4 } }],
    addresses: ["b"],
  },
];
for (const { name, looks, addresses } of cases) {
  Deno.test(`livingServers ${name}`, () => {
    let sightings: ReadonlyMap<string, Sighting> = new Map();
    let found: string[] = [];
    for (const { at: seconds, leases } of looks) {
      const rows = Object.entries(leases).map(([name, renewed]) => ({
        name,
        address: name,
        renewTime: Number.isNaN(renewed) ? "" : at(renewed),
      }));
      const now = seconds * 1000;
      ({ sightings, addresses: found } = livingServers(sightings, rows, {
        now,
        wallTime: start + now,
        durationMs: 15_000,
      }));
    }
    assertEquals(found, addresses);
  });
}
