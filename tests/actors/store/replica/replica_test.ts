import { assertEquals } from "@std/assert";
import { bytes, put, text, write } from "../../../contracts/storage_contract.ts";
import { Trio } from "./trio.ts";

Deno.test("three members write through the leader and read everywhere", async () => {
  const trio = new Trio();
  const leader = await trio.startAll();
  const { revision } = await trio.within(write(leader, put("k", "1")));
  assertEquals(revision, 2);
  for (const follower of trio.followers()) {
    const { kvs } = await trio.within(follower.range({ key: "k" }));
    assertEquals(kvs.map(({ value }) => text(value)), ["1"]);
  }
  const [follower] = trio.followers();
  assertEquals((await trio.within(write(follower!, put("k", "2")))).revision, 3);
  assertEquals((await trio.within(leader.range({ key: "k" }))).kvs[0]!.value, bytes("2"));
  await trio.closeAll();
});
