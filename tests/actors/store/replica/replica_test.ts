import { assert, assertEquals, assertRejects } from "@std/assert";
import { openStorage } from "../../../../actors/store/open_storage.ts";
import type { ReplicatedStorage } from "../../../../actors/store/replica/open_replicated_storage.ts";
import { AdministrationError } from "../../../../ports/store_administration.ts";
import { prefixEnd, type Storage, StorageError } from "../../../../ports/storage.ts";
import { Collected, put, text, write } from "../../../contracts/storage_contract.ts";
import { HandClock, seededRandom } from "../../../contracts/test_world.ts";
import { addressOf, names, Trio } from "./trio.ts";

const frequent = { snapshotEvery: { entries: 8, bytes: 1 << 20 }, segmentBytes: 2_000, raft: { keptEntries: 4 } };

async function keysOf(trio: Trio, storage: Storage, serializable = false): Promise<string[]> {
  const { kvs } = await trio.within(storage.range({ key: "\0", end: "\0", serializable }));
  return kvs.map(({ key, value }) => `${key}=${text(value)}`);
}

async function sameEverywhere(trio: Trio): Promise<void> {
  const all = [...trio.open.values()];
  const last = () => all.map((each) => each.log.getSnapshot().context.commit);
  await trio.clock.until(() => new Set(last()).size === 1, 10_000);
  const hashes = await Promise.all(all.map((each) => trio.within(each.hash())));
  assertEquals(hashes.map(({ hash }) => hash), hashes.map(() => hashes[0]!.hash));
}

Deno.test("three members write through any of them and read everywhere", async () => {
  const trio = new Trio();
  const leader = await trio.startAll();
  assertEquals((await trio.within(write(leader, put("k", "1")))).revision, 2);
  for (const [at, storage] of [...trio.open.values()].entries()) {
    assertEquals(await keysOf(trio, storage), [`k=${at + 1}`]);
    assertEquals((await trio.within(write(storage, put("k", String(at + 2))))).revision, at + 3);
    assertEquals(await keysOf(trio, storage, true), [`k=${at + 2}`]);
  }
  await sameEverywhere(trio);
  await trio.closeAll();
});

Deno.test("each of three members is restarted in turn, and nothing is lost", async () => {
  const trio = new Trio(2, frequent);
  await trio.startAll();
  let written = 0;
  for (const name of [...names, ...names]) {
    for (let i = 0; i < 7; i++) {
      await trio.within(write(trio.open.get(names[i % 3]!)!, put(`k${i}`, String(++written))));
    }
    await trio.within(trio.open.get(name)!.close());
    trio.open.delete(name);
    await trio.leader();
    await trio.within(write([...trio.open.values()][0]!, put("while", name)));
    await trio.start(name);
    await trio.leader();
  }
  await sameEverywhere(trio);
  for (const storage of trio.open.values()) {
    assertEquals((await trio.within(storage.range({ key: "k6" }))).kvs.map(({ value }) => text(value)), ["42"]);
    assertEquals((await trio.within(storage.status())).revision, 1 + 42 + 6);
  }
  await trio.closeAll();
});

Deno.test("a follower that is started again in the same term writes through the leader as before", async () => {
  const trio = new Trio(16);
  const leader = await trio.startAll();
  const name = trio.nameOf(trio.followers()[0]!);
  for (let life = 0; life < 3; life++) {
    const { term } = leader.log.getSnapshot().context;
    const from = trio.clock.now();
    for (let i = 0; i < 5; i++) await trio.within(write(trio.open.get(name)!, put(`k${i}`, `${life}`)));
    assert(trio.clock.now() - from < 1_000, "each is written at the first try");
    assertEquals(leader.log.getSnapshot().context.term, term);
    await trio.kill(name);
    await trio.start(name);
  }
  await trio.closeAll();
});

Deno.test("killing the leader loses no answered write, and writes by a follower go on by themselves", async () => {
  const trio = new Trio(3);
  for (let round = 0; round < 5; round++) {
    if (round === 0) await trio.startAll();
    const leader = await trio.leader();
    const [follower] = trio.followers();
    await trio.within(write(leader, put(`answered${round}`, "1")));
    const watch = new Collected(follower!, { key: "during", end: prefixEnd("during") });
    // On their way when the leader dies, some of them in its log already.
    const during = Array.from({ length: 20 }, (_, i) => write(follower!, put(`during${round}.${i}`, "1")));
    await trio.clock.pass(round);
    const name = trio.nameOf(leader);
    await trio.kill(name);
    const results = await trio.within(Promise.all(during));
    assertEquals(new Set(results.map(({ revision }) => revision)).size, 20);
    await trio.clock.until(() => watch.events.length === 20, 1_000);
    watch.watch.cancel();
    await trio.start(name);
  }
  await sameEverywhere(trio);
  const keys = await keysOf(trio, trio.open.get("a")!);
  assertEquals(keys.length, 5 * 21);
  // Each write happened once, also where it was tried again.
  assertEquals((await trio.within(trio.open.get("a")!.status())).revision, 1 + 5 * 21);
  await trio.closeAll();
});

Deno.test("a minority that is cut off answers nothing new, and the majority goes on", async () => {
  const trio = new Trio(4);
  const old = await trio.startAll();
  await trio.within(write(old, put("before", "1")));
  const name = trio.nameOf(old);
  const others = names.filter((each) => each !== name);
  trio.network.partition([name], others);
  const lost = write(old, put("lost", "1")).then(() => "written", (error) => error.message);
  const unread = old.range({ key: "before" }).then(() => "read", (error) => error.message);
  await trio.clock.pass(4_000);
  const next = await trio.leader();
  assert(next !== old);
  await trio.within(write(next, put("after", "1")));
  assertEquals(await keysOf(trio, old, true), ["before=1"], "a stale read is answered, with what is known");
  assertEquals(await trio.within(unread), "Cannot read: there is no leader");
  assert(/not known|there is no leader/.test(await trio.within(lost)), await lost);
  trio.network.heal();
  await trio.clock.pass(3_000);
  assertEquals(await keysOf(trio, old), ["after=1", "before=1"]);
  await sameEverywhere(trio);
  await trio.closeAll();
});

Deno.test("a member that was away for long is caught up by a snapshot, and its watches miss nothing", async () => {
  const trio = new Trio(5, frequent);
  const leader = await trio.startAll();
  const slow = trio.nameOf(trio.followers()[0]!);
  const watch = new Collected(trio.open.get(slow)!, { key: "k", end: "l", startRevision: 2 });
  await trio.within(write(leader, put("k0", "0")));
  await trio.clock.until(() => watch.events.length === 1, 1_000);
  trio.network.partition([slow], names.filter((each) => each !== slow));
  for (let i = 1; i <= 60; i++) await trio.within(write(leader, put(`k${i % 7}`, String(i))));
  assert(leader.log.getSnapshot().context.log.base.index > 40, "The log still has everything");
  trio.network.heal();
  await trio.clock.until(() => watch.events.length === 61, 20_000);
  assertEquals(watch.events.map(({ kv }) => kv.modRevision), Array.from({ length: 61 }, (_, i) => i + 2));
  assert(trio.open.get(slow)!.log.getSnapshot().context.log.base.index > 40, "It came without a snapshot");
  await sameEverywhere(trio);
  // And it can be started again from what it was sent.
  await trio.kill(slow);
  await trio.start(slow);
  await trio.within(write(leader, put("last", "1")));
  await sameEverywhere(trio);
  await trio.closeAll();
});

/** A directory as the store of a single member leaves it. */
async function single(trio: Trio, name: string): Promise<void> {
  const storage = await openStorage({ disk: trio.disk(name), clock: new HandClock(), random: seededRandom(9) });
  for (let i = 0; i < 20; i++) await write(storage, put(`old${i}`, String(i)));
  await storage.grantLease({ ttlSeconds: 500, id: 5 });
  await storage.close();
}

async function grow(trio: Trio, first: ReplicatedStorage, name: string): Promise<string> {
  const peerAddresses = [addressOf(name)];
  const ticket = await trio.within(first.membership.addLearner({ name, peerAddresses }));
  await trio.start(name, { begin: { join: ticket } });
  const isThere = () => {
    const { progress, log } = first.log.getSnapshot().context;
    return progress[ticket.id]?.match === log.last.index;
  };
  await trio.clock.until(isThere, 20_000);
  await trio.within(first.membership.promote(ticket.id));
  return ticket.id;
}

Deno.test("the directory of a single member grows to three, and shrinks again", async () => {
  for (const options of [{}, frequent]) {
    const trio = new Trio(6, options);
    await single(trio, "a");
    const first = await trio.start("a");
    assertEquals((await trio.within(first.status())).revision, 21);
    await trio.clock.pass(1_000);
    assertEquals(first.membership.records().map(({ name, peerAddresses }) => [name, peerAddresses]), [
      ["a", [addressOf("a")]],
    ]);
    const b = await grow(trio, first, "b");
    await trio.within(write(trio.open.get("b")!, put("with two", "1")));
    const c = await grow(trio, first, "c");
    await trio.within(write(trio.open.get("c")!, put("with three", "1")));
    await sameEverywhere(trio);
    const members = await trio.within(trio.open.get("b")!.membership.members());
    assertEquals(members.map(({ name, role, reachable }) => [name, role, reachable]).sort(), [
      ["a", "leader", true],
      ["b", "follower", true],
      ["c", "follower", true],
    ]);
    await trio.within(trio.open.get("b")!.membership.moveLeader(c));
    const gone = first.membership.id;
    await trio.within(trio.open.get("b")!.membership.remove(gone));
    await trio.clock.until(() => first.actor.getSnapshot().matches("removed"), 5_000);
    const error = await assertRejects(() => trio.within(first.range({ key: "x" })), StorageError);
    assertEquals(error.message, "This member was removed from the store");
    await trio.within(first.close());
    trio.open.delete("a");
    await trio.within(trio.open.get("c")!.membership.remove(b));
    await trio.clock.pass(2_000);
    assertEquals((await trio.within(trio.open.get("c")!.range({ key: "old", end: "old~" }))).count, 20);
    await trio.within(trio.open.get("b")!.close());
    trio.open.delete("b");
    // What is left of it is a store of one again, also after a restart.
    await trio.kill("c");
    await trio.start("c");
    await trio.within(write(trio.open.get("c")!, put("alone", "1")));
    await trio.closeAll();
  }
});

for (const who of ["a follower", "the leader"]) {
  Deno.test(`${who} that is asked to remove itself answers that it was done, and lists no members any more`, async () => {
    const trio = new Trio(15);
    const leader = await trio.startAll();
    const asked = who === "the leader" ? leader : trio.followers()[0]!;
    const { id } = asked.membership;
    await trio.within(asked.membership.remove(id));
    await trio.clock.until(() => asked.actor.getSnapshot().matches("removed"), 5_000);
    const error = await assertRejects(() => trio.within(asked.membership.members()), AdministrationError);
    assertEquals(error.code, "unhealthy");
    await trio.within(asked.close());
    trio.open.delete(trio.nameOf(asked));
    assertEquals((await trio.leader()).membership.records().some((record) => record.id === id), false);
    await trio.closeAll();
  });
}

Deno.test("a member that comes back at another address lets the others know", async () => {
  const trio = new Trio(14);
  const leader = await trio.startAll();
  const moved = trio.nameOf(trio.followers()[0]!);
  await trio.kill(moved);
  const peerAddresses = ["https://elsewhere.test:2380"];
  const clientAddresses = ["https://elsewhere.test:2379"];
  await trio.start(moved, { peerAddresses, clientAddresses });
  await trio.clock.pass(3_000);
  const { learner: _, id: __, ...record } = leader.membership.records().find(({ name }) => name === moved)!;
  assertEquals(record, { name: moved, peerAddresses, clientAddresses });
  await trio.closeAll();
});

Deno.test("a change of the members that cannot be made is refused with why", async () => {
  const trio = new Trio(7);
  const leader = await trio.startAll();
  const [follower] = trio.followers();
  const code = async (act: Promise<unknown>) => (await assertRejects(() => trio.within(act), AdministrationError)).code;
  assertEquals(await code(follower!.membership.remove("0123456789abcdef")), "memberNotFound");
  assertEquals(await code(leader.membership.promote(follower!.membership.id)), "notLearner");
  assertEquals(await code(leader.membership.moveLeader("0123456789abcdef")), "badTransferee");
  const absent = await trio.within(leader.membership.addLearner({ name: "d", peerAddresses: [addressOf("d")] }));
  assertEquals(await code(follower!.membership.promote(absent.id)), "learnerNotReady");
  assertEquals(
    await code(leader.membership.addLearner({ name: "e", peerAddresses: [addressOf("e")] })),
    "tooManyLearners",
  );
  assertEquals((await trio.within(leader.membership.members())).map(({ reachable }) => reachable).sort(), [
    false,
    true,
    true,
    true,
  ]);
  await trio.closeAll();
});

Deno.test("a leader whose disk fails stops with the reason, and the others go on", async () => {
  for (const fault of ["noSpace", "io"] as const) {
    const trio = new Trio(8);
    const leader = await trio.startAll();
    const name = trio.nameOf(leader);
    const disk = trio.disk(name);
    disk.failAt(disk.operations + 1, fault);
    const refused = await trio.within(write(leader, put("k", "1")).then(() => "", (error) => error.code));
    assertEquals(refused, fault === "noSpace" ? "noSpace" : "unavailable");
    assert(leader.actor.getSnapshot().matches("failed"));
    const error = await assertRejects(() => trio.within(leader.range({ key: "k" })), StorageError);
    assert(/disk|space|io/i.test(error.message), error.message);
    await trio.within(leader.close());
    trio.open.delete(name);
    await trio.within(write(await trio.leader(), put("k", "2")));
    disk.restart();
    await trio.start(name);
    await trio.clock.pass(2_000);
    await sameEverywhere(trio);
    await trio.closeAll();
  }
});

Deno.test("a member whose disk has forgotten what it had acknowledged stops and says so", async () => {
  const trio = new Trio(13);
  const leader = await trio.startAll();
  const victim = trio.nameOf(trio.followers()[0]!);
  for (let i = 0; i < 5; i++) await trio.within(write(leader, put(`k${i}`, "1")));
  await trio.clock.pass(300);
  await trio.kill(victim);
  const [segment] = (await trio.disk(victim).list("store")).filter((name) => name.endsWith(".log"));
  // Whole batches are missing at the end: nothing in the file says so, but the leader knows.
  const bytes = await trio.disk(victim).read(`store/${segment}`);
  const isBatch = (at: number) => [0x43, 0x4c, 0x43, 0x42].every((byte, i) => bytes[at + i] === byte);
  const batches = Array.from(bytes.keys()).filter(isBatch);
  trio.disk(victim).cut(`store/${segment}`, batches.at(-3)!);
  const back = await trio.start(victim);
  await trio.clock.pass(3_000);
  assert(back.actor.getSnapshot().matches("failed"));
  assert(/Cannot follow/.test(back.actor.getSnapshot().context.message), back.actor.getSnapshot().context.message);
  await trio.within(write(leader, put("after", "1")));
  await trio.closeAll();
});

Deno.test("leases run out by the leader's clock, and a new leader gives them their full time anew", async () => {
  const trio = new Trio(9);
  const leader = await trio.startAll();
  const [follower] = trio.followers();
  await trio.within(follower!.grantLease({ ttlSeconds: 10, id: 7 }));
  await trio.within(write(follower!, put("k", "1", 7)));
  await trio.clock.pass(8_000);
  await trio.kill(trio.nameOf(leader));
  await trio.leader();
  await trio.clock.pass(6_000);
  assertEquals((await trio.within(follower!.range({ key: "k" }))).count, 1);
  for (const storage of trio.open.values()) {
    assertEquals(await trio.within(storage.keepLeaseAlive(7)), { ttlSeconds: 10 });
  }
  await trio.clock.pass(11_000);
  assertEquals((await trio.within(follower!.range({ key: "k" }))).count, 0);
  const error = await assertRejects(() => trio.within(follower!.keepLeaseAlive(7)), StorageError);
  assertEquals(error.code, "leaseNotFound");
  await trio.closeAll();
});

Deno.test("a member that holds something else than the others is found, alarmed, and serves nothing", async () => {
  const trio = new Trio(10);
  const leader = await trio.startAll();
  for (let i = 0; i < 10; i++) await trio.within(write(leader, put(`k${i}`, "1")));
  assertEquals((await trio.within(leader.membership.checkHashes())).map(({ isCorrupt }) => isCorrupt), [
    false,
    false,
    false,
  ]);
  const [bad, good] = trio.followers();
  await sameEverywhere(trio);
  // Behind the log's back.
  const { state } = (bad as unknown as { replica: { loaded: { state: { apply(command: unknown): void } } } })
    .replica.loaded;
  const request = { compare: [], success: [put("k3", "2")], failure: [] };
  state.apply({ type: "txn", ...request });
  const found = await trio.within(good!.membership.checkHashes());
  assertEquals(found.filter(({ isCorrupt }) => isCorrupt).map(({ member }) => member), [bad!.membership.id]);
  await trio.clock.pass(200);
  const error = await assertRejects(() => trio.within(bad!.range({ key: "k3", serializable: true })), StorageError);
  assertEquals(error.message, "The store of this member is corrupt: it differs from the others'");
  assertEquals((await trio.within(good!.range({ key: "k3" }))).count, 1);
  await trio.closeAll();
});

Deno.test("the leader compares what the members hold by itself, every now and then", async () => {
  const trio = new Trio(12, { compareHashesEveryMs: 60_000 });
  await trio.startAll();
  const [bad] = trio.followers();
  const { state } = (bad as unknown as { replica: { loaded: { state: { apply(command: unknown): void } } } })
    .replica.loaded;
  state.apply({ type: "grantLease", id: 99, ttlSeconds: 5 });
  await trio.clock.pass(61_000);
  assert(bad!.actor.getSnapshot().matches({ running: { requests: "refused" } }));
  await trio.closeAll();
});

Deno.test("more requests than may wait are refused, and those that wait are answered", async () => {
  const trio = new Trio(11, { queue: { proposals: 50, bytes: 1 << 20, reads: 20 } });
  await trio.startAll();
  for (const storage of [trio.findLeader()!, trio.followers()[0]!]) {
    const codes = (acts: Promise<unknown>[]) =>
      Promise.all(acts.map((act) => act.then(() => "ok", (error: StorageError) => error.code)));
    const writes = codes(Array.from({ length: 80 }, (_, i) => write(storage, put(`k${i}`, "1"))));
    const reads = codes(Array.from({ length: 30 }, () => storage.range({ key: "k" })));
    const count = (all: string[], code: string) => all.filter((each) => each === code).length;
    const [written, read] = [await trio.within(writes), await trio.within(reads)];
    assertEquals([count(written, "ok"), count(written, "tooManyRequests")], [50, 30]);
    assertEquals([count(read, "ok"), count(read, "tooManyRequests")], [20, 10]);
  }
  await trio.closeAll();
});
