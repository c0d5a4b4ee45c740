/**
 * What members of the replicated log say to each other. A message is the event that the other member's machine takes.
 * Payloads and the bytes of snapshots travel beside it: a machine sees only where entries stand and how large they are.
 */
import type { Configuration, MemberId, Position } from "./entry.ts";

/** An entry as the machine sees it. */
export interface LogEntry extends Position {
  /** Bytes of its payload. */
  readonly size: number;
  /** The members from this entry on, when it is a configuration. */
  readonly configuration: Configuration | null;
}

/** What a snapshot stands in for, and who the members were there. */
export interface SnapshotPosition extends Position {
  readonly configuration: Configuration;
}

interface Addressed {
  readonly from: MemberId;
  readonly to: MemberId;
  /** Of the sender. In pre-votes that ask or grant: the term the candidate would stand in. */
  readonly term: number;
}

/** Thesis 9.6: would you vote for me? Nobody's term or vote changes. */
export type PreVoteRequested = Addressed & { readonly type: "preVote.requested"; readonly last: Position };
export type PreVoteGranted = Addressed & { readonly type: "preVote.granted" };
export type PreVoteRefused = Addressed & { readonly type: "preVote.refused" };

/** Thesis 3.4, RequestVote. `transfer`: the leader itself asked for this election (thesis 3.10). */
export type VoteRequested = Addressed & {
  readonly type: "vote.requested";
  readonly last: Position;
  readonly transfer: boolean;
};
export type VoteGranted = Addressed & { readonly type: "vote.granted" };
export type VoteRefused = Addressed & { readonly type: "vote.refused" };

/** Thesis 3.5, AppendEntries. */
export type AppendRequested = Addressed & {
  readonly type: "append.requested";
  /** The entry before the first of `entries`. */
  readonly previous: Position;
  readonly entries: readonly LogEntry[];
  readonly commit: number;
};
/** The log up to `index` is the leader's, and on the disk. */
export type AppendAccepted = Addressed & { readonly type: "append.accepted"; readonly index: number };
/** The entry at `index` is not the leader's. `hint`: the last one that may be. */
export type AppendRefused = Addressed & {
  readonly type: "append.refused";
  readonly index: number;
  readonly hint: Position;
};

/** `commit` never passes what the leader knows to be in the follower's log. `round` is of reads (thesis 6.4). */
export type HeartbeatSent = Addressed & {
  readonly type: "heartbeat.sent";
  readonly commit: number;
  readonly round: number;
};
export type HeartbeatAnswered = Addressed & { readonly type: "heartbeat.answered"; readonly round: number };

/** Thesis 5.3, InstallSnapshot: comes when all its bytes are there. Answered by `append.accepted`. */
export type SnapshotOffered = Addressed & { readonly type: "snapshot.offered"; readonly snapshot: SnapshotPosition };

/** Thesis 3.10, TimeoutNow. */
export type CandidacyUrged = Addressed & { readonly type: "candidacy.urged" };

/** Thesis 6.4: from which index on may these be read? */
export type ReadsRequested = Addressed & { readonly type: "reads.requested"; readonly ids: readonly number[] };
export type ReadsAnswered = Addressed & {
  readonly type: "reads.answered";
  readonly ids: readonly number[];
  readonly index: number;
};

export type Message =
  | PreVoteRequested
  | PreVoteGranted
  | PreVoteRefused
  | VoteRequested
  | VoteGranted
  | VoteRefused
  | AppendRequested
  | AppendAccepted
  | AppendRefused
  | HeartbeatSent
  | HeartbeatAnswered
  | SnapshotOffered
  | CandidacyUrged
  | ReadsRequested
  | ReadsAnswered;
