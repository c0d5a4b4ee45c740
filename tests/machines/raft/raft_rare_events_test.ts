/** What rarely comes to a member, and what no small model of a cluster goes by (`tests/models/uncovered.ts`). */
import { assertEquals } from "@std/assert";
import { stateName } from "../../../machines/chart_names.ts";
import { settings } from "../../../machines/models/raft/raft_slices.ts";
import type { Message } from "../../../machines/raft/message.ts";
import { raftMachine } from "../../../machines/raft/raft_machine.ts";
import type { RaftEvent, RaftInput } from "../../../machines/raft/raft_member.ts";
import { firstStep, step } from "../../../machines/step.ts";

const nobody = { index: 0, term: 0, configuration: { voters: [], learners: [] } };
const configuration = { voters: ["a", "b", "c"], learners: [] };
const input: RaftInput = {
  id: "a",
  settings,
  hardState: { term: 1, vote: "", commit: 1 },
  base: nobody,
  entries: [{ index: 1, term: 0, size: 1, configuration }],
  snapshot: nobody,
  applied: 1,
  drawnMs: 0,
};

function after(events: readonly RaftEvent[], from: RaftInput = input) {
  let { snapshot } = firstStep(raftMachine, from);
  for (const event of events) ({ snapshot } = step(raftMachine, snapshot, event));
  const { term, leader } = snapshot.context;
  return { state: stateName(snapshot), term, leader, context: snapshot.context };
}

const told = { from: "b", to: "a" };
const heartbeat = (term: number): RaftEvent => ({ ...told, type: "heartbeat.sent", term, commit: 1, round: 0 });
const at = { index: 1, term: 0 };
const offered = (term: number): RaftEvent => ({
  ...told,
  type: "snapshot.offered",
  term,
  snapshot: { index: 3, term: 1, configuration },
});

const ofTermTwo: readonly Message[] = [
  { ...told, type: "reads.answered", term: 2, ids: [1], index: 1 },
  { ...told, type: "reads.requested", term: 2, ids: [1] },
  { ...told, type: "vote.granted", term: 2 },
  { ...told, type: "vote.refused", term: 2 },
  { ...told, type: "append.accepted", term: 2, index: 1 },
  { ...told, type: "append.refused", term: 2, index: 1, hint: at },
  { ...told, type: "heartbeat.answered", term: 2, round: 0 },
  { ...told, type: "preVote.refused", term: 2 },
];

for (const message of ofTermTwo) {
  Deno.test(`raftMachine takes over the newer term of ${message.type}, and follows nobody in it yet`, () => {
    const { term, leader } = after([message]);
    assertEquals({ term, leader }, { term: 2, leader: "" });
  });
}

const leaders: readonly { name: string; message: RaftEvent; term: number }[] = [
  { name: "heartbeat.sent", message: heartbeat(2), term: 2 },
  { name: "snapshot.offered", message: offered(2), term: 2 },
  { name: "snapshot.offered of its own term", message: offered(1), term: 1 },
];
for (const { name, message, term } of leaders) {
  Deno.test(`raftMachine follows who sends ${name}: only a leader does`, () => {
    const { term: now, leader, state } = after([message]);
    assertEquals([now, leader, state.includes("led")], [term, "b", true], state);
  });
}

Deno.test("raftMachine does not take a snapshot of an older term's leader", () => {
  const { term, leader, context } = after([offered(0)]);
  assertEquals([term, leader, context.log.last.index], [1, "", 1]);
});

Deno.test("raftMachine stops for good when its disk fails, and says why", () => {
  const { state, context } = after([{ type: "disk.failed", reason: "NoSpace", message: "the disk is full" }]);
  assertEquals([state, context.reason, context.message], ["failed", "NoSpace", "the disk is full"]);
});

Deno.test("raftMachine loses its leader with the connection to it, and with that to nobody else", () => {
  const lost = (peer: string): RaftEvent => ({ type: "connection.lost", peer });
  assertEquals(after([heartbeat(1), lost("c")]).leader, "b");
  const { state } = after([heartbeat(1), lost("b")]);
  assertEquals(state.includes("bereft"), true, state);
});

Deno.test("raftMachine waits by the latest draw", () => {
  assertEquals(after([{ type: "timeout.drawn", ms: 321 }]).context.drawnMs, 321);
});
