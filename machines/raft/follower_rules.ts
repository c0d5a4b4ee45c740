/** What a follower does with what its leader sends (thesis 3.5, 5.3; etcd-raft handleAppendEntries and neighbours). */
import { firstNew, has, lastThatMayMatch, logAfter } from "./log.ts";
import type { AppendRequested, HeartbeatSent, Message, ReadsAnswered, SnapshotOffered } from "./message.ts";
import type { Turn } from "./turn.ts";

/**
 * Entries are taken when the one before them is here. Then everything up to the last of them is the leader's, and only
 * so far may the leader's commit index be believed: what follows may be left over from an earlier leader.
 */
export function takeEntries(turn: Turn, { from, previous, entries, commit }: AppendRequested): void {
  const { m } = turn;
  m.leader = from;
  if (previous.index < m.commit) {
    turn.sayWhenSaved({ type: "append.accepted", to: from, index: m.commit });
    return;
  }
  if (!has(m.log, previous)) {
    const hint = lastThatMayMatch(m.log, previous.index, previous.term);
    turn.say({ type: "append.refused", to: from, index: previous.index, hint });
    return;
  }
  const first = firstNew(m.log, entries);
  if (first !== undefined) turn.append(entries.slice(first.index - previous.index - 1));
  const last = previous.index + entries.length;
  m.commit = Math.max(m.commit, Math.min(commit, last));
  turn.sayWhenSaved({ type: "append.accepted", to: from, index: last });
}

/** @throws Error when the leader knows more to be in this log than is: the disk has lost what it had. */
export function takeHeartbeat(turn: Turn, { from, commit, round }: HeartbeatSent): void {
  const { m } = turn;
  m.leader = from;
  if (commit > m.log.last.index) {
    throw new Error(
      `Cannot follow ${from}: it knows entry ${commit} to be here, but the log ends at ${m.log.last.index}`,
    );
  }
  m.commit = Math.max(m.commit, commit);
  turn.say({ type: "heartbeat.answered", to: from, round });
}

/** Takes the place of the whole log, unless the log has what is in it (thesis 5.3, last paragraph). */
export function takeSnapshot(turn: Turn, { from, snapshot }: SnapshotOffered): void {
  const { m } = turn;
  m.leader = from;
  if (has(m.log, snapshot)) m.commit = Math.max(m.commit, snapshot.index);
  if (snapshot.index <= m.commit) {
    turn.sayWhenSaved({ type: "append.accepted", to: from, index: m.commit });
    return;
  }
  turn.install(snapshot, logAfter(snapshot), { type: "append.accepted", to: from, index: snapshot.index });
}

/** Tells a leader of an earlier term that there is a later one, or it would never know (etcd-raft, Step). */
export function answerStale(turn: Turn, { from }: Message): void {
  turn.say({ type: "heartbeat.answered", to: from, round: 0 });
}

export function forwardReads(turn: Turn, ids: readonly number[]): void {
  const { leader } = turn.m;
  if (leader === "") turn.order({ type: "refuseReads", params: { ids, leader } });
  else turn.say({ type: "reads.requested", to: leader, ids });
}

export function serveReads(turn: Turn, { ids, index }: ReadsAnswered): void {
  turn.order({ type: "serveReads", params: { ids, index } });
}
