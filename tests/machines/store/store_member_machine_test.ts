import { assertEquals } from "@std/assert";
import { exploreMachine, stateName } from "../../../machines/check/explore_machine.ts";
import { step } from "../../../machines/step.ts";
import { firstStep } from "../../../machines/step.ts";
import { type StoreMemberEvent, storeMemberMachine } from "../../../machines/store/store_member_machine.ts";

const input = { snapshotEvery: { entries: 2, bytes: 3 } };
const failed = { reason: "io", message: "the disk failed" };
const full = { reason: "noSpace", message: "the disk is full" };
const replayed = {
  type: "log.replayed",
  term: 4,
  torn: null,
  since: { entries: 0, bytes: 0 },
  snapshotBytes: 0,
} as const;
const torn = { ...replayed, torn: { file: "1.log", size: 70 } };
const synced = (more: boolean, bytes = 2) => ({ type: "batch.synced", entries: 1, bytes, more } as const);
const opened: StoreMemberEvent[] = [{ type: "directory.opened" }];
const serving: StoreMemberEvent[] = [...opened, replayed, { type: "office.taken" }];
const waiting = { type: "proposals.waiting" } as const;
const close = { type: "storage.closeRequested" } as const;

const cases: { name: string; events: StoreMemberEvent[]; state: string; orders: unknown[] }[] = [
  { name: "locks its directory before it reads", events: [], state: "opening", orders: ["openDirectory"] },
  {
    name: "takes office in the term after the last",
    events: [...opened, replayed],
    state: "takingOffice",
    orders: [{ takeOffice: { term: 5 } }],
  },
  {
    name: "cuts a torn end off before it writes",
    events: [...opened, torn],
    state: "repairing",
    orders: [{ repairTail: { file: "1.log", size: 70 } }],
  },
  {
    name: "writes one batch at a time",
    events: [...serving, waiting, waiting],
    state: "serving.writing.syncing + serving.snapshots.resting",
    orders: [],
  },
  {
    name: "goes on with what came meanwhile",
    events: [...serving, waiting, synced(true)],
    state: "serving.writing.syncing + serving.snapshots.resting",
    orders: ["writeBatch"],
  },
  {
    name: "writes what was announced during a batch even when the batch did not see it",
    events: [...serving, waiting, waiting, synced(false)],
    state: "serving.writing.syncing + serving.snapshots.resting",
    orders: ["writeBatch"],
  },
  {
    name: "makes a snapshot after enough entries and bytes",
    events: [...serving, waiting, synced(true), synced(false)],
    state: "serving.writing.idle + serving.snapshots.saving",
    orders: ["writeSnapshot"],
  },
  {
    name: "does not make the next snapshot before the log has grown to the size of the last",
    events: [...serving, waiting, synced(true), synced(true), { type: "snapshot.saved", bytes: 900 }, {
      type: "files.removed",
    }, synced(true, 1)],
    state: "serving.writing.syncing + serving.snapshots.resting",
    orders: ["writeBatch"],
  },
  {
    name: "stops at a failing disk and says so",
    events: [...serving, waiting, { type: "disk.failed", ...full }],
    state: "failed",
    orders: [{ refuseRequests: { code: "noSpace", message: "the disk is full" } }],
  },
  {
    name: "finishes the batch before it closes",
    events: [...serving, waiting, close],
    state: "draining",
    orders: [{ refuseRequests: { code: "closed", message: "The store is closed" } }],
  },
];

for (const { name, events, state, orders } of cases) {
  Deno.test(`storeMemberMachine ${name}`, () => {
    let last = firstStep(storeMemberMachine, input);
    for (const event of events) last = step(storeMemberMachine, last.snapshot, event);
    const given = last.orders.map(({ type, params }) =>
      Object.keys(params as object).length === 0 ? type : { [type]: params }
    );
    assertEquals({ state: stateName(last.snapshot), orders: given }, { state, orders });
  });
}

Deno.test("storeMemberMachine is sound in every order of events", () => {
  const { problems, states } = exploreMachine(storeMemberMachine, {
    input,
    facts: {
      "directory.refused": [{ reason: "locked", message: "another process holds it" }],
      "log.replayed": [replayed, torn, { ...replayed, since: { entries: 2, bytes: 3 }, snapshotBytes: 2 }],
      "log.refused": [{ reason: "damaged", message: "at offset 7" }],
      "disk.failed": [failed, full],
      "batch.synced": [synced(true), synced(false), { entries: 0, bytes: 0, more: false }],
      "snapshot.saved": [{ bytes: 1 }, { bytes: 9 }],
      "snapshot.failed": [full],
      "files.notRemoved": [failed],
    },
    events: [waiting, close],
    terminal: ["failed"],
    maxOutstanding: 2,
    always: {
      "one batch at a time": ({ outstanding }) => count(outstanding, "writeBatch") <= 1,
      "one snapshot at a time": ({ outstanding }) =>
        count(outstanding, "writeSnapshot") + count(outstanding, "removeOldFiles") <= 1,
      "nothing is written after a failure": ({ snapshot, outstanding }) =>
        !snapshot.matches("failed") || count(outstanding, "writeBatch") + count(outstanding, "writeSnapshot") === 0,
      "files are closed when nothing is written to the log": ({ outstanding }) =>
        count(outstanding, "closeFiles") === 0 || outstanding.length === 1,
    },
    sometimes: {
      "a snapshot is written while batches are": ({ outstanding }) =>
        count(outstanding, "writeSnapshot") + count(outstanding, "writeBatch") === 2,
    },
    eachStep: {
      "what is announced is written": ({ before, choice, after }) =>
        !(choice.type === "answer" && choice.event.type === "batch.synced" && before.snapshot.context.announced &&
          before.snapshot.matches("serving")) || count(after.outstanding, "writeBatch") === 1,
    },
  });
  assertEquals(problems, []);
  console.log(`storeMember: ${states} states`);
});

function count(orders: readonly { type: string }[], type: string): number {
  return orders.filter((order) => order.type === type).length;
}
