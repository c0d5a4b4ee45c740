import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { type ReplicaEvent, replicaMachine } from "../../machines/store/replica_machine.ts";

const failed = { reason: "io", message: "the disk failed" };
const full = { reason: "noSpace", message: "the disk is full" };
const replayed = { torn: null, since: { entries: 0, bytes: 0 }, snapshotBytes: 0 };
const events: ReplicaEvent[] = [
  { type: "member.ready" },
  { type: "member.failed", ...failed },
  { type: "member.removed" },
  { type: "alarm.raised" },
  { type: "alarm.cleared" },
  { type: "entries.applied", entries: 1, bytes: 2 },
  { type: "snapshot.received", bytes: 5 },
  { type: "storage.closeRequested" },
];

Deno.test("replicaMachine is sound in every order of events", () => {
  const { problems, states } = exploreMachine(replicaMachine, {
    input: { snapshotEvery: { entries: 2, bytes: 3 } },
    facts: {
      "directory.refused": [{ reason: "locked", message: "another process holds it" }],
      "log.replayed": [
        replayed,
        { ...replayed, torn: { file: "1.log", size: 70 } },
        { ...replayed, since: { entries: 2, bytes: 3 }, snapshotBytes: 2 },
      ],
      "log.refused": [{ reason: "damaged", message: "at offset 7" }],
      "disk.failed": [failed, full],
      "snapshot.saved": [{ bytes: 1 }, { bytes: 9 }],
      "snapshot.failed": [full],
      "files.notRemoved": [failed],
    },
    events,
    terminal: ["failed", "removed"],
    maxOutstanding: 2,
    always: {
      "one snapshot at a time": ({ outstanding }) =>
        count(outstanding, "writeSnapshot") + count(outstanding, "removeOldFiles") <= 1,
      "files are closed when nothing else is waited for": ({ outstanding }) =>
        count(outstanding, "closeFiles") === 0 || outstanding.length === 1,
    },
    sometimes: {
      "it serves": ({ snapshot }) => snapshot.matches({ running: { requests: "served" } }),
      "it is open and answers nothing": ({ snapshot }) => snapshot.matches({ running: { requests: "refused" } }),
      "it is removed": ({ snapshot }) => snapshot.matches("removed"),
    },
    eachStep: {
      "whoever stops taking part says nothing more": ({ before, after }) => {
        const isPart = (snapshot: typeof after.snapshot) => snapshot.matches("running");
        const hasLeft = before.snapshot !== undefined && isPart(before.snapshot) && !isPart(after.snapshot);
        return !hasLeft || after.orders.some(({ type }) => type === "stopMember");
      },
    },
  });
  assertEquals(problems, []);
  console.log(`replica: ${states} states`);
});

function count(orders: readonly { type: string }[], type: string): number {
  return orders.filter((order) => order.type === type).length;
}
