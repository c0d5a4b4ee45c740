/** The actions of the chart of a member: each carries out rules in one turn. */
import { enqueueActions } from "xstate";
import * as election from "./election_rules.ts";
import * as follower from "./follower_rules.ts";
import * as leader from "./leader_rules.ts";
import { compact, termAt } from "./log.ts";
import { type RaftContext, type RaftEvent, snapshotAt } from "./raft_member.ts";
import * as replication from "./replication_rules.ts";
import { noteSaved, type RaftOrder, Turn } from "./turn.ts";

type EventOf<T extends RaftEvent["type"]> = Extract<RaftEvent, { type: T }>;

/** An action that carries out rules, in this order, and hands out what they order. */
export function inOneTurn<E extends RaftEvent>(...rules: ((turn: Turn, event: E) => void)[]) {
  return enqueueActions<RaftContext, RaftEvent, undefined, RaftEvent, never, never, never, never, never>(
    ({ context, event, enqueue }) => {
      const turn = new Turn(context);
      for (const rule of rules) rule(turn, event as E);
      const { member, orders } = turn.finish();
      enqueue.assign(member);
      for (const order of orders) (enqueue as unknown as (order: RaftOrder) => void)(order);
    },
  );
}

export const raftActions = {
  noteSaved: inOneTurn<EventOf<"entries.saved" | "snapshot.installed">>(noteSaved),
  /** Keeps some entries behind the snapshot for followers that are a little late. */
  forgetEntries: inOneTurn<EventOf<"snapshot.made">>(({ m }, { index }) => {
    m.snapshot = snapshotAt(m, index, termAt(m.log, index)!);
    m.log = compact(m.log, Math.max(m.log.base.index, index - m.settings.keptEntries));
  }),

  // Elections
  askPreVotes: inOneTurn(election.askPreVotes),
  noteTransfer: inOneTurn(({ m }) => void (m.isTransfer = true)),
  stand: inOneTurn(election.stand),
  countGrant: inOneTurn<EventOf<"vote.granted" | "preVote.granted">>((turn, { from }) =>
    election.countAnswer(turn, from, true)
  ),
  countRefusal: inOneTurn<EventOf<"vote.refused" | "preVote.refused">>((turn, { from }) =>
    election.countAnswer(turn, from, false)
  ),
  countOwnVote: inOneTurn<EventOf<"entries.saved">>(noteSaved, election.countOwnVote),
  grantVote: inOneTurn<EventOf<"vote.requested">>(election.grantVote),
  refuseVote: inOneTurn<EventOf<"vote.requested">>(election.refuseVote),
  grantPreVote: inOneTurn<EventOf<"preVote.requested">>(election.grantPreVote),
  refusePreVote: inOneTurn<EventOf<"preVote.requested">>(election.refusePreVote),

  // Following
  takeEntries: inOneTurn<EventOf<"append.requested">>(follower.takeEntries),
  takeHeartbeat: inOneTurn<EventOf<"heartbeat.sent">>(follower.takeHeartbeat),
  takeSnapshot: inOneTurn<EventOf<"snapshot.offered">>(follower.takeSnapshot),
  answerStale: inOneTurn<EventOf<"append.requested" | "heartbeat.sent" | "snapshot.offered">>(follower.answerStale),
  forwardReads: inOneTurn<EventOf<"reads.wanted">>((turn, { ids }) => follower.forwardReads(turn, ids)),
  passReads: inOneTurn<EventOf<"reads.answered">>(follower.serveReads),

  // Leading
  takeOffice: inOneTurn(leader.takeOffice),
  leaveOffice: inOneTurn(leader.leaveOffice),
  propose: inOneTurn<EventOf<"proposal.made">>((turn, { sizes }) => leader.propose(turn, sizes)),
  proposeChange: inOneTurn<EventOf<"change.proposed">>((turn, { change, size }) =>
    leader.proposeChange(turn, change, size)
  ),
  refuseProposal: inOneTurn<EventOf<"proposal.made">>((turn, { sizes }) =>
    leader.refuse(turn, sizes.length, sizes.reduce((sum, size) => sum + size, 0))
  ),
  refuseChange: inOneTurn<EventOf<"change.proposed">>((turn, { size }) => leader.refuse(turn, 1, size)),
  noteOwnCopy: inOneTurn<EventOf<"entries.saved">>(noteSaved, leader.commit, leader.moveReads),
  noteAccepted: inOneTurn<EventOf<"append.accepted">>(
    replication.noteAccepted,
    leader.commit,
    leader.moveReads,
    leader.handOver,
  ),
  noteRefused: inOneTurn<EventOf<"append.refused">>(replication.noteRefused),
  noteHeartbeat: inOneTurn<EventOf<"heartbeat.answered">>(
    (turn, { from }) => replication.noteHeartbeat(turn, from),
    (turn, { from, round }) => leader.noteRound(turn, from, round),
    leader.moveReads,
  ),
  sayHeartbeats: inOneTurn(replication.sayHeartbeats),
  takeReads: inOneTurn<EventOf<"reads.wanted">>(
    (turn, { ids }) => leader.takeReads(turn, { from: turn.m.id, ids }),
    leader.moveReads,
  ),
  takeForwardedReads: inOneTurn<EventOf<"reads.requested">>(
    (turn, { from, ids }) => leader.takeReads(turn, { from, ids }),
    leader.moveReads,
  ),
  lookAgain: inOneTurn(leader.lookAgain),
  startTransfer: inOneTurn<EventOf<"transfer.wanted">>(({ m }, { to }) => void (m.transferee = to), leader.handOver),
  endTransfer: inOneTurn(({ m }) => void (m.transferee = "")),
  noteSnapshotSent: inOneTurn<EventOf<"snapshot.sent">>((turn, { to }) => replication.noteSnapshotEnd(turn, to, true)),
  noteSnapshotNotSent: inOneTurn<EventOf<"snapshot.notSent">>((turn, { to }) =>
    replication.noteSnapshotEnd(turn, to, false)
  ),
  noteLostConnection: inOneTurn<EventOf<"connection.lost">>((turn, { peer }) =>
    replication.noteLostConnection(turn, peer)
  ),
};
