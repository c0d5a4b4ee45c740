/**
 * Reads without writing to the log (thesis 6.4): the leader notes its commit index, makes sure by a round of heartbeats
 * that it still leads, and the read may be served wherever that index has been applied. One round serves all reads that
 * came while the round before it was under way.
 */
import type { MemberId } from "./entry.ts";
import { isQuorum } from "./quorum.ts";

/** Who asked; the numbers are the asker's own. */
export interface ReadRequest {
  readonly from: MemberId;
  readonly ids: readonly number[];
}

export interface Reads {
  /** Number of the last round, counted anew by each leader. */
  readonly round: number;
  readonly confirming: ReadRound | null;
  /** Wait for the next round, or for the first commit of the leader's term. */
  readonly waiting: readonly ReadRequest[];
}

export interface ReadRound {
  readonly index: number;
  readonly requests: readonly ReadRequest[];
  /** Members that answered a heartbeat of this round. */
  readonly answered: readonly MemberId[];
}

export const noReads: Reads = { round: 0, confirming: null, waiting: [] };

export function addRead(reads: Reads, request: ReadRequest): Reads {
  return { ...reads, waiting: [...reads.waiting, request] };
}

/** All that wait, in one new round. The same reads when none waits or a round is under way. */
export function startRound(reads: Reads, commit: number, self: MemberId): Reads {
  if (reads.confirming !== null || reads.waiting.length === 0) return reads;
  return {
    round: reads.round + 1,
    confirming: { index: commit, requests: reads.waiting, answered: [self] },
    waiting: [],
  };
}

/** An answer to an earlier round says nothing about this one: the reads came after it was sent. */
export function answerRound(reads: Reads, round: number, member: MemberId): Reads {
  const { confirming } = reads;
  if (confirming === null || round !== reads.round || confirming.answered.includes(member)) return reads;
  return { ...reads, confirming: { ...confirming, answered: [...confirming.answered, member].sort() } };
}

/** The round, when a majority has answered it. */
export function confirmedRound({ confirming }: Reads, voters: readonly MemberId[]): ReadRound | undefined {
  if (confirming === null) return undefined;
  return isQuorum(voters, (member) => confirming.answered.includes(member)) ? confirming : undefined;
}

/** Everything that was asked and not answered. */
export function openRequests({ confirming, waiting }: Reads): readonly ReadRequest[] {
  return confirming === null ? waiting : [...confirming.requests, ...waiting];
}
