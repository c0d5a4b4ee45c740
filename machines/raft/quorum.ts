/** Counting majorities of voters (thesis 3.4, 3.5). Without voters there is no majority. */
import type { MemberId } from "./entry.ts";

export function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** Whether these members are a majority of the voters. Others among them do not count. */
export function isQuorum(voters: readonly MemberId[], has: (member: MemberId) => boolean): boolean {
  return voters.length > 0 && voters.filter(has).length >= majorityOf(voters.length);
}

/** The highest index that a majority has. */
export function quorumIndex(voters: readonly MemberId[], indexOf: (member: MemberId) => number): number {
  if (voters.length === 0) return 0;
  const indexes = voters.map(indexOf).sort((a, b) => b - a);
  return indexes[majorityOf(voters.length) - 1]!;
}

/** Answers so far: true for granted. */
export type Votes = Readonly<Record<MemberId, boolean>>;

/** `lost`: whatever those say who have not answered, there is no majority any more. */
export function voteOutcome(voters: readonly MemberId[], votes: Votes): "won" | "lost" | "open" {
  if (isQuorum(voters, (member) => votes[member] === true)) return "won";
  return isQuorum(voters, (member) => votes[member] !== false) ? "open" : "lost";
}
