/** What one member orders for what it is told. Stories about several are in scenarios/. */
import { assertEquals, assertThrows } from "@std/assert";
import { stateName } from "../../../machines/chart_names.ts";
import { raftMachine } from "../../../machines/raft/raft_machine.ts";
import type { RaftEvent, RaftInput } from "../../../machines/raft/raft_member.ts";
import { firstStep, type Order, step } from "../../../machines/step.ts";
import { settings } from "../../../machines/models/raft/raft_slices.ts";

const nobody = { index: 0, term: 0, configuration: { voters: [], learners: [] } };
const input = (voters: readonly string[], drawnMs = 0): RaftInput => ({
  id: "a",
  settings: { ...settings, maxUncommittedBytes: 10 },
  hardState: { term: 0, vote: "", commit: 1 },
  base: nobody,
  entries: [{ index: 1, term: 0, size: 1, configuration: { voters, learners: [] } }],
  snapshot: nobody,
  applied: 1,
  drawnMs,
});
const urged: RaftEvent = { type: "candidacy.urged", from: "", to: "a", term: 0 };
const saved = (index: number, term: number): RaftEvent => ({
  type: "entries.saved",
  term: 1,
  vote: "a",
  last: { index, term },
});
const granted: RaftEvent = { type: "vote.granted", from: "b", to: "a", term: 1 };
const elected = [urged, saved(1, 0), granted];
const accepted = (index: number): RaftEvent => ({ type: "append.accepted", from: "b", to: "a", term: 1, index });

const cases: { name: string; events: readonly RaftEvent[]; state: string; orders: readonly string[] }[] = [
  {
    name: "asks for votes when its own is on the disk",
    events: [urged],
    state: "member.candidate",
    orders: ["saveEntries a:vote.requested b, vote.requested c", "drawTimeout"],
  },
  {
    name: "leads when its disk and one other have voted, and sends its first entry while its disk writes it",
    events: elected,
    state: "leader",
    orders: ["sendMessages append.requested b, append.requested c", "saveEntries 2/1"],
  },
  {
    name: "commits what one other has, with its own copy, and applies it",
    events: [...elected, saved(2, 1), accepted(2)],
    state: "leader",
    orders: ["sendMessages append.requested b", "applyEntries 2-2"],
  },
  {
    name: "does not apply what is committed before its own disk has it",
    events: [...elected, accepted(2), { ...accepted(2), from: "c" } as RaftEvent],
    state: "leader",
    orders: ["sendMessages append.requested b, append.requested c"],
  },
  {
    name: "takes one proposal however large, and no more while that is not committed",
    events: [...elected, { type: "proposal.made", sizes: [50] }, { type: "proposal.made", sizes: [1] }],
    state: "leader",
    orders: ["refuseProposals tooMuchUncommitted"],
  },
  {
    name: "refuses proposals and reads when it knows no leader",
    events: [{ type: "proposal.made", sizes: [1, 1] }],
    state: "member.follower.leaderless",
    orders: ["refuseProposals notLeader"],
  },
  {
    name: "refuses reads when it knows no leader",
    events: [{ type: "reads.wanted", ids: [7] }],
    state: "member.follower.leaderless",
    orders: ["refuseReads 7"],
  },
  {
    name: "refuses the reads that wait when it leads no more",
    events: [...elected, { type: "reads.wanted", ids: [7] }, {
      type: "heartbeat.sent",
      from: "b",
      to: "a",
      term: 2,
      commit: 1,
      round: 0,
    }],
    state: "member.follower.led",
    orders: ["refuseReads 7", "saveEntries :heartbeat.answered b"],
  },
  {
    name: "refuses a change of members before it has committed in its term",
    events: [...elected, { type: "change.proposed", change: { type: "removeMember", member: "c" }, size: 1 }],
    state: "leader",
    orders: ["refuseProposals noCommitInTerm"],
  },
  {
    name: "says nothing once its disk has failed",
    events: [urged, { type: "disk.failed", reason: "noSpace", message: "The disk is full" }, granted],
    state: "failed",
    orders: [],
  },
];

for (const { name, events, state, orders } of cases) {
  Deno.test(`raftMachine ${name}`, () => {
    let made = firstStep(raftMachine, input(["a", "b", "c"]));
    for (const event of events) made = step(raftMachine, made.snapshot, event);
    const value = made.snapshot.matches({ member: "leader" }) ? "leader" : stateName(made.snapshot);
    assertEquals([value, made.orders.map(said)], [state, orders]);
  });
}

Deno.test("raftMachine waits an election timeout and what was drawn", () => {
  const { timers } = firstStep(raftMachine, input(["a"], 321));
  assertEquals(timers.filter(({ delayMs }) => delayMs !== undefined).map(({ delayMs }) => delayMs), [1321]);
});

Deno.test("raftMachine refuses to follow a leader that knows more to be in its log than is", () => {
  const { snapshot } = firstStep(raftMachine, input(["a", "b"]));
  const heartbeat = { type: "heartbeat.sent", from: "b", to: "a", term: 1, commit: 9, round: 0 };
  assertThrows(() => step(raftMachine, snapshot, heartbeat), Error, "Cannot follow b: it knows entry 9 to be here");
});

interface Said {
  readonly type: string;
  readonly to: string;
}

function said({ type, params }: Order): string {
  const { messages, thenSend, entries, why, ids, from, to, hardState } = params as {
    messages?: Said[];
    thenSend?: Said[];
    entries?: { index: number; term: number }[];
    why?: string;
    ids?: number[];
    from?: number;
    to?: number;
    hardState?: { vote: string };
  };
  const list = (all: readonly Said[]) => all.map(({ type, to }) => `${type} ${to}`).join(", ");
  if (messages !== undefined) return `${type} ${list(messages)}`;
  if (entries !== undefined && entries.length > 0) {
    return `${type} ${entries.map((e) => `${e.index}/${e.term}`).join()}`;
  }
  if (thenSend !== undefined) return `${type} ${hardState?.vote}:${list(thenSend)}`;
  if (why !== undefined) return `${type} ${why}`;
  if (ids !== undefined) return `${type} ${ids.join()}`;
  return from === undefined ? type : `${type} ${from}-${to}`;
}
