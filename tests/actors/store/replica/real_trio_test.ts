import { assertEquals } from "@std/assert";
import { put, text, write } from "../../../contracts/storage_contract.ts";
import { realTrio } from "./real_trio.ts";

Deno.test("three members over TLS go on when the leader is gone", async () => {
  const trio = await realTrio();
  const leader = await trio.leader();
  await write(leader, put("before", "1"));
  const others = trio.storages.filter((each) => each !== leader);
  // Both follow: nobody would notice the reset of a connection that there never was.
  for (const other of others) await other.range({ key: "before" });
  await leader.close();
  const { revision } = await write(others[0]!, put("after", "2"));
  assertEquals(revision, 3);
  for (const other of others) {
    const { kvs } = await other.range({ key: "a", end: "c" });
    assertEquals(kvs.map(({ key, value }) => `${key}=${text(value)}`), ["after=2", "before=1"]);
  }
  const members = await others[0]!.membership.members();
  assertEquals(members.map(({ role }) => role).sort(), ["follower", "leader", "unknown"]);
  await trio.close();
});
