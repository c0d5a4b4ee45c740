/** Keys below a prefix, among others', pass the contract of a store of their own. */
import { assertEquals } from "@std/assert";
import { PrefixedStorage } from "../../../actors/etcd/prefixed_storage.ts";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { openStorage } from "../../../actors/store/open_storage.ts";
import { put, storageContract, write } from "../../contracts/storage_contract.ts";
import { HandClock, seededRandom } from "../../contracts/test_world.ts";

async function open() {
  const clock = new HandClock();
  const inner = await openStorage({
    disk: new SimulatedDisk({ random: seededRandom(2) }),
    clock,
    random: seededRandom(1),
  });
  const storage = new PrefixedStorage(inner, "/a/b/");
  const advance = (milliseconds: number) => clock.advance(milliseconds);
  return { inner, storage, advance, close: () => storage.close() };
}

storageContract("PrefixedStorage", open);

Deno.test("PrefixedStorage neither shows nor deletes what is not below its prefix", async () => {
  const { inner, storage, close } = await open();
  await write(inner, put("/a/b", "1"), put("/a/b0", "1"), put("/a/a/k", "1"), put("z", "1"));
  await write(storage, put("k", "1"));
  const all = { key: "\0", end: "\0" };
  assertEquals((await storage.range(all)).kvs.map(({ key }) => key), ["k"]);
  await write(storage, { type: "delete", ...all });
  assertEquals((await inner.range(all)).kvs.map(({ key }) => key), ["/a/a/k", "/a/b", "/a/b0", "z"]);
  await close();
});
