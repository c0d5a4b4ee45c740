import { assert, assertEquals } from "@std/assert";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { startCompactor } from "../../../actors/store/compactor.ts";
import { openStorage } from "../../../actors/store/open_storage.ts";
import { ActorSystem } from "../../../actors/system.ts";
import type { Storage } from "../../../ports/storage.ts";
import { put, refusal, write } from "../../contracts/storage_world.ts";
import { HandClock, seededRandom } from "../../contracts/test_world.ts";

const interval = 300_000;

async function world(compactors: number) {
  const storage = await openStorage({
    disk: new SimulatedDisk({ random: seededRandom(2) }),
    clock: new HandClock(),
    random: seededRandom(1),
  });
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const compactions: number[] = [];
  const counted = new Proxy(storage, {
    get: (target, name) =>
      name === "compact"
        ? (revision: number) => (compactions.push(revision), target.compact(revision))
        : (...args: unknown[]) => (target[name as keyof Storage] as (...args: unknown[]) => unknown)(...args),
  });
  for (let i = 0; i < compactors; i++) startCompactor({ system, node: `master-${i}`, storage: counted });
  const pass = async (milliseconds: number) => {
    clock.advance(milliseconds);
    for (let turn = 0; turn < 20; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.run();
    }
  };
  await pass(0);
  return {
    storage,
    compactions,
    pass,
    close: async () => {
      system.stopAll();
      await storage.close();
    },
  };
}

Deno.test("startCompactor drops what is older than an interval, and nothing younger", async () => {
  const { storage, compactions, pass, close } = await world(1);
  const { revision } = await write(storage, put("k", "1"));
  await write(storage, put("k", "2"));
  await pass(interval);
  assertEquals(compactions.length, 1);
  assertEquals((await storage.range({ key: "k", revision })).count, 1);
  await pass(interval);
  assertEquals(await refusal(storage.range({ key: "k", revision })), "compacted");
  assertEquals((await storage.range({ key: "k" })).count, 1);
  await close();
});

Deno.test("startCompactor of several API servers compacts once an interval", async () => {
  const { compactions, pass, close } = await world(3);
  for (let round = 1; round <= 5; round++) {
    await pass(interval);
    assertEquals(compactions.length, round);
  }
  assert(compactions.every((revision, at) => at === 0 || revision > compactions[at - 1]!), `${compactions}`);
  await close();
});

Deno.test("startCompactor goes on where somebody has compacted more", async () => {
  const { storage, compactions, pass, close } = await world(1);
  await write(storage, put("k", "1"));
  await storage.compact((await storage.status()).revision);
  await pass(interval);
  await pass(interval);
  assertEquals(compactions.length, 2);
  await close();
});
