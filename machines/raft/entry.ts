/**
 * What a member of the replicated log keeps: entries, and the hard state that must outlive a crash (Raft thesis,
 * figure 3.1, "persistent state"). The names are the thesis' own.
 */

/** One place in the log. Within one term an index names one entry, on every member. */
export interface Entry {
  /** From 1, without gaps. */
  readonly index: number;
  /** Never falls along the log. */
  readonly term: number;
  readonly type: EntryType;
  /** A command (machines/store/command_codec.ts), a configuration, or nothing. Named by index everywhere else. */
  readonly payload: Uint8Array;
}

/**
 * `command` is applied to the store, `configuration` replaces the members, `empty` is what a new leader writes so that
 * entries of earlier terms can be committed (thesis 3.6.2).
 */
export type EntryType = "command" | "configuration" | "empty";

/** Written before any message that depends on it is sent. */
export interface HardState {
  /** The latest term this member has seen. */
  readonly term: number;
  /** The member this one voted for in `term`; empty: none. */
  readonly vote: MemberId;
  /** Known committed. A lower bound only: it is written along with the next batch, and may be behind. */
  readonly commit: number;
}

/** 16 hexadecimal digits, drawn once. */
export type MemberId = string;

/** Who the log belongs to; in the header of every file. */
export interface Identity {
  readonly member: MemberId;
  readonly cluster: string;
}

/** The members of the log. One voter: every entry it has synced is committed. */
export interface Configuration {
  readonly voters: readonly MemberId[];
  readonly learners: readonly MemberId[];
}

/** Position of an entry; what a snapshot stands in for. */
export interface Position {
  readonly index: number;
  readonly term: number;
}
