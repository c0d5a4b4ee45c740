/**
 * The bugs that etcd's own robustness tests list, each as a situation in which this store must do better. Numbers are
 * those of etcd's issues.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ReplicatedStorage } from "../../actors/store/replica/open_replicated_storage.ts";
import { openReplicatedStorage } from "../../actors/store/replica/open_replicated_storage.ts";
import { SimulatedDisk } from "../../actors/simulated/disk.ts";
import { prefixEnd, StorageError } from "../../ports/storage.ts";
import { Collected, put, text, write } from "../contracts/storage_contract.ts";
import { seededRandom } from "../contracts/test_world.ts";
import { SimulatedWorld } from "./simulated/simulated_world.ts";

const limitMs = 30_000;

/** Three members, of which one leads. */
async function three(seed: number, options: ConstructorParameters<typeof SimulatedWorld>[1] = {}) {
  const world = new SimulatedWorld(seed, options);
  await world.run(Promise.all([...world.names].map((name) => world.start(name))), limitMs);
  await world.clock.until(() => world.leader !== undefined, limitMs);
  return world;
}

const run = <T>(world: SimulatedWorld, work: Promise<T>) => world.run(work, limitMs);
const leaderOf = (world: SimulatedWorld) => world.storage(world.leader!);
const followerOf = (world: SimulatedWorld) => world.running().find((name) => name !== world.leader)!;

async function puts(world: SimulatedWorld, storage: ReplicatedStorage, from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i++) await run(world, write(storage, put(`k${i % 5}`, `${i}`)));
}

/** Everybody holds the same, and serves it. */
async function sameEverywhere(world: SimulatedWorld): Promise<number> {
  const revisions = new Set<number>();
  for (const name of world.running()) {
    revisions.add((await run(world, world.storage(name).range({ key: "\0", end: "\0" }))).revision);
  }
  assertEquals(revisions.size, 1);
  const hashes = await Promise.all(world.running().map((name) => run(world, world.storage(name).hash())));
  assertEquals(new Set(hashes.map(({ hash }) => hash)).size, 1);
  return [...revisions][0]!;
}

/** Power fails in each operation of a disk in turn, while a store lives: the disk afterwards, and what was answered. */
async function atEachOperation(
  live: (storage: ReplicatedStorage, answered: (revision: number) => void) => Promise<void>,
  look: (storage: ReplicatedStorage, answered: number, world: SimulatedWorld) => Promise<void>,
): Promise<void> {
  let accidents = 0;
  for (let operation = 1; operation <= 60; operation++) {
    const world = new SimulatedWorld(operation);
    const disk = new SimulatedDisk({ random: seededRandom(operation) });
    const open = () =>
      run(
        world,
        openReplicatedStorage({
          disk,
          clock: world.clock,
          random: seededRandom(operation + 1),
          name: "alone",
          snapshotEvery: { entries: 6, bytes: 1 << 20 },
          segmentBytes: 600,
        }),
      );
    let answered = 1;
    const storage = await open();
    disk.failAt(disk.operations + operation, "crash");
    await run(world, live(storage, (revision) => void (answered = revision)).catch(() => {}));
    await run(world, storage.close());
    accidents++;
    disk.crash();
    disk.restart();
    const again = await open();
    await look(again, answered, world);
    await run(world, again.close());
  }
  assert(accidents === 60);
}

async function lively(storage: ReplicatedStorage, answered: (revision: number) => void): Promise<void> {
  for (let i = 0; i < 12; i++) {
    answered((await write(storage, put(`k${i % 3}`, `${i}`))).revision);
    if (i % 4 === 3) await storage.compact((await storage.status()).revision - 1);
  }
}

Deno.test("14370: a single member loses no answered write when it crashes", async () => {
  await atEachOperation(lively, async (storage, answered, world) => {
    const { revision } = await run(world, storage.status());
    assert(revision === answered || revision === answered + 1, `${answered} was answered, ${revision} is there`);
  });
});

Deno.test("17780: the revision never goes back over a crash in the middle of a compaction", async () => {
  await atEachOperation(async (storage, answered) => {
    for (let i = 0; i < 4; i++) answered((await write(storage, put("k", `${i}`))).revision);
    // What is deleted and compacted leaves no record that would tell its revision.
    answered((await write(storage, { type: "delete", key: "k" })).revision);
    await storage.compact((await storage.status()).revision);
    for (let i = 0; i < 4; i++) answered((await write(storage, put("other", `${i}`))).revision);
  }, async (storage, answered, world) => {
    assert((await run(world, storage.status())).revision >= answered);
    const next = await run(world, write(storage, put("next", "1")));
    assert(next.revision > answered);
  });
});

Deno.test("20271: a directory can be opened wherever its process has died, also while it was being cleaned up", async () => {
  await atEachOperation(lively, async (storage, _, world) => {
    await run(world, write(storage, put("after", "1")));
    assertEquals((await run(world, storage.range({ key: "after" }))).count, 1);
  });
});

Deno.test("13766: members agree on revision and contents after they were killed in the middle of applying", async () => {
  const world = await three(1);
  for (let round = 0; round < 6; round++) {
    await world.clock.until(() => world.leader !== undefined, limitMs);
    const name = round % 2 === 0 ? world.leader! : followerOf(world);
    const writes = Array.from(
      { length: 10 },
      (_, i) => write(leaderOf(world), put(`k${i}`, `${round}`)).catch(() => {}),
    );
    await world.clock.pass(round);
    await run(world, world.kill(name, { power: round > 2 }));
    await run(world, world.start(name));
    await run(world, Promise.all(writes));
  }
  await sameEverywhere(world);
  await run(world, world.closeAll());
});

Deno.test("14685: members agree after one was killed while it wrote a snapshot and removed what it replaces", async () => {
  const world = await three(2);
  for (let at = 1; at <= 12; at++) {
    const name = followerOf(world);
    const disk = world.disk(name);
    await puts(world, leaderOf(world), 1, 20);
    disk.failAt(disk.operations + at, "crash");
    await puts(world, leaderOf(world), 21, 45);
    await run(world, world.kill(name, { power: true }));
    await run(world, world.start(name));
  }
  await sameEverywhere(world);
  await run(world, world.closeAll());
});

Deno.test("15271: a watch on a member that was cut off and sent a snapshot does not go back in time", async () => {
  const world = await three(3);
  const name = followerOf(world);
  await puts(world, leaderOf(world), 1, 5);
  const watch = new Collected(world.storage(name), { key: "k", end: "l", startRevision: 2 });
  await world.clock.until(() => watch.events.length === 5, limitMs);
  world.network.partition([name], world.running().filter((each) => each !== name));
  await world.clock.pass(1_000);
  await puts(world, leaderOf(world), 6, 120);
  world.network.heal();
  await world.clock.until(() => watch.events.length === 120, limitMs);
  assertEquals(watch.events.map(({ kv }) => kv.modRevision), Array.from({ length: 120 }, (_, i) => i + 2));
  await run(world, world.closeAll());
});

Deno.test("15220: progress is told after the events that it stands for, also to a watch that is catching up", async () => {
  const world = await three(4);
  await puts(world, leaderOf(world), 1, 30);
  for (const name of world.running()) {
    const told: number[] = [];
    const watch = world.storage(name).watch({ key: "k", end: "l", startRevision: 2 }, {
      events: (batch) => told.push(...batch.map(({ kv }) => kv.modRevision)),
      progress: (revision) => assertEquals(told.filter((each) => each <= revision).length, revision - 1),
      closed: () => {},
    });
    watch.requestProgress();
    await puts(world, leaderOf(world), 1, 3);
    watch.requestProgress();
    await world.clock.pass(1_000);
    assert(told.length >= 33);
    watch.cancel();
  }
  await run(world, world.closeAll());
});

Deno.test("17529: a watch that shares its member with many others and much traffic loses no event", async () => {
  const world = await three(5);
  const storage = world.storage(followerOf(world));
  const watches = Array.from(
    { length: 200 },
    (_, i) => new Collected(storage, { key: "k", end: "l", startRevision: 2 + (i % 50) }),
  );
  const writes = Array.from({ length: 300 }, (_, i) => write(leaderOf(world), put(`k${i % 7}`, "x".repeat(500))));
  await run(world, Promise.all(writes));
  await world.clock.pass(1_000);
  for (const [i, { events }] of watches.entries()) {
    const first = 2 + (i % 50);
    assertEquals(events.map(({ kv }) => kv.modRevision), Array.from({ length: 302 - first }, (_, at) => first + at));
  }
  await run(world, world.closeAll());
});

Deno.test("18089: a watch from before a delete is told of it, though the delete's own revision was compacted", async () => {
  const world = await three(6);
  const leader = leaderOf(world);
  await run(world, write(leader, put("k", "1")));
  const { revision } = await run(world, write(leader, { type: "delete", key: "k" }));
  await run(world, write(leader, put("other", "1")));
  await run(world, leader.compact(revision));
  for (const name of world.running()) {
    await run(world, world.storage(name).range({ key: "k" }));
    const watch = new Collected(world.storage(name), { key: "k", startRevision: revision });
    await world.clock.pass(100);
    assertEquals(watch.events.map(({ type, kv }) => [type, kv.modRevision]), [["delete", revision]]);
  }
  await run(world, world.closeAll());
});

Deno.test("19179: a watch that begins at the very revision of a compaction is told of a delete there, also after a restart", async () => {
  const world = await three(7);
  await run(world, write(leaderOf(world), put("k", "1")));
  const { revision } = await run(world, write(leaderOf(world), { type: "delete", key: "k" }));
  await run(world, leaderOf(world).compact(revision));
  await puts(world, leaderOf(world), 1, 60); // More than one snapshot is made of it.
  for (const name of world.running()) {
    await run(world, world.kill(name));
    await run(world, world.start(name));
    await run(world, world.storage(name).range({ key: "k" }));
    const watch = new Collected(world.storage(name), { key: "k", startRevision: revision });
    await world.clock.pass(100);
    assertEquals(watch.events.slice(0, 1).map(({ type, kv }) => [type, kv.modRevision]), [["delete", revision]]);
  }
  await run(world, world.closeAll());
});

Deno.test("18667: a read of a compacted revision within a transaction is refused by all members alike, and writes nothing", async () => {
  const world = await three(8);
  await puts(world, leaderOf(world), 1, 10);
  await run(world, leaderOf(world).compact(8));
  for (const name of world.running()) {
    const asked = world.storage(name).txn({
      compare: [],
      success: [put("written", "1"), { type: "range", key: "k1", revision: 3 }],
      failure: [],
    });
    const error = await assertRejects(() => run(world, asked), StorageError);
    assertEquals(error.code, "compacted");
  }
  assertEquals((await run(world, leaderOf(world).range({ key: "written" }))).count, 0);
  assertEquals(await sameEverywhere(world), 11);
  await run(world, world.closeAll());
});

Deno.test("20221: a watch of a future revision is told nothing from before it", async () => {
  const world = await three(9);
  await puts(world, leaderOf(world), 1, 4);
  const watches = world.running().map((name) =>
    new Collected(world.storage(name), { key: "k", end: "l", startRevision: 10 })
  );
  await puts(world, leaderOf(world), 5, 12);
  await world.clock.pass(500);
  for (const { events } of watches) assertEquals(events.map(({ kv }) => kv.modRevision), [10, 11, 12, 13]);
  await run(world, world.closeAll());
});

Deno.test("20221: a watch of a future revision keeps to it when its member is sent a snapshot, and tells no progress before", async () => {
  const world = await three(10);
  const name = followerOf(world);
  await puts(world, leaderOf(world), 1, 4);
  const told: number[] = [];
  const progress: number[] = [];
  const watch = world.storage(name).watch({ key: "k", end: "l", startRevision: 100 }, {
    events: (batch) => told.push(...batch.map(({ kv }) => kv.modRevision)),
    progress: (revision) => progress.push(revision),
    closed: () => {},
  });
  watch.requestProgress();
  world.network.partition([name], world.running().filter((each) => each !== name));
  await world.clock.pass(1_000);
  await puts(world, leaderOf(world), 5, 70);
  world.network.heal();
  await world.clock.pass(3_000);
  assertEquals([told, progress], [[], []]);
  await puts(world, leaderOf(world), 71, 105);
  await world.clock.pass(500);
  assertEquals(told, [100, 101, 102, 103, 104, 105, 106]);
  assert(progress.every((revision) => revision >= 99), `${progress}`);
  await run(world, world.closeAll());
});

Deno.test("18055: a member that is sent two snapshots within a short time takes both", async () => {
  const world = await three(11, { slowestDiskMs: 300 });
  const name = followerOf(world);
  for (let round = 0; round < 4; round++) {
    world.network.partition([name], world.running().filter((each) => each !== name));
    await world.clock.pass(500);
    await puts(world, leaderOf(world), 1, 60);
    world.network.heal();
    await world.clock.pass(200);
  }
  await world.clock.pass(5_000);
  assertEquals(world.look(name)!.failed, undefined);
  await sameEverywhere(world);
  await run(world, world.closeAll());
});

Deno.test("20418: a leader that stood still serves no stale read when it goes on", async () => {
  const world = await three(12);
  const old = world.leader!;
  const storage = world.storage(old);
  await run(world, write(storage, put("k", "old")));
  world.pause(old);
  // Asked of it while it stands still: the answer may be late, but not old.
  const door = world.doors().find(({ member }) => member === old)!;
  await world.clock.until(() => world.leader !== old, limitMs);
  await run(world, write(leaderOf(world), put("k", "new")));
  const reads = Array.from({ length: 5 }, () => door.access.range({ key: "k" }));
  world.resume(old);
  const values = (await run(world, Promise.all(reads))).map(({ kvs }) => text(kvs[0]!.value));
  assertEquals(new Set(values), new Set(["new"]));
  await run(world, world.closeAll());
});

Deno.test("14571: what members hold beside the keys is the same after one was caught up by a snapshot", async () => {
  const world = await three(13);
  const name = followerOf(world);
  world.network.partition([name], world.running().filter((each) => each !== name));
  await world.clock.pass(500);
  await run(world, leaderOf(world).grantLease({ id: 77, ttlSeconds: 600 }));
  await run(world, write(leaderOf(world), put("leased", "1", 77)));
  await puts(world, leaderOf(world), 1, 100);
  world.network.heal();
  await world.clock.pass(3_000);
  await sameEverywhere(world);
  const records = world.running().map((each) => JSON.stringify(world.storage(each).membership.records()));
  assertEquals(new Set(records).size, 1);
  await run(world, world.storage(name).revokeLease(77));
  assertEquals((await run(world, world.storage(name).range({ key: "leased" }))).count, 0);
  await run(world, world.closeAll());
});

Deno.test("17247: a transaction that reads and writes tells its watches each of its events once", async () => {
  const world = await three(14);
  const watches = world.running().map((name) =>
    new Collected(world.storage(name), { key: "k", end: "l", startRevision: 2 })
  );
  for (let i = 0; i < 10; i++) {
    await run(
      world,
      world.storage(followerOf(world)).txn({
        compare: [],
        success: [
          { type: "range", key: "k", end: prefixEnd("k") },
          put("k1", `${i}`),
          { type: "txn", compare: [], success: [put("k2", `${i}`), { type: "range", key: "k1" }], failure: [] },
        ],
        failure: [],
      }),
    );
  }
  await world.clock.pass(500);
  for (const { events } of watches) {
    const told = events.map(({ kv }) => `${kv.modRevision} ${kv.key}`);
    assertEquals(told, Array.from({ length: 10 }, (_, i) => [`${i + 2} k1`, `${i + 2} k2`]).flat());
  }
  await run(world, world.closeAll());
});
