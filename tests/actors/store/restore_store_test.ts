import { assert, assertEquals, assertRejects } from "@std/assert";
import { SimulatedClock } from "../../../actors/simulated/simulated_clock.ts";
import { administerReplica } from "../../../actors/store/replica/administration.ts";
import { holdsStore, readSnapshot, restoreStore } from "../../../actors/store/restore_store.ts";
import { MalformedBytes } from "../../../machines/raft/bytes.ts";
import { revisionsAhead } from "../../../machines/store/restored_state.ts";
import { StorageError } from "../../../ports/storage.ts";
import type { ReplicatedStorage } from "../../../actors/store/replica/open_replicated_storage.ts";
import { Collected, put, write } from "../../contracts/storage_contract.ts";
import { seededRandom } from "../../contracts/test_world.ts";
import { addressOf, Trio } from "./replica/trio.ts";

async function snapshotBytes(trio: Trio, storage: ReplicatedStorage): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const all = (async () => {
    for await (const piece of administerReplica(storage).administration.snapshot()) pieces.push(piece);
  })();
  await trio.within(all);
  return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
}

/** Three members with keys, one of which was changed, one deleted, one has a lease; and what a snapshot of them holds. */
async function used(seed: number): Promise<{ trio: Trio; bytes: Uint8Array }> {
  const trio = new Trio(seed);
  const leader = await trio.startAll();
  await trio.within(leader.grantLease({ ttlSeconds: 60, id: 7 }));
  await trio.within(write(leader, put("kept", "1"), put("changed", "1"), put("deleted", "1")));
  await trio.within(write(leader, put("changed", "2"), put("leased", "1", 7)));
  await trio.within(write(leader, { type: "delete", key: "deleted" }));
  return { trio, bytes: await snapshotBytes(trio, leader) };
}

const values = async (trio: Trio, storage: ReplicatedStorage) =>
  (await trio.within(storage.range({ key: "\0", end: "\0" }))).kvs
    .map(({ key, value, version, lease }) => [key, new TextDecoder().decode(value), version, lease]);

async function restore(trio: Trio, bytes: Uint8Array, name = "r") {
  const { clock } = trio;
  const state = await trio.within(readSnapshot(bytes, clock));
  const random = seededRandom(99);
  return await trio.within(
    restoreStore({
      disk: trio.disk(name),
      clock,
      random,
      directory: "store",
      name,
      peerAddresses: [addressOf(name)],
      state,
    }),
  );
}

Deno.test("a restored store has the living keys and leases, and every revision is later than any it has given", async () => {
  const { trio, bytes } = await used(31);
  const former = (await trio.leader()).membership;
  const expected = await values(trio, await trio.leader());
  const { revision: last } = await trio.within((await trio.leader()).status());
  // What is written after the snapshot is lost; that it was seen must not matter.
  await trio.within(write(await trio.leader(), put("lost", "1")));
  const restored = await restore(trio, bytes);
  assertEquals(restored.revision, last + revisionsAhead);
  const storage = await trio.start("r");
  assertEquals(await values(trio, storage), expected);
  assert(storage.membership.cluster !== former.cluster);
  assertEquals(storage.membership.records().map(({ name, learner }) => [name, learner]), [["r", false]]);
  const { revision } = await trio.within(write(storage, put("changed", "3")));
  assertEquals(revision, restored.revision + 1);
  assertEquals(await trio.within(storage.keepLeaseAlive(7)), { ttlSeconds: 60 });
  await trio.within(storage.revokeLease(7));
  assertEquals((await trio.within(storage.range({ key: "leased" }))).count, 0);
  await trio.closeAll();
});

Deno.test("a restored store refuses changes since before the snapshot, and tells those since", async () => {
  const { trio, bytes } = await used(32);
  const { revision } = await restore(trio, bytes);
  const storage = await trio.start("r");
  const old = new Collected(storage, { key: "\0", end: "\0", startRevision: revision - 5 });
  await trio.clock.pass(100);
  assertEquals(old.closed?.code, "compacted");
  const seen = new Collected(storage, { key: "\0", end: "\0", startRevision: revision });
  await trio.within(write(storage, put("new", "1")));
  await trio.clock.pass(100);
  assertEquals(seen.events.map(({ kv }) => kv.key), ["new"]);
  const code = await assertRejects(() => trio.within(storage.range({ key: "kept", revision: 5 })), StorageError);
  assertEquals(code.code, "compacted");
  await trio.closeAll();
});

Deno.test("a restored store outlives restarts and grows to several members", async () => {
  const { trio, bytes } = await used(33);
  const expected = await values(trio, await trio.leader());
  await restore(trio, bytes);
  await trio.start("r");
  await trio.kill("r");
  const storage = await trio.start("r");
  const ticket = await trio.within(
    storage.membership.addLearner({ name: "s", peerAddresses: [addressOf("s")] }),
  );
  const second = await trio.start("s", { begin: { join: ticket } });
  await trio.clock.until(() => second.log.getSnapshot().context.log.last.index >= 2, 20_000);
  assertEquals(await values(trio, second), expected);
  await trio.closeAll();
});

Deno.test("a snapshot that is not whole is refused, wherever it is cut or changed", async () => {
  const { trio, bytes } = await used(34);
  const clock = new SimulatedClock();
  for (let length = 0; length < bytes.length; length += 7) {
    await assertRejects(() => readSnapshot(bytes.subarray(0, length), clock), MalformedBytes);
  }
  for (let at = 0; at < bytes.length; at += 11) {
    const changed = bytes.slice();
    changed[at]! ^= 0x20;
    await assertRejects(() => readSnapshot(changed, clock), MalformedBytes);
  }
  await trio.closeAll();
});

Deno.test("a restore that fails leaves no store behind, and can be tried again", async () => {
  const { trio, bytes } = await used(35);
  const disk = trio.disk("r");
  for (let operation = 1;; operation++) {
    disk.failAt(disk.operations + operation, "noSpace");
    const went = await restore(trio, bytes).then(() => true, () => false);
    if (went) break;
    assertEquals(await holdsStore(disk, "store"), false);
  }
  disk.restart(); // What was to fail next does not.
  await assertRejects(() => restore(trio, bytes), Error, "there is a store already");
  const storage = await trio.start("r");
  assertEquals((await trio.within(storage.range({ key: "kept" }))).count, 1);
  await trio.closeAll();
});
