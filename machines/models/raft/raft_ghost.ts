/**
 * What a modelled cluster has promised so far, and whether each member keeps to it. The rules are the invariants that
 * etcd-raft's TLA+ specification names.
 */
import { stateKey } from "../../check/state_key.ts";
import { entryAt, type RaftLog, termAt } from "../../raft/log.ts";
import type { OrderParams } from "../../raft/turn.ts";
import { isQuorum } from "../../raft/quorum.ts";
import type { Local } from "./raft_local.ts";

/** Plain data; part of the state that is explored. */
export interface Ghost {
  /** Who led which term. */
  readonly leaders: Readonly<Record<number, string>>;
  /** The committed log: for each index from 1, the entry's term, and the term in which it was known committed first. */
  readonly committed: readonly { readonly term: number; readonly by: number }[];
  /** For each read asked for: how much was committed then; 0 once it is served. */
  readonly reads: Readonly<Record<number, number>>;
}

export const nothingPromised: Ghost = { leaders: {}, committed: [], reads: {} };

export class BrokenPromise extends Error {
  override name = "BrokenPromise";
}

/** The promises after a step of one member. `peers` are all members, this one as it is now. */
export function promisesAfter(
  ghost: Ghost,
  local: Local,
  served: readonly OrderParams<"serveReads">[],
  peers: readonly Local[],
): Ghost {
  const { context } = local.snapshot;
  let { leaders, committed, reads } = ghost;
  if (isLeader(local)) {
    const before = leaders[context.term];
    if (before !== undefined && before !== local.member) {
      throw new BrokenPromise(`election safety: ${before} and ${local.member} lead term ${context.term}`);
    }
    if (before === undefined) leaders = { ...leaders, [context.term]: local.member };
  }
  if (context.commit > committed.length) {
    const more = [];
    for (let index = committed.length + 1; index <= context.commit; index++) {
      more.push({ term: termAt(context.log, index) ?? context.log.base.term, by: context.term });
    }
    committed = [...committed, ...more];
    checkDurable(local, peers, committed.length);
  }
  for (const { ids, index } of served) {
    for (const id of ids) {
      const needed = reads[id];
      if (needed !== undefined && index < needed) {
        throw new BrokenPromise(`linearizable reads: read ${id} is served at ${index}, but ${needed} was committed`);
      }
      if (needed !== undefined && needed > 0) reads = { ...reads, [id]: 0 };
    }
  }
  if (leaders === ghost.leaders && committed === ghost.committed && reads === ghost.reads) return ghost;
  return { leaders, committed, reads };
}

/** Committed is durable: on the disks of a majority of the voters that the one who commits knows. */
function checkDurable(local: Local, peers: readonly Local[], index: number): void {
  const { log } = local.snapshot.context;
  const { voters } = log.configurations.at(-1)!.configuration;
  const term = termAt(log, index);
  const has = (member: string) => peers.some((peer) => peer.member === member && hasOnDisk(peer, index, term));
  if (!isQuorum(voters, has)) {
    throw new BrokenPromise(`committed is durable: entry ${index} is on no majority of disks`);
  }
}

function hasOnDisk({ disk: { log } }: Local, index: number, term: number | undefined): boolean {
  return index <= log.base.index || termAt(log, index) === term;
}

/** What must hold of one member in view of what was promised. */
export function checkMember(ghost: Ghost, { snapshot: { context }, member, disk }: Local, leads: boolean): void {
  const { committed } = ghost;
  const { log, commit, applied, saved } = context;
  if (applied > commit || commit > log.last.index) {
    throw new BrokenPromise(`order of indexes: ${member} has applied ${applied}, commit ${commit}, ${log.last.index}`);
  }
  if (applied > Math.max(saved, log.base.index)) throw new BrokenPromise(`applied is saved: ${member} at ${applied}`);
  for (let index = log.base.index + 1; index <= Math.min(commit, committed.length); index++) {
    if (termAt(log, index) !== committed[index - 1]!.term) {
      throw new BrokenPromise(`state-machine safety: ${member} has committed another entry ${index}`);
    }
  }
  if (leads) {
    for (const [at, { term, by }] of committed.entries()) {
      const index = at + 1;
      if (by >= context.term || index <= log.base.index) continue;
      if (termAt(log, index) !== term) {
        throw new BrokenPromise(`leader completeness: ${member} leads term ${context.term} without entry ${index}`);
      }
    }
  }
  if (disk.hardState.term > context.term) throw new BrokenPromise(`terms never fall: ${member}`);
}

/** Log matching: where two logs have the same term at an index, they are the same up to there. */
export function checkPair(a: Local, b: Local): void {
  for (const mine of [a.snapshot.context.log, a.disk.log]) {
    for (const theirs of [b.snapshot.context.log, b.disk.log]) checkLogs(mine, theirs, `${a.member}, ${b.member}`);
  }
}

function checkLogs(mine: RaftLog, theirs: RaftLog, whose: string): void {
  const first = Math.max(mine.base.index, theirs.base.index) + 1;
  let at = Math.min(mine.last.index, theirs.last.index);
  while (at >= first && termAt(mine, at) !== termAt(theirs, at)) at--;
  for (; at >= first; at--) {
    if (stateKey(entryAt(mine, at)) !== stateKey(entryAt(theirs, at))) {
      throw new BrokenPromise(`log matching: ${whose} differ at ${at} and agree after it`);
    }
  }
}

/**
 * Quorum log: every majority of the voters has a member with everything committed. What is committed need not be on a
 * majority of a configuration that is about to be replaced: of two voters and a third to come, one and the third do.
 */
export function checkQuorumLog(ghost: Ghost, locals: readonly Local[]): void {
  const index = ghost.committed.length;
  if (index === 0) return;
  const { term } = ghost.committed[index - 1]!;
  const holders = locals.filter((local) => hasOnDisk(local, index, term)).map(({ member }) => member);
  const holder = locals.find(({ member }) => holders.includes(member));
  const { voters } = holder?.disk.log.configurations.findLast((each) => each.index <= index)?.configuration ??
    { voters: [] };
  if (holders.length === 0 || isQuorum(voters, (member) => !holders.includes(member))) {
    throw new BrokenPromise(`quorum log: entry ${index} is on the disks of ${holders.join(", ") || "nobody"} alone`);
  }
}

export function isLeader({ snapshot }: Local): boolean {
  return snapshot.context.leader === snapshot.context.id;
}
