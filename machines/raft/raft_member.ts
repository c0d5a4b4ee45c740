/** What one member of the replicated log knows, what it is started with, and which facts reach it. */
import type { HardState, MemberId, Position } from "./entry.ts";
import { configurationAsOf, type ConfigurationAt, configurationOf, logOf, type RaftLog } from "./log.ts";
import { isMember, type MembershipChange } from "./membership.ts";
import type { LogEntry, Message, SnapshotPosition } from "./message.ts";
import { noReads, type Reads } from "./read_index.ts";
import type { Progress } from "./progress.ts";
import type { Votes } from "./quorum.ts";

export interface RaftSettings {
  /** A follower that hears nothing for so long, and a drawn time more, wants an election. */
  readonly electionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** Of the entries of one message; a larger entry goes alone. */
  readonly maxMessageBytes: number;
  /** Unanswered messages, and bytes in them, that one follower may be sent ahead. */
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  /** Proposals are refused while so much is not committed. One is always taken when there is nothing. */
  readonly maxUncommittedBytes: number;
  /** Entries kept behind a snapshot, so that a follower that is a little late needs none. */
  readonly keptEntries: number;
  readonly maxLearners: number;
  /** A learner is promoted only when it lacks no more than so many entries. */
  readonly promotionLag: number;
}

export interface RaftInput {
  readonly id: MemberId;
  readonly settings: RaftSettings;
  /** What the disk has. A new member has term 0, no vote, and a log without entries and members. */
  readonly hardState: HardState;
  readonly base: SnapshotPosition;
  readonly entries: readonly LogEntry[];
  /** The newest snapshot, not before `base`. */
  readonly snapshot: SnapshotPosition;
  /** The last entry that the applied state already contains; the snapshot's, after a restart. */
  readonly applied: number;
  /** From 0 up to the election timeout: how much longer than it the next wait takes. */
  readonly drawnMs: number;
}

export interface RaftContext {
  readonly id: MemberId;
  readonly settings: RaftSettings;
  readonly term: number;
  /** Whom it voted for in `term`; empty: nobody. */
  readonly vote: MemberId;
  /** applied <= commit <= log.last.index */
  readonly commit: number;
  /** Ordered to be applied; never more than is committed and on the own disk. */
  readonly applied: number;
  readonly log: RaftLog;
  /** The log is on the disk up to here. Below `log.base` while a snapshot is being installed. */
  readonly saved: number;
  /** Term and vote on the disk. While they are behind, whatever is said waits for the disk. */
  readonly durable: { readonly term: number; readonly vote: MemberId };
  readonly snapshot: SnapshotPosition;
  /** Of `term`, as far as known; empty: nobody. */
  readonly leader: MemberId;
  /** Drawn for the next wait. */
  readonly drawnMs: number;
  /** The log named it among the members once. A member that joins reads old configurations without being removed. */
  readonly wasMember: boolean;
  /** Answers in the election that it stands in. */
  readonly votes: Votes;
  /** The leader itself asked for this election. */
  readonly isTransfer: boolean;
  /** As leader: the other members, and those who are being removed. */
  readonly progress: Readonly<Record<MemberId, Progress>>;
  readonly reads: Reads;
  /** As leader: whom it hands over to; empty: nobody. */
  readonly transferee: MemberId;
  /** As leader: bytes of its proposals that are not committed. */
  readonly uncommittedBytes: number;
  /** Why its disk failed; for people. */
  readonly reason: string;
  readonly message: string;
}

/** The disk has everything up to `last`, as the log was when the order was given. */
export interface Saved {
  readonly term: number;
  readonly vote: MemberId;
  readonly last: Position;
}

export type RaftEvent =
  | Message
  | (Saved & { readonly type: "entries.saved" })
  | (Saved & { readonly type: "snapshot.installed" })
  | { readonly type: "disk.failed"; readonly reason: string; readonly message: string }
  /** A batch of commands; answered in the same step by acceptProposals or refuseProposals. */
  | { readonly type: "proposal.made"; readonly sizes: readonly number[] }
  | { readonly type: "change.proposed"; readonly change: MembershipChange; readonly size: number }
  /** Reads that must see everything acknowledged before now; answered by serveReads or refuseReads, or never. */
  | { readonly type: "reads.wanted"; readonly ids: readonly number[] }
  | { readonly type: "transfer.wanted"; readonly to: MemberId }
  /** A snapshot of the state after this entry is on the disk. */
  | { readonly type: "snapshot.made"; readonly index: number }
  | { readonly type: "snapshot.sent"; readonly to: MemberId }
  | { readonly type: "snapshot.notSent"; readonly to: MemberId }
  /** The connection to a member was reset: nobody is there any more. */
  | { readonly type: "connection.lost"; readonly peer: MemberId }
  | { readonly type: "timeout.drawn"; readonly ms: number };

export function restarted(input: RaftInput): RaftContext {
  const { id, settings, hardState, snapshot, drawnMs } = input;
  const log = logOf(input.base, input.entries);
  return {
    id,
    settings,
    term: hardState.term,
    vote: hardState.vote,
    commit: Math.max(hardState.commit, snapshot.index),
    applied: input.applied,
    log,
    saved: log.last.index,
    durable: { term: hardState.term, vote: hardState.vote },
    snapshot,
    leader: "",
    drawnMs,
    wasMember: log.configurations.some(({ configuration }) => isMember(configuration, id)),
    votes: {},
    isTransfer: false,
    progress: {},
    reads: noReads,
    transferee: "",
    uncommittedBytes: 0,
    reason: "",
    message: "",
  };
}

/** The members, as the last configuration in the log has them. */
export function current(member: RaftContext): ConfigurationAt {
  return configurationOf(member.log);
}

export function isVoter(member: RaftContext): boolean {
  return current(member).configuration.voters.includes(member.id);
}

/** A committed configuration leaves it out: nobody will talk to it any more. */
export function isRemoved(member: RaftContext): boolean {
  const { index, configuration } = current(member);
  return member.wasMember && index <= member.commit && !isMember(configuration, member.id);
}

/** The position as of which a snapshot can be made, with its members. */
export function snapshotAt({ log }: RaftContext, index: number, term: number): SnapshotPosition {
  return { index, term, configuration: configurationAsOf(log, index).configuration };
}
