/** What a leader does: takes proposals, commits, serves reads, hands over (thesis 3.5, 3.6.2, 3.10, 6.2 to 6.4). */
import { bytesBetween, configurationAsOf, termAt } from "./log.ts";
import { changeMembers, isMember, type MembershipChange, membersOf } from "./membership.ts";
import type { LogEntry } from "./message.ts";
import { newProgress, type Progress } from "./progress.ts";
import { isQuorum, quorumIndex } from "./quorum.ts";
import {
  addRead,
  answerRound,
  confirmedRound,
  noReads,
  openRequests,
  type ReadRequest,
  startRound,
} from "./read_index.ts";
import { current, type RaftContext } from "./raft_member.ts";
import { broadcast, sayHeartbeats } from "./replication_rules.ts";
import type { Turn } from "./turn.ts";

/** Begins with an empty entry: only with one of its own term can it commit those before (thesis 3.6.2). */
export function takeOffice(turn: Turn): void {
  const { m } = turn;
  const after = newProgress(m.log.last.index);
  Object.assign(m, { leader: m.id, reads: noReads, transferee: "", uncommittedBytes: 0, votes: {}, isTransfer: false });
  m.progress = Object.fromEntries(others(m).map((id) => [id, after]));
  appendOwn(turn, [{ size: 0, configuration: null }]);
}

/** Whoever still waits for a read is told to ask again. */
export function leaveOffice(turn: Turn): void {
  const { m } = turn;
  for (const { from, ids } of openRequests(m.reads)) {
    if (from === m.id) turn.order({ type: "refuseReads", params: { ids, leader: "" } });
  }
  const leader = m.leader === m.id ? "" : m.leader;
  Object.assign(m, { progress: {}, reads: noReads, transferee: "", uncommittedBytes: 0, leader });
}

export function propose(turn: Turn, sizes: readonly number[]): void {
  const { m } = turn;
  const params = { first: m.log.last.index + 1, count: sizes.length, term: m.term };
  turn.order({ type: "acceptProposals", params });
  appendOwn(turn, sizes.map((size) => ({ size, configuration: null })));
}

/** Why no proposal is taken now; undefined: it is. */
export function refusalOf(member: RaftContext, bytes: number): string | undefined {
  if (member.leader !== member.id) return "notLeader";
  if (member.transferee !== "") return "transferring";
  const { uncommittedBytes, settings } = member;
  const isTooMuch = uncommittedBytes > 0 && uncommittedBytes + bytes > settings.maxUncommittedBytes;
  return isTooMuch ? "tooMuchUncommitted" : undefined;
}

export function refuse(turn: Turn, count: number, bytes: number): void {
  const why = refusalOf(turn.m, bytes) ?? "notLeader";
  turn.order({ type: "refuseProposals", params: { count, why, leader: turn.m.leader } });
}

export function checkChange(member: RaftContext, change: MembershipChange) {
  const { settings: { maxLearners, promotionLag } } = member;
  return changeMembers(member, change, { learners: maxLearners, lag: promotionLag });
}

export function proposeChange(turn: Turn, change: MembershipChange, size: number): void {
  const { m } = turn;
  const checked = checkChange(m, change);
  if ("refusal" in checked) {
    const params = { count: 1, why: checked.refusal, leader: m.leader };
    return turn.order({ type: "refuseProposals", params });
  }
  const params = { first: m.log.last.index + 1, count: 1, term: m.term };
  turn.order({ type: "acceptProposals", params });
  appendOwn(turn, [{ size, configuration: checked.configuration }]);
}

/** Followers are sent it while the own disk writes (thesis 10.2.1); the own copy counts when that is done. */
function appendOwn(turn: Turn, entries: readonly Omit<LogEntry, "index" | "term">[]): void {
  const { m } = turn;
  const { last: { index } } = m.log;
  turn.append(entries.map((entry, at) => ({ ...entry, index: index + 1 + at, term: m.term })));
  m.uncommittedBytes += entries.reduce((sum, { size }) => sum + size, 0);
  meetMembers(turn);
  broadcast(turn);
}

/**
 * Counts copies on disks, but only for an entry of its own term; those before it are committed with it. An entry of an
 * earlier term on a majority may still be replaced (thesis 3.6.2, figure 3.7).
 */
export function commit(turn: Turn): void {
  const { m } = turn;
  const index = quorumIndex(current(m).configuration.voters, (id) => matchOf(m, id));
  if (index <= m.commit || termAt(m.log, index) !== m.term) return;
  m.uncommittedBytes = Math.max(0, m.uncommittedBytes - bytesBetween(m.log, m.commit, index));
  m.commit = index;
  broadcast(turn, { evenEmpty: true });
  const { configuration } = current(m);
  if (current(m).index > m.commit) return;
  meetMembers(turn);
  // It was removed: leads on until here, without counting itself, and asks the next one to stand (thesis 4.2.2).
  if (!isMember(configuration, m.id)) urge(turn, mostAdvanced(m));
}

/** Everybody the last configuration names is sent to, and those it leaves out until it is committed. */
function meetMembers(turn: Turn): void {
  const { m } = turn;
  const now = current(m);
  const before = configurationAsOf(m.log, now.index - 1).configuration;
  const leaving = now.index > m.commit ? membersOf(before) : [];
  const wanted = [...new Set([...membersOf(now.configuration), ...leaving])];
  const known = Object.keys(m.progress).length;
  if (wanted.every((id) => id === m.id || id in m.progress) && known === wanted.filter((id) => id !== m.id).length) {
    return;
  }
  const progress: Record<string, Progress> = {};
  for (const id of wanted.sort()) {
    if (id !== m.id) progress[id] = m.progress[id] ?? newProgress(m.log.last.index, true);
  }
  m.progress = progress;
}

export function matchOf(member: RaftContext, id: string): number {
  return id === member.id ? member.saved : member.progress[id]?.match ?? 0;
}

function others(member: RaftContext): string[] {
  return membersOf(current(member).configuration).filter((id) => id !== member.id).sort();
}

function mostAdvanced(member: RaftContext): string | undefined {
  const { voters } = current(member).configuration;
  return voters.toSorted((a, b) => matchOf(member, b) - matchOf(member, a))[0];
}

// Reads (thesis 6.4)

export function takeReads(turn: Turn, request: ReadRequest): void {
  turn.m.reads = addRead(turn.m.reads, request);
}

/** Before the first commit of its term a leader does not know what is committed: reads wait (thesis 6.4, step 1). */
export function moveReads(turn: Turn): void {
  const { m } = turn;
  for (;;) {
    const { configuration: { voters } } = current(m);
    const before = m.reads;
    if (termAt(m.log, m.commit) === m.term) m.reads = startRound(m.reads, m.commit, m.id);
    if (m.reads !== before) sayHeartbeats(turn);
    const round = confirmedRound(m.reads, voters);
    if (round === undefined) return;
    m.reads = { ...m.reads, confirming: null };
    for (const { from, ids } of round.requests) {
      if (from === m.id) turn.order({ type: "serveReads", params: { ids, index: round.index } });
      else turn.say({ type: "reads.answered", to: from, ids, index: round.index });
    }
  }
}

export function noteRound(turn: Turn, from: string, round: number): void {
  turn.m.reads = answerRound(turn.m.reads, round, from);
}

// Staying and going

/** Thesis 6.2: a leader that does not hear from a majority for an election timeout leads nobody. */
export function hearsMajority(member: RaftContext): boolean {
  const { voters } = current(member).configuration;
  return isQuorum(voters, (id) => id === member.id || member.progress[id]?.active === true);
}

export function lookAgain(turn: Turn): void {
  const { m } = turn;
  m.progress = Object.fromEntries(Object.entries(m.progress).map(([id, each]) => [id, { ...each, active: false }]));
}

/** Thesis 3.10: a voter other than itself. */
export function isTransferable(member: RaftContext, to: string): boolean {
  return to !== member.id && current(member).configuration.voters.includes(to) && to in member.progress;
}

/** Urges the one it hands over to, as soon as that one has the whole log. */
export function handOver(turn: Turn): void {
  const { m } = turn;
  if (m.transferee === "") return;
  if (!(m.transferee in m.progress)) m.transferee = "";
  else if (matchOf(m, m.transferee) === m.log.last.index) urge(turn, m.transferee);
}

function urge(turn: Turn, to: string | undefined): void {
  if (to !== undefined) turn.say({ type: "candidacy.urged", to });
}
