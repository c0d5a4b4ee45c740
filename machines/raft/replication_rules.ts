/** How a leader brings the others' logs up to its own (thesis 3.5, 10.2.1; etcd-raft maybeSendAppend, stepLeader). */
import { entriesFrom, lastThatMayMatch, termAt } from "./log.ts";
import type { AppendAccepted, AppendRefused } from "./message.ts";
import * as progress from "./progress.ts";
import type { Progress } from "./progress.ts";
import type { RaftContext } from "./raft_member.ts";
import type { Turn } from "./turn.ts";

/** Sends whatever each member lacks and may be sent. `evenEmpty`: also tells those who lack nothing what is committed. */
export function broadcast(turn: Turn, { evenEmpty = false } = {}): void {
  for (const to of Object.keys(turn.m.progress)) sendTo(turn, to, { evenEmpty });
}

/** One message after the other until the window is full or nothing is left. */
export function sendTo(turn: Turn, to: string, { evenEmpty = false } = {}): void {
  if (!sendOne(turn, to, evenEmpty)) return;
  while (turn.m.progress[to]?.state === "replicate" && sendOne(turn, to, false));
}

function sendOne(turn: Turn, to: string, evenEmpty: boolean): boolean {
  const { m } = turn;
  const { settings } = m;
  const peer = m.progress[to]!;
  if (progress.isPaused(peer, windowOf(m))) return false;
  const previous = peer.next - 1;
  const term = termAt(m.log, previous);
  if (term === undefined) return sendSnapshot(turn, to, peer);
  const entries = entriesFrom(m.log, peer.next, settings.maxMessageBytes);
  if (entries.length === 0 && !evenEmpty) return false;
  turn.say({ type: "append.requested", to, previous: { index: previous, term }, entries, commit: m.commit });
  set(turn, to, progress.sent(peer, entries.length, entries.reduce((sum, { size }) => sum + size, 0)));
  return true;
}

/** The entries are gone from the log (thesis 5.3). Nobody who is silent is sent all the bytes. */
function sendSnapshot(turn: Turn, to: string, peer: Progress): boolean {
  const { m } = turn;
  if (!peer.active) return false;
  const { snapshot } = m;
  set(turn, to, progress.toSnapshot(peer, snapshot.index));
  const message = { type: "snapshot.offered", from: m.id, to, term: m.term, snapshot } as const;
  turn.order({ type: "sendSnapshot", params: { to, message } });
  return true;
}

/** Whether the answer told anything new. */
export function noteAccepted(turn: Turn, { from, index }: AppendAccepted): void {
  const { m } = turn;
  const before = m.progress[from];
  if (before === undefined) return;
  const wasPaused = progress.isPaused(before, windowOf(m));
  const isNew = index > before.match;
  let after = progress.accepted(before, Math.min(index, m.log.last.index));
  // It has what was snapshotted, or all that is left of the log follows on what it has.
  const isReached = after.state === "probe" ? isNew || index === before.match : after.match >= m.log.base.index;
  if (after.state !== "replicate" && isReached) after = progress.toReplicate(after);
  set(turn, from, after);
  if (isNew || wasPaused) sendTo(turn, from);
}

export function noteRefused(turn: Turn, { from, index, hint }: AppendRefused): void {
  const { m } = turn;
  const before = m.progress[from];
  if (before === undefined) return;
  const may = hint.term > 0 ? lastThatMayMatch(m.log, hint.index, hint.term).index : hint.index;
  const after = progress.refused(before, index, may);
  set(turn, from, after === undefined ? { ...before, active: true } : { ...after, active: true });
  if (after !== undefined) sendTo(turn, from, { evenEmpty: true });
}

/** It is there: a probe that was lost is sent again, and a full window is opened by one (etcd-raft MsgHeartbeatResp). */
export function noteHeartbeat(turn: Turn, from: string): void {
  const { m } = turn;
  const before = m.progress[from];
  if (before === undefined) return;
  let after = progress.seen(before);
  if (after.state === "replicate" && progress.isFull(after, windowOf(m))) {
    after = { ...after, inFlight: after.inFlight.slice(1) };
  }
  set(turn, from, after);
  if (after.match < m.log.last.index || after.state === "probe") sendTo(turn, from, { evenEmpty: true });
}

/** Sent or not, the next thing is to ask what it has; but not before it answers the snapshot, or a heartbeat. */
export function noteSnapshotEnd(turn: Turn, to: string, isSent: boolean): void {
  const before = turn.m.progress[to];
  if (before?.state !== "snapshot") return;
  const after = progress.toProbe(isSent ? before : { ...before, snapshot: 0 });
  set(turn, to, { ...after, paused: true });
}

/** Messages under way are lost, most likely: asks what arrived (etcd-raft MsgUnreachable). */
export function noteLostConnection(turn: Turn, peer: string): void {
  const before = turn.m.progress[peer];
  if (before?.state === "replicate") set(turn, peer, progress.toProbe(before));
}

/** Also how a round of reads is confirmed. */
export function sayHeartbeats(turn: Turn): void {
  const { m } = turn;
  for (const [to, { match }] of Object.entries(m.progress)) {
    turn.say({ type: "heartbeat.sent", to, commit: Math.min(match, m.commit), round: m.reads.round });
  }
}

function set(turn: Turn, id: string, after: Progress): void {
  if (turn.m.progress[id] !== after) turn.m.progress = { ...turn.m.progress, [id]: after };
}

function windowOf({ settings }: RaftContext): progress.Window {
  return { messages: settings.maxInFlight, bytes: settings.maxInFlightBytes };
}
