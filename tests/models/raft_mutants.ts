/** The machine with one rule broken at a time: each must be caught by some slice, or the slices prove little. */
import { configurationOf, firstNew, has, isUpToDate, truncate } from "../../machines/raft/log.ts";
import * as election from "../../machines/raft/election_rules.ts";
import * as follower from "../../machines/raft/follower_rules.ts";
import * as leader from "../../machines/raft/leader_rules.ts";
import type {
  AppendAccepted,
  AppendRequested,
  Message,
  ReadsRequested,
  VoteRequested,
} from "../../machines/raft/message.ts";
import { startRound } from "../../machines/raft/read_index.ts";
import { quorumIndex } from "../../machines/raft/quorum.ts";
import { inOneTurn } from "../../machines/raft/raft_actions.ts";
import { raftGuards } from "../../machines/raft/raft_guards.ts";
import { raftMachine } from "../../machines/raft/raft_machine.ts";
import type { RaftContext, RaftEvent } from "../../machines/raft/raft_member.ts";
import * as replication from "../../machines/raft/replication_rules.ts";
import { noteSaved, type Turn } from "../../machines/raft/turn.ts";
import type { Disk, RaftMachine } from "../../machines/models/raft/raft_local.ts";

export interface Mutant {
  readonly name: string;
  readonly machine?: RaftMachine;
  readonly found?: (disk: Disk) => Disk;
  /** Part of the name of the slice that catches it, and of the rule that is broken. */
  readonly slice: string;
  readonly broken: string;
}

type EventOf<T extends RaftEvent["type"]> = Extract<RaftEvent, { type: T }>;
interface Asked {
  readonly context: RaftContext;
  readonly event: RaftEvent;
}

/** A leader that commits up to what `find` says. */
function committing(find: (member: RaftContext) => number): RaftMachine {
  const commit = (turn: Turn) => {
    const { m } = turn;
    const index = find(m);
    if (index <= m.commit) return;
    m.commit = index;
    replication.broadcast(turn, { evenEmpty: true });
  };
  return raftMachine.provide({
    actions: {
      noteAccepted: inOneTurn<AppendAccepted>(replication.noteAccepted, commit, leader.moveReads, leader.handOver),
      noteOwnCopy: inOneTurn<EventOf<"entries.saved">>(noteSaved, commit, leader.moveReads),
    },
  });
}

const votersOf = (member: RaftContext) => configurationOf(member.log).configuration.voters;

export const mutants: readonly Mutant[] = [
  {
    name: "an entry of an earlier term is committed by counting",
    machine: committing((member) => quorumIndex(votersOf(member), (id) => leader.matchOf(member, id))),
    slice: "figure 3.7",
    broken: "leader completeness",
  },
  {
    name: "a leader commits without a majority",
    machine: committing((member) => member.saved),
    slice: "replication",
    broken: "committed is durable",
  },
  {
    name: "a vote is forgotten over a restart",
    found: (disk) => ({ ...disk, hardState: { ...disk.hardState, vote: "" } }),
    slice: "election",
    broken: "election safety",
  },
  {
    name: "a vote is granted to a shorter log",
    machine: raftMachine.provide({
      guards: {
        mayVote: ({ context, event }: Asked) =>
          (event as VoteRequested).term === context.term && context.leader === "" &&
          [(event as VoteRequested).from, ""].includes(context.vote),
      },
    }),
    slice: "replication",
    broken: "leader completeness",
  },
  {
    name: "two votes in one term",
    machine: raftMachine.provide({
      guards: {
        mayVote: ({ context, event }: Asked) =>
          (event as VoteRequested).term === context.term && isUpToDate(context.log, (event as VoteRequested).last),
      },
    }),
    slice: "election",
    broken: "election safety",
  },
  {
    name: "a read is served without asking a majority",
    machine: raftMachine.provide({
      actions: {
        takeForwardedReads: inOneTurn<ReadsRequested>((turn, { from, ids }) =>
          turn.say({ type: "reads.answered", to: from, ids, index: turn.m.commit })
        ),
        takeReads: inOneTurn<EventOf<"reads.wanted">>((turn, { ids }) =>
          turn.order({ type: "serveReads", params: { ids, index: turn.m.commit } })
        ),
      },
    }),
    slice: "read index",
    broken: "linearizable reads",
  },
  {
    name: "answers to an earlier round confirm a later one",
    machine: raftMachine.provide({
      actions: {
        noteHeartbeat: inOneTurn<EventOf<"heartbeat.answered">>(
          (turn, { from }) => leader.noteRound(turn, from, turn.m.reads.round),
          leader.moveReads,
        ),
      },
    }),
    slice: "rounds of reads",
    broken: "linearizable reads",
  },
  {
    name: "a log is cut after whatever arrives",
    machine: raftMachine.provide({
      actions: {
        takeEntries: inOneTurn<AppendRequested>((turn, event) => {
          const { m } = turn;
          if (has(m.log, event.previous) && firstNew(m.log, event.entries) === undefined) {
            const last = event.previous.index + event.entries.length;
            m.log = truncate(m.log, last + 1);
            m.saved = Math.min(m.saved, last);
            m.commit = Math.min(m.commit, last);
          }
          follower.takeEntries(turn, event);
        }),
      },
    }),
    slice: "replication",
    broken: "order of indexes",
  },
  {
    name: "answers to appends of an earlier term count",
    machine: raftMachine.provide({
      guards: {
        isOfThisTerm: ({ context, event }: Asked) =>
          event.type === "append.accepted" || raftGuards.isOfThisTerm({ context, event }),
      },
    }),
    slice: "late answers",
    broken: "committed is durable",
  },
  {
    name: "two changes of the members are under way at once",
    machine: raftMachine.provide({
      actions: {
        proposeChange: inOneTurn<EventOf<"change.proposed">>((turn, { change, size }) => {
          const { m } = turn;
          const real = { commit: m.commit, term: m.term };
          // Whatever the commit index is, the last entry counts as committed by this leader.
          Object.assign(m, { commit: m.log.last.index, term: m.log.last.term });
          const checked = leader.checkChange(m, change);
          Object.assign(m, real);
          if ("refusal" in checked) return;
          const entry = { index: m.log.last.index + 1, term: m.term, size, configuration: checked.configuration };
          turn.append([entry]);
          replication.broadcast(turn);
        }),
      },
    }),
    slice: "membership: two changes",
    broken: "leader completeness",
  },
  {
    name: "a follower answers before its disk has the entries",
    machine: raftMachine.provide({
      actions: {
        takeEntries: inOneTurn<AppendRequested>((turn, event) => {
          const late = turn.sayWhenSaved.bind(turn);
          turn.sayWhenSaved = (words) => turn.say(words);
          follower.takeEntries(turn, event);
          turn.sayWhenSaved = late;
        }),
      },
    }),
    slice: "slow disks",
    broken: "committed is durable",
  },
  {
    name: "a vote is heard before the disk has it",
    machine: raftMachine.provide({
      actions: {
        grantVote: inOneTurn<VoteRequested>((turn, event) => {
          election.grantVote(turn, event);
          turn.m.durable = { term: turn.m.term, vote: turn.m.vote };
          turn.save();
        }),
      },
    }),
    slice: "slow votes",
    broken: "election safety",
  },
  {
    name: "a leader counts its own copy before its disk has it",
    machine: committing((member) => {
      const index = quorumIndex(
        votersOf(member),
        (id) => id === member.id ? member.log.last.index : leader.matchOf(member, id),
      );
      return has(member.log, { index, term: member.term }) ? index : 0;
    }),
    slice: "slow disks",
    broken: "committed is durable",
  },
  {
    name: "a message of an earlier term is taken as of this one",
    machine: raftMachine.provide({
      guards: { isOfThisTerm: ({ context, event }: Asked) => (event as Message).term <= context.term },
    }),
    slice: "replication",
    broken: "committed is durable",
  },
  {
    name: "the own term is not waited for before reads are served",
    machine: raftMachine.provide({
      actions: {
        takeReads: inOneTurn<EventOf<"reads.wanted">>((turn, { ids }) => {
          const { m } = turn;
          leader.takeReads(turn, { from: m.id, ids });
          m.reads = startRound(m.reads, m.commit, m.id);
          replication.sayHeartbeats(turn);
        }),
      },
    }),
    slice: "read index",
    broken: "linearizable reads",
  },
];
