import { assert, assertEquals, assertRejects } from "@std/assert";
import { realDisk } from "../../../actors/disk/real_disk.ts";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { type MemberStorage } from "../../../actors/store/open_storage.ts";
import { ActorSystem } from "../../../actors/system.ts";
import { StorageError } from "../../../ports/storage.ts";
import { Collected, put, write } from "../../contracts/storage_contract.ts";
import { HandClock, seededRandom } from "../../contracts/test_world.ts";
import { openSmall } from "./workload.ts";

const newDisk = () => new SimulatedDisk({ random: seededRandom(4) });
const keys = async (storage: MemberStorage) =>
  (await storage.range({ key: "\0", end: "\0" })).kvs.map(({ key }) => key);

/** Fails the next operation whose description begins so. */
function failNext(disk: SimulatedDisk, operation: string, fault: "noSpace" | "io"): void {
  disk.onOperation = (number, what) => {
    if (!what.startsWith(operation)) return;
    disk.failAt(number, fault);
    disk.onOperation = undefined;
  };
}

const cases = [
  { operation: "append", fault: "noSpace", code: "noSpace" },
  { operation: "append", fault: "io", code: "unavailable" },
  { operation: "sync", fault: "io", code: "unavailable" },
  { operation: "sync", fault: "noSpace", code: "noSpace" },
] as const;
for (const { operation, fault, code } of cases) {
  Deno.test(`openStorage stops at ${fault} on ${operation}, and has every answered write after a restart`, async () => {
    const disk = newDisk();
    const storage = await openSmall(disk);
    await write(storage, put("before", "1"));
    const seen = new Collected(storage, { key: "k" });
    failNext(disk, operation, fault);
    const refused = await Promise.allSettled([write(storage, put("k1", "")), write(storage, put("k2", ""))]);
    for (const one of refused) {
      assert(one.status === "rejected" && one.reason instanceof StorageError);
      assertEquals(one.reason.code, code);
    }
    assertEquals(seen.closed?.code, code);
    const error = await assertRejects(() => write(storage, put("later", "")), StorageError, `Cannot ${operation}`);
    assertEquals(error.code, code);
    assertEquals((await assertRejects(() => storage.range({ key: "before" }), StorageError)).code, code);
    assertEquals(storage.actor.getSnapshot().value, "failed");
    await storage.close();
    const again = await openSmall(disk);
    const found = await keys(again);
    assertEquals(found.filter((key) => !key.startsWith("k")), ["before"]);
    await write(again, put("later", ""));
    await again.close();
  });
}

Deno.test("openStorage says why it cannot open", async () => {
  const disk = newDisk();
  failNext(disk, "append", "noSpace");
  const error = await assertRejects(() => openSmall(disk), StorageError, "no space left");
  assertEquals(error.code, "noSpace");
  const storage = await openSmall(disk);
  await write(storage, put("k", ""));
  await storage.close();
});

Deno.test("openStorage goes on when a snapshot cannot be written, and tries again", async () => {
  const disk = newDisk();
  const clock = new HandClock();
  const storage = await openSmall(disk, { clock });
  disk.onOperation = (number, what) => {
    if (what.includes("draft") && what.includes("snapshot")) disk.failAt(number, "noSpace");
  };
  for (let i = 0; i < 12; i++) await write(storage, put(`k${i}`, ""));
  const { value, context } = storage.actor.getSnapshot();
  assert(JSON.stringify(value).includes('"postponed"'), JSON.stringify(value));
  assertEquals(context.reason, "noSpace");
  disk.onOperation = undefined;
  clock.advance(30_000);
  const rests = () => JSON.stringify(storage.actor.getSnapshot().value).includes('"resting"');
  while (!rests()) await write(storage, put("more", ""));
  assertEquals((await disk.list("store")).filter((name) => name.endsWith(".snapshot")).length, 1);
  await storage.close();
});

Deno.test("openStorage keeps two snapshots and the log after the older one", async () => {
  const disk = newDisk();
  const storage = await openSmall(disk);
  let most = 0;
  for (let i = 0; i < 200; i++) {
    await write(storage, put(`k${i % 5}`, String(i)));
    if (i % 40 === 39) await storage.compact((await storage.status()).revision);
    most = Math.max(most, (await disk.list("store")).length);
  }
  assert(most <= 20, `${most} files`);
  await storage.close();
  const again = await openSmall(disk);
  assertEquals((await again.range({ key: "k4" })).kvs[0]?.version, 40);
  await again.close();
});

for (const [name, open] of [["simulated", newDisk], ["real", () => realDisk(Deno.makeTempDirSync())]] as const) {
  Deno.test(`openStorage refuses a second opener of one directory on the ${name} disk`, async () => {
    const disk = open();
    const first = await openSmall(disk);
    const error = await assertRejects(() => openSmall(disk), StorageError, "another");
    assertEquals(error.code, "unavailable");
    await write(first, put("k", "1"));
    await first.close();
    const second = await openSmall(disk);
    assertEquals(await keys(second), ["k"]);
    await second.close();
  });
}

Deno.test("openStorage answers tooManyRequests rather than queue without end", async () => {
  const storage = await openSmall(newDisk(), { queue: { proposals: 10, bytes: 1 << 20 } });
  const all = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => write(storage, put(`k${i}`, ""))));
  const refused = all.filter((one) => one.status === "rejected").map((one) => (one.reason as StorageError).code);
  assertEquals([new Set(refused), refused.length], [new Set(["tooManyRequests"]), 20]);
  await write(storage, put("later", ""));
  await storage.close();
});

Deno.test("openStorage gives a lease its whole time anew after a restart", async () => {
  const disk = newDisk();
  const clock = new HandClock();
  const storage = await openSmall(disk, { clock });
  await storage.grantLease({ ttlSeconds: 10, id: 3 });
  await write(storage, put("k", "1", 3));
  clock.advance(9_000);
  await storage.close();
  const again = await openSmall(disk, { clock });
  const seen = new Collected(again, { key: "k" });
  clock.advance(9_000);
  assertEquals(await keys(again), ["k"]);
  clock.advance(2_000);
  await seen.until(() => seen.events.length > 0);
  assertEquals(await keys(again), []);
  await again.close();
});

Deno.test("openStorage goes back to the same member, in a later term", async () => {
  const disk = newDisk();
  const first = await openSmall(disk, { identity: { member: "00000000000000aa", cluster: "00000000000000cc" } });
  const before = await first.status();
  await first.close();
  const second = await openSmall(disk);
  const after = await second.status();
  assertEquals([before.member, after.member, after.leader], Array(3).fill("00000000000000aa"));
  assertEquals([before.term, after.term], [1, 2]);
  await second.close();
});

Deno.test("openStorage has the same hash after a restart, and another after a write", async () => {
  const disk = newDisk();
  const storage = await openSmall(disk);
  for (let i = 0; i < 30; i++) await write(storage, put(`k${i % 7}`, String(i)));
  await storage.compact(20);
  const before = await storage.hash();
  assertEquals(await storage.hash(), before);
  await storage.close();
  const again = await openSmall(disk);
  assertEquals((await again.hash()).hash, before.hash);
  await write(again, put("k1", "other"));
  assert((await again.hash()).hash !== before.hash);
  await again.close();
});

Deno.test("openStorage lets go of its directory when its actor was stopped from outside", async () => {
  const disk = newDisk();
  const clock = new HandClock();
  const system = new ActorSystem({ clock });
  const storage = await openSmall(disk, { clock, system });
  const seen = new Collected(storage, { key: "k" });
  const underWay = write(storage, put("k", "1"));
  system.stopAll();
  assertEquals((await assertRejects(() => write(storage, put("k", "2")), StorageError)).code, "closed");
  await assertRejects(() => underWay, StorageError);
  assertEquals(seen.closed?.code, "closed");
  await storage.close();
  await storage.close();
  const again = await openSmall(disk);
  await again.close();
});
