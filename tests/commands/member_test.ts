import { assertEquals, assertRejects } from "@std/assert";
import { makeChange, type MembersDoor } from "../../commands/member.ts";
import { NoAnswer, Refused } from "../../commands/post_json.ts";
import type { StoreMemberStatus } from "../../ports/store_membership.ts";

type Members = StoreMemberStatus[];

function member(id: string, role: StoreMemberStatus["role"]): StoreMemberStatus {
  const numbers = { term: 2, appliedIndex: 9, revision: 7, sizeBytes: 100, processId: 1 };
  const addresses = { peerAddresses: [], clientAddresses: [] };
  return { id, name: id, role, learner: role === "learner", reachable: true, ...numbers, ...addresses };
}

/** One that makes the change and loses its answer, or loses the question; then answers. */
function lossyDoor(before: Members, after: Members, lost: "answer" | "question") {
  const asked: string[] = [];
  let now = before;
  const door: MembersDoor = {
    list: () => Promise.resolve(now),
    change(change) {
      asked.push(change);
      const isFirst = asked.length === 1;
      if (!isFirst || lost === "answer") now = after;
      return isFirst ? Promise.reject(new NoAnswer("the connection was closed")) : Promise.resolve();
    },
  };
  return { door, asked, now: () => now };
}

const [a, b, c] = [member("a", "leader"), member("b", "follower"), member("c", "learner")];
const led = [member("a", "follower"), member("b", "leader"), c];

const changes: { change: string; member: StoreMemberStatus | undefined; after: Members }[] = [
  { change: "remove", member: b, after: [a, c] },
  { change: "promote", member: c, after: [a, b, member("c", "follower")] },
  { change: "move-leader", member: b, after: led },
  { change: "move-leader", member: undefined, after: led },
];
for (const { change, member, after } of changes) {
  const of = member === undefined ? "" : ` ${member.id}`;
  for (const [lost, times] of [["answer", 1], ["question", 2]] as const) {
    Deno.test(`${change}${of} whose ${lost} is lost is made, asked for ${times === 1 ? "once" : "again"}`, async () => {
      const world = lossyDoor([a, b, c], after, lost);
      await makeChange(world.door, change, member, [a, b, c], () => Promise.resolve());
      assertEquals([world.asked.length, world.now()], [times, after]);
    });
  }
}

Deno.test("a change that is refused is not asked for again", async () => {
  let asked = 0;
  const door: MembersDoor = {
    list: () => Promise.resolve([a, b, c]),
    change: () => Promise.reject(new Refused(409, `asked ${++asked}`)),
  };
  await assertRejects(() => makeChange(door, "promote", c, [a, b, c]), Refused, "asked 1");
});

Deno.test("a change that is never answered ends with what was said last", async () => {
  const door: MembersDoor = {
    list: () => Promise.resolve([a, b, c]),
    change: () => Promise.reject(new NoAnswer("there is no leader")),
  };
  const pause = () => Promise.resolve();
  await assertRejects(() => makeChange(door, "remove", b, [a, b, c], pause), NoAnswer, "there is no leader");
});
