/**
 * One turn of a member: rules change what it knows and say things, and at the end it is worked out what the disk must
 * have before which of it may be heard (thesis 3.8: term, vote and entries are on the disk before any answer).
 */
import type { HardState, MemberId, Position } from "./entry.ts";
import { append, configurationOf, entriesFrom, has, truncate } from "./log.ts";
import { isMember } from "./membership.ts";
import type { LogEntry, Message, SnapshotPosition } from "./message.ts";
import type { RaftContext, Saved } from "./raft_member.ts";

/** Written in the order of the orders; one sync may serve several. The answer repeats term, vote and last. */
export interface SaveEntries {
  readonly hardState: HardState;
  /** The first may replace an entry that is there: it and all after it go. */
  readonly entries: readonly LogEntry[];
  readonly last: Position;
  /** To be sent once all of this, and all ordered before it, is on the disk. */
  readonly thenSend: readonly Message[];
}

/** Replaces the log and the state. What is ordered to be saved later comes after it. */
export interface InstallSnapshot {
  readonly hardState: HardState;
  readonly snapshot: SnapshotPosition;
  readonly last: Position;
  readonly thenSend: readonly Message[];
}

export type RaftOrder =
  | { readonly type: "saveEntries"; readonly params: SaveEntries }
  | { readonly type: "installSnapshot"; readonly params: InstallSnapshot }
  | { readonly type: "sendMessages"; readonly params: { readonly messages: readonly Message[] } }
  | { readonly type: "sendSnapshot"; readonly params: { readonly to: MemberId; readonly message: Message } }
  | { readonly type: "applyEntries"; readonly params: { readonly from: number; readonly to: number } }
  | {
    readonly type: "acceptProposals";
    readonly params: { readonly first: number; readonly count: number; readonly term: number };
  }
  | {
    readonly type: "refuseProposals";
    readonly params: { readonly count: number; readonly why: string; readonly leader: MemberId };
  }
  | { readonly type: "serveReads"; readonly params: { readonly ids: readonly number[]; readonly index: number } }
  | { readonly type: "refuseReads"; readonly params: { readonly ids: readonly number[]; readonly leader: MemberId } };

export type OrderParams<T extends RaftOrder["type"]> = Extract<RaftOrder, { type: T }>["params"];

/** A message without what every message of the turn has in common. */
export type Words = Message extends infer Each ? Each extends Message ? Omit<Each, "from" | "term"> : never : never;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Turn {
  readonly m: Mutable<RaftContext>;
  #orders: RaftOrder[] = [];
  #said: Message[] = [];
  #saidWhenSaved: Message[] = [];
  /** The first entry that the disk has not been told of. */
  #firstNew = Infinity;
  #mustSave = false;

  constructor(member: RaftContext) {
    this.m = { ...member };
  }

  order(order: RaftOrder): void {
    this.#orders.push(order);
  }

  /** Says it at once, unless the disk does not have the term and the vote yet. */
  say(words: Words, term = this.m.term): void {
    this.#said.push({ ...words, from: this.m.id, term } as Message);
  }

  /** Says it when the disk has the log as it is now. */
  sayWhenSaved(words: Words): void {
    this.#saidWhenSaved.push({ ...words, from: this.m.id, term: this.m.term } as Message);
  }

  save(): void {
    this.#mustSave = true;
  }

  append(entries: readonly LogEntry[]): void {
    if (entries.length === 0) return;
    const { m } = this;
    const from = entries[0]!.index;
    if (from <= m.log.last.index) {
      if (from <= m.commit) {
        throw new Error(`Cannot replace entry ${from}: the log is committed up to ${m.commit}`);
      }
      m.log = truncate(m.log, from);
      m.saved = Math.min(m.saved, from - 1);
    }
    m.log = append(m.log, entries);
    this.#firstNew = Math.min(this.#firstNew, from);
    this.#noteMembership();
  }

  /** The log begins anew after a snapshot. */
  install(snapshot: SnapshotPosition, log: RaftContext["log"], words: Words): void {
    const { m } = this;
    Object.assign(m, { log, snapshot, commit: snapshot.index, applied: snapshot.index, saved: 0 });
    this.#noteMembership();
    const thenSend = [{ ...words, from: m.id, term: m.term } as Message];
    this.order({ type: "installSnapshot", params: { hardState: this.#hardState, snapshot, last: log.last, thenSend } });
  }

  /** The changes and the orders, once; nothing more may be done afterwards. */
  finish(): { readonly member: RaftContext; readonly orders: readonly RaftOrder[] } {
    const { m } = this;
    const isTermSaved = m.durable.term === m.term && m.durable.vote === m.vote;
    const isLogSaved = m.saved === m.log.last.index;
    const prompt = isTermSaved ? this.#said : [];
    const waiting = isTermSaved ? [] : this.#said;
    (isTermSaved && isLogSaved ? prompt : waiting).push(...this.#saidWhenSaved);
    // Before the write: the disks of leader and followers work at the same time (thesis 10.2.1).
    if (prompt.length > 0) this.order({ type: "sendMessages", params: { messages: prompt } });
    if (this.#mustSave || this.#firstNew !== Infinity || waiting.length > 0) {
      const entries = this.#firstNew === Infinity ? [] : entriesFrom(m.log, this.#firstNew);
      const params = { hardState: this.#hardState, entries, last: m.log.last, thenSend: waiting };
      this.order({ type: "saveEntries", params });
    }
    const to = Math.min(m.commit, m.saved);
    if (to > m.applied) {
      this.order({ type: "applyEntries", params: { from: m.applied + 1, to } });
      m.applied = to;
    }
    return { member: m, orders: this.#orders };
  }

  get #hardState(): HardState {
    const { term, vote, commit } = this.m;
    return { term, vote, commit };
  }

  #noteMembership(): void {
    const { m } = this;
    if (!m.wasMember && isMember(configurationOf(m.log).configuration, m.id)) m.wasMember = true;
  }
}

/** What the disk has, told by its answer. An answer from before the log was changed says nothing about it. */
export function noteSaved({ m }: Turn, { term, vote, last }: Saved): void {
  m.durable = { term, vote };
  if (term !== m.term || last.index <= m.saved) return;
  if (has(m.log, last)) m.saved = last.index;
}
