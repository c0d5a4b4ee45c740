/** How a member stands for election, and whom it votes for (thesis 3.4, 3.6.1, 9.6; etcd-raft campaign, Step). */
import { isUpToDate } from "./log.ts";
import type { Message, PreVoteRequested, VoteRequested } from "./message.ts";
import { current, isVoter, type RaftContext } from "./raft_member.ts";
import { voteOutcome } from "./quorum.ts";
import type { Turn } from "./turn.ts";

/** Asks everybody whether it would be elected; its own term stays (thesis 9.6). */
export function askPreVotes(turn: Turn): void {
  const { m } = turn;
  Object.assign(m, { votes: { [m.id]: true }, leader: "", isTransfer: false });
  for (const to of otherVoters(m)) turn.say({ type: "preVote.requested", to, last: m.log.last }, m.term + 1);
}

/** A new term, and the own vote in it. Nobody is asked, nor is that vote counted, before the disk has it. */
export function stand(turn: Turn): void {
  const { m } = turn;
  Object.assign(m, { term: m.term + 1, vote: m.id, votes: {}, leader: "" });
  turn.save();
  for (const to of otherVoters(m)) {
    turn.say({ type: "vote.requested", to, last: m.log.last, transfer: m.isTransfer });
  }
}

export function countAnswer(turn: Turn, from: string, granted: boolean): void {
  turn.m.votes = { ...turn.m.votes, [from]: granted };
}

/** The own vote counts when the disk has it. */
export function countOwnVote(turn: Turn): void {
  const { m } = turn;
  if (m.durable.term === m.term && m.durable.vote === m.id) countAnswer(turn, m.id, true);
}

export function outcome(member: RaftContext): "won" | "lost" | "open" {
  return voteOutcome(current(member).configuration.voters, member.votes);
}

/**
 * One vote a term, and only for a log that lacks nothing this one has. Once a leader of the term is known, nobody else
 * is voted for. Whether the candidate is a member is not asked: this member's configuration may be the older one.
 */
export function mayVoteFor(member: RaftContext, { term, from, last }: VoteRequested): boolean {
  if (term !== member.term || !isUpToDate(member.log, last)) return false;
  return member.vote === from || (member.vote === "" && member.leader === "");
}

export function mayPreVoteFor(member: RaftContext, { term, last }: PreVoteRequested): boolean {
  return term > member.term && isUpToDate(member.log, last);
}

export function grantVote(turn: Turn, { from }: VoteRequested): void {
  turn.m.vote = from;
  turn.say({ type: "vote.granted", to: from });
}

export function refuseVote(turn: Turn, { from }: VoteRequested): void {
  turn.say({ type: "vote.refused", to: from });
}

export function grantPreVote(turn: Turn, { from, term }: PreVoteRequested): void {
  turn.say({ type: "preVote.granted", to: from }, term);
}

export function refusePreVote(turn: Turn, { from }: PreVoteRequested): void {
  turn.say({ type: "preVote.refused", to: from });
}

/** A later term has begun: whatever this member was, it follows (thesis 3.3). */
export function adoptTerm({ term }: Message): Partial<RaftContext> {
  return { term, vote: "", leader: "", votes: {}, isTransfer: false };
}

/**
 * It may be elected: it counts among the voters, no snapshot is being put in place of its log, and its disk has what
 * it said last. One whose disk hangs would begin term after term without ever being heard.
 */
export function mayStand(member: RaftContext): boolean {
  const { durable, term, vote, saved, log } = member;
  const isHeard = vote === "" || (durable.term === term && durable.vote === vote);
  return isVoter(member) && saved >= log.base.index && isHeard;
}

/**
 * How long a voter whose leader is gone leaves it to those before it: a heartbeat for each. The first one waits a little
 * too: the others have to notice first, or they would take its question for a disturbance.
 */
export function turnOf(member: RaftContext): number {
  const { id, leader, settings: { heartbeatMs } } = member;
  const before = current(member).configuration.voters.filter((voter) => voter !== leader && voter < id);
  return heartbeatMs * (before.length + 0.2);
}

function otherVoters(member: RaftContext): string[] {
  return current(member).configuration.voters.filter((voter) => voter !== member.id);
}
