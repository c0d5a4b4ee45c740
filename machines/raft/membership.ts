/**
 * Changing the members, one at a time (thesis 4.1 to 4.3; docs/decisions has the choice).
 *
 * The rule that keeps it safe. A configuration counts from the moment it is in a member's log, committed or not. A
 * leader adds one only if
 *   1. it differs from the one before by at most one voter, so that any two majorities of both share a member;
 *   2. the one before is committed;
 *   3. the leader has committed an entry of its own term, so that no configuration of an earlier leader, which it does
 *      not have, can come back (the flaw of the original rule, raft-dev 2015).
 * The id of a member that was removed is never used again.
 */
import type { Configuration, MemberId } from "./entry.ts";
import { configurationOf, type RaftLog, termAt } from "./log.ts";
import type { Progress } from "./progress.ts";

export type MembershipChange =
  /** A new member starts as a learner: it is sent the log, and counts for nothing. */
  | { readonly type: "addLearner"; readonly member: MemberId }
  /** A learner that has caught up becomes a voter. */
  | { readonly type: "promoteLearner"; readonly member: MemberId }
  | { readonly type: "removeMember"; readonly member: MemberId }
  /** The same members again: what is written beside them, the name and addresses of this one, is what changes. */
  | { readonly type: "restateMembers"; readonly member: MemberId };

/** Why a change is refused; for people. */
export type ChangeRefusal =
  | "changeUnderWay"
  | "noCommitInTerm"
  | "isMember"
  | "isNoLearner"
  | "isNoMember"
  | "tooManyLearners"
  | "notCaughtUp"
  | "lastVoter";

export type ChangeCheck = { readonly configuration: Configuration } | { readonly refusal: ChangeRefusal };

export interface ChangeLimits {
  readonly learners: number;
  /** A learner is promoted only when it lacks no more than so many entries. */
  readonly lag: number;
}

export interface ChangeSituation {
  readonly log: RaftLog;
  readonly commit: number;
  readonly term: number;
  readonly progress: Readonly<Record<MemberId, Progress>>;
}

export function isMember({ voters, learners }: Configuration, member: MemberId): boolean {
  return voters.includes(member) || learners.includes(member);
}

export function membersOf({ voters, learners }: Configuration): MemberId[] {
  return [...voters, ...learners];
}

/** Rules 2 and 3. */
export function mayChange({ log, commit, term }: ChangeSituation): ChangeRefusal | undefined {
  if (configurationOf(log).index > commit) return "changeUnderWay";
  return termAt(log, commit) === term ? undefined : "noCommitInTerm";
}

/** The configuration after a change; rule 1 holds by what changes there are. */
export function changeMembers(
  situation: ChangeSituation,
  { type, member }: MembershipChange,
  limits: ChangeLimits,
): ChangeCheck {
  const refusal = mayChange(situation);
  if (refusal !== undefined) return { refusal };
  const { voters, learners } = configurationOf(situation.log).configuration;
  const without = (members: readonly MemberId[]) => members.filter((each) => each !== member);
  switch (type) {
    case "addLearner":
      if (voters.includes(member) || learners.includes(member)) return { refusal: "isMember" };
      if (learners.length >= limits.learners) return { refusal: "tooManyLearners" };
      return { configuration: { voters, learners: [...learners, member].sort() } };
    case "promoteLearner": {
      if (!learners.includes(member)) return { refusal: "isNoLearner" };
      const progress = situation.progress[member];
      const isClose = progress?.state === "replicate" && progress.match + limits.lag >= situation.log.last.index;
      if (!isClose) return { refusal: "notCaughtUp" };
      return { configuration: { voters: [...voters, member].sort(), learners: without(learners) } };
    }
    case "removeMember":
      if (!voters.includes(member) && !learners.includes(member)) return { refusal: "isNoMember" };
      if (voters.length === 1 && voters[0] === member) return { refusal: "lastVoter" };
      return { configuration: { voters: without(voters), learners: without(learners) } };
    case "restateMembers":
      if (!voters.includes(member) && !learners.includes(member)) return { refusal: "isNoMember" };
      return { configuration: { voters, learners } };
  }
}

/** How many voters two configurations differ by; rule 1 says at most one. */
export function voterDifference(a: Configuration, b: Configuration): number {
  const only = (from: Configuration, not: Configuration) => from.voters.filter((each) => !not.voters.includes(each));
  return only(a, b).length + only(b, a).length;
}
