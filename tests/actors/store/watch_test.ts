import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { openStorage } from "../../../actors/store/open_storage.ts";
import { WatchHub } from "../../../actors/store/watch_hub.ts";
import { KeyValueState } from "../../../machines/store/key_value_state.ts";
import { ActorSystem, address } from "../../../actors/system.ts";
import { type Storage, StorageError, type WatchRequest } from "../../../ports/storage.ts";
import { Collected, put, write } from "../../contracts/storage_contract.ts";
import { HandClock, seededRandom } from "../../contracts/test_world.ts";
import { command } from "../../machines/store/arbitrary_commands.ts";
import { StoreModel, within } from "../../machines/store/store_model.ts";
import { Journal } from "./workload.ts";

const open = () =>
  openStorage({
    disk: new SimulatedDisk({ random: seededRandom(6) }),
    clock: new HandClock(),
    random: seededRandom(7),
  });

const range = fc.record({
  key: fc.constantFrom("\0", "a", "a/b", "b"),
  end: fc.constantFrom("\0", "b", "c"),
  startRevision: fc.integer({ min: 1, max: 25 }),
  previous: fc.constant(true),
}, { requiredKeys: ["key"] });
const clientCommand = command.filter(({ type }) => type !== "expireLeases");
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ commands: fc.array(clientCommand, { minLength: 1, maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ watch: range }) },
);

Deno.test("openStorage gives every watch each event of its range once, whole revisions in order", async () => {
  let delivered = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: "max" }), async (steps) => {
      const storage = await open();
      const journal = new Journal();
      const watches: { seen: Collected; request: WatchRequest; openedAt: number }[] = [];
      for (const each of steps) {
        if ("watch" in each) {
          const request = each.watch as WatchRequest;
          const openedAt = (await storage.status()).revision;
          watches.push({ seen: new Collected(storage, request), request, openedAt });
          continue;
        }
        const all = await Promise.allSettled(each.commands.map((command) => journal.propose(storage, command)));
        for (const one of all) assert(one.status === "fulfilled" || one.reason instanceof StorageError);
      }
      const model = new StoreModel();
      for (const command of journal.proposed) model.apply(command);
      const { revision } = await storage.status();
      assertEquals(revision, model.revision);
      for (const { seen, request, openedAt } of watches) {
        const from = request.startRevision ?? openedAt + 1;
        if (from <= revision + 1) await seen.settled();
        if (seen.closed !== undefined) {
          assertEquals([seen.closed.code, seen.closed.compactedRevision > from], ["compacted", true]);
        }
        const until = seen.closed === undefined ? revision : seen.batches.at(-1)?.revision ?? 0;
        const expected = model.events
          .filter((event) =>
            event.revision >= from && event.revision <= until && within(event.key, request.key, request.end)
          );
        assertEquals(seen.events.map(({ type, kv }) => ({ revision: kv.modRevision, type, key: kv.key })), expected);
        assertBatches(seen);
        delivered += seen.events.length;
        seen.watch.cancel();
      }
      await storage.close();
    }),
    { numRuns: 400 },
  );
  assert(delivered > 1_000, `only ${delivered} events were delivered`);
});

/** A revision is never split, and a batch ends where it says. */
function assertBatches({ events, batches }: Collected): void {
  let at = 0;
  let last = 0;
  for (const { count, revision } of batches) {
    const batch = events.slice(at, at += count);
    assert(batch[0]!.kv.modRevision > last && batch.at(-1)!.kv.modRevision <= revision);
    last = revision;
  }
}

Deno.test("openStorage tells a watch from far back in pieces, and lets writes go on meanwhile", async () => {
  const storage = await open();
  for (let i = 0; i < 60; i++) {
    await Promise.all(Array.from({ length: 100 }, (_, n) => write(storage, put(`k${n % 10}`, `${i}`))));
  }
  const seen = new Collected(storage, { key: "k0", end: "k9", startRevision: 2 });
  await write(storage, put("k1", "last"));
  await seen.settled();
  assertEquals(seen.events.length, 60 * 90 + 1);
  assert(seen.batches.length > 2);
  assertEquals(
    seen.events.map(({ kv }) => kv.modRevision),
    [...new Set(seen.events.map(({ kv }) => kv.modRevision))].sort((a, b) => a - b),
  );
  await storage.close();
});

Deno.test("openStorage ends a watch whose past is compacted before it is told", async () => {
  const storage = await open();
  for (let i = 0; i < 60; i++) {
    await Promise.all(Array.from({ length: 100 }, (_, n) => write(storage, put(`k${n}`, `${i}`))));
  }
  const seen = new Collected(storage, { key: "k0", end: "\0", startRevision: 2 });
  await seen.until(() => seen.events.length > 0);
  await storage.compact(6_001);
  await seen.until(() => seen.closed !== undefined || seen.events.length === 6_000);
  if (seen.closed !== undefined) assertEquals([seen.closed.code, seen.closed.compactedRevision], ["compacted", 6_001]);
  await storage.close();
});

Deno.test("openStorage ends the watch whose receiver throws, and no other", async () => {
  const storage = await open();
  let closed: StorageError | undefined;
  storage.watch({ key: "k" }, {
    events: () => {
      throw new Error("full");
    },
    progress: () => {},
    closed: (error) => closed = error,
  });
  const other = new Collected(storage, { key: "k" });
  await write(storage, put("k", "1"));
  await write(storage, put("k", "2"));
  assertEquals(other.events.length, 2);
  assert(closed?.message.includes("full"));
  await storage.close();
});

Deno.test("WatchHub asks only the watches whose range holds the key", () => {
  const state = new KeyValueState();
  const clock = new HandClock();
  const hub = new WatchHub(state, clock);
  let told = 0;
  const sink = { events: () => void told++, progress: () => {}, closed: () => {} };
  for (let i = 0; i < 2_000; i++) hub.watch({ key: `/${i}/`, end: `/${i}0` }, sink);
  const key = "/77/x";
  state.apply({ type: "txn", compare: [], success: [{ type: "put", key, value: new Uint8Array(1) }], failure: [] });
  hub.flush();
  assertEquals([told, hub.size], [1, 2_000]);
  hub.closeAll(new StorageError("closed", "over"));
  assertEquals(hub.size, 0);
});

Deno.test("openStorage runs several members in one actor system, each under its own address", async () => {
  const clock = new HandClock();
  const system = new ActorSystem({ clock });
  const disk = new SimulatedDisk({ random: seededRandom(8) });
  const stores: Storage[] = [];
  for (const name of ["a", "b"]) {
    stores.push(
      await openStorage({
        system,
        clock,
        disk,
        random: seededRandom(9),
        directory: `stores/${name}`,
        address: address({ node: "master-0", kind: "store", name }),
      }),
    );
  }
  await Promise.all(stores.map((storage, n) => write(storage, put("k", `${n}`))));
  assertEquals([...system.addresses()], ["master-0/store/-/a/-", "master-0/store/-/b/-"]);
  for (const storage of stores) await storage.close();
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals([system.size, system.counters.faults], [0, 0]);
});

Deno.test("openStorage answers thousands of concurrent writes, each with a revision of its own", async () => {
  const storage = await open();
  const all = await Promise.all(Array.from({ length: 5_000 }, (_, n) => write(storage, put(`k${n % 50}`, `${n}`))));
  assertEquals(all.map(({ revision }) => revision), Array.from({ length: 5_000 }, (_, n) => n + 2));
  await storage.close();
});
