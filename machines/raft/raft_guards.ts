/** What the chart of a member asks before it goes somewhere. */
import { hearsMajority, isTransferable, refusalOf } from "./leader_rules.ts";
import { mayPreVoteFor, mayStand, mayVoteFor, outcome } from "./election_rules.ts";
import type { Message, PreVoteRequested, VoteRequested } from "./message.ts";
import { isRemoved, isVoter, type RaftContext, type RaftEvent } from "./raft_member.ts";

interface Asked {
  readonly context: RaftContext;
  readonly event: RaftEvent;
}

type EventOf<T extends RaftEvent["type"]> = Extract<RaftEvent, { type: T }>;

const termOf = (event: RaftEvent) => (event as Message).term;

export const raftGuards = {
  isOfThisTerm: ({ context, event }: Asked) => termOf(event) === context.term,
  isOfNewerTerm: ({ context, event }: Asked) => termOf(event) > context.term,
  isOfOlderTerm: ({ context, event }: Asked) => termOf(event) < context.term,
  isOfNextTerm: ({ context, event }: Asked) => termOf(event) === context.term + 1,
  isUnwishedElection: ({ event }: Asked) => event.type !== "vote.requested" || !event.transfer,
  mayVote: ({ context, event }: Asked) => mayVoteFor(context, event as VoteRequested),
  mayPreVote: ({ context, event }: Asked) => mayPreVoteFor(context, event as PreVoteRequested),
  mayStand: ({ context }: Asked) => mayStand(context),
  isUrged: ({ context, event }: Asked) => termOf(event) === context.term && mayStand(context),
  isElected: ({ context }: Asked) => outcome(context) === "won",
  isRejected: ({ context }: Asked) => outcome(context) === "lost",
  isVoter: ({ context }: Asked) => isVoter(context),
  isNoVoter: ({ context }: Asked) => !isVoter(context),
  isRemoved: ({ context }: Asked) => isRemoved(context),
  isLeader: ({ context, event }: Asked) => (event as EventOf<"connection.lost">).peer === context.leader,
  isSnapshotUsable: ({ context, event }: Asked) => {
    const { index } = event as EventOf<"snapshot.made">;
    return index > context.snapshot.index && index <= context.applied && index > context.log.base.index;
  },
  mayPropose: ({ context, event }: Asked) => refusalOf(context, bytesOf(event)) === undefined,
  hearsMajority: ({ context }: Asked) => hearsMajority(context),
  isTransferable: ({ context, event }: Asked) => isTransferable(context, (event as EventOf<"transfer.wanted">).to),
};

function bytesOf(event: RaftEvent): number {
  if (event.type === "proposal.made") return event.sizes.reduce((sum, size) => sum + size, 0);
  return event.type === "change.proposed" ? event.size : 0;
}
