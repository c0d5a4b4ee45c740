import { assert, assertEquals, assertRejects } from "@std/assert";
import { administerReplica } from "../../../../actors/store/replica/administration.ts";
import { SnapshotReader } from "../../../../machines/store/snapshot_format.ts";
import { AdministrationError } from "../../../../ports/store_administration.ts";
import { StorageError } from "../../../../ports/storage.ts";
import { put, write } from "../../../contracts/storage_contract.ts";
import { addressOf, Trio } from "./trio.ts";

Deno.test("administerReplica adds a member without a name, which says what it is called when it starts", async () => {
  const trio = new Trio(1);
  const leader = await trio.startAll();
  const { administration } = administerReplica(trio.followers()[0]!);
  const bad = await assertRejects(
    () => trio.within(administration.addMember({ peerAddresses: ["nowhere"], learner: true })),
    AdministrationError,
  );
  assertEquals(bad.code, "badAddress");
  const { cluster, members, member: { id, name } } = await trio.within(
    administration.addMember({ peerAddresses: [addressOf("d")], learner: true }),
  );
  assertEquals([name, members.length], ["", 4]);
  const taken = await assertRejects(
    () => trio.within(administration.addMember({ peerAddresses: [addressOf("d")], learner: true })),
    AdministrationError,
  );
  assertEquals(taken.code, "peerAddressExists");
  await trio.start("d", { begin: { join: { id, cluster, members } } });
  await trio.clock.until(() => leader.membership.records().some((each) => each.name === "d"), 10_000);
  const hasAll = () => {
    const { progress, log } = leader.log.getSnapshot().context;
    return progress[id]?.match === log.last.index;
  };
  await trio.clock.until(hasAll, 10_000);
  const after = await trio.within(administration.promoteMember(id));
  assertEquals(after.members.filter(({ learner }) => !learner).length, 4);
  await trio.within(write(trio.open.get("d")!, put("k", "1")));
  await trio.closeAll();
});

Deno.test("administerReplica keeps alarms in the log, and a full store refuses puts on every member", async () => {
  const trio = new Trio(2);
  const leader = await trio.startAll();
  const [small, other] = [administerReplica(leader, { quotaBytes: 4_000 }), administerReplica(trio.followers()[0]!)];
  let code = "";
  for (let i = 0; i < 10 && code === ""; i++) {
    code = await trio.within(
      write(small.storage, put(`k${i}`, "x".repeat(900))).then(() => "", (error: StorageError) => error.code),
    );
  }
  assertEquals(code, "noSpace");
  await trio.clock.pass(100);
  const alarm = { type: "noSpace", member: leader.membership.id } as const;
  assertEquals(await other.administration.alarms(), [alarm]);
  const refused = await assertRejects(() => trio.within(write(other.storage, put("k", "1"))), StorageError);
  assertEquals(refused.code, "noSpace");
  const { revision } = await trio.within(write(other.storage, { type: "delete", key: "k", end: "l" }));
  await trio.within(other.storage.compact(revision));
  await trio.within(small.administration.defragment());
  assert(await trio.within(other.administration.clearAlarm(alarm)));
  await trio.within(write(small.storage, put("k", "1")));
  await trio.closeAll();
});

Deno.test("administerReplica tells the same hash on every member, and hands out a snapshot that can be read", async () => {
  const trio = new Trio(3);
  await trio.startAll();
  const all = [...trio.open.values()].map((storage) => administerReplica(storage));
  for (let i = 0; i < 10; i++) await trio.within(write(all[0]!.storage, put(`k${i}`, "1")));
  await trio.clock.pass(200);
  const hashes = await Promise.all(all.map(({ administration }) => trio.within(administration.hashAt(8))));
  assertEquals(new Set(hashes.map(({ hash }) => hash)).size, 1);
  const collect = async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of all[1]!.administration.snapshot()) pieces.push(piece);
    return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
  };
  const reader = new SnapshotReader(await trio.within(collect()));
  while (reader.step());
  assertEquals(reader.state.revision, 11);
  const health = await trio.within(all[2]!.administration.health());
  assertEquals([health.errors, health.learner, health.appliedIndex], [[], false, health.committedIndex]);
  await trio.closeAll();
});

Deno.test("administerReplica tells on every member how long a lease still runs", async () => {
  const trio = new Trio(4);
  await trio.startAll();
  const all = [...trio.open.values()].map((storage) => administerReplica(storage));
  await trio.within(all[0]!.storage.grantLease({ ttlSeconds: 30, id: 4 }));
  await trio.within(write(all[1]!.storage, put("k", "1", 4)));
  await trio.clock.pass(10_000);
  for (const { administration } of all) {
    const lease = await trio.within(administration.lease(4));
    assert(lease !== undefined && lease.remainingSeconds >= 18 && lease.remainingSeconds <= 20, JSON.stringify(lease));
    assertEquals([lease.ttlSeconds, lease.keys], [30, ["k"]]);
  }
  await trio.closeAll();
});
