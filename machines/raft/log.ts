/**
 * The log as a member's machine sees it: which term each entry is of, how large it is, and who the members are.
 * Plain data; every function returns a new log and shares what did not change.
 */
import type { Configuration, Position } from "./entry.ts";
import type { LogEntry, SnapshotPosition } from "./message.ts";

export interface RaftLog {
  /** The entry before the first one here. What it and those before it said is in a snapshot. */
  readonly base: Position;
  readonly last: Position;
  /** Entries by index divided by `blockSize`: appending copies one block, never the log. */
  readonly blocks: readonly (readonly LogEntry[])[];
  /** Rising. The first is the one that holds as of `base`, the last the one that holds now. */
  readonly configurations: readonly ConfigurationAt[];
}

export interface ConfigurationAt {
  readonly index: number;
  readonly configuration: Configuration;
}

const blockSize = 128;
const blockOf = (index: number) => Math.floor(index / blockSize);

/** A log that begins after a snapshot, or at the very beginning. */
export function logAfter({ index, term, configuration }: SnapshotPosition): RaftLog {
  const base = { index, term };
  return { base, last: base, blocks: [], configurations: [{ index, configuration }] };
}

export function logOf(base: SnapshotPosition, entries: readonly LogEntry[]): RaftLog {
  return append(logAfter(base), entries);
}

export function entryAt(log: RaftLog, index: number): LogEntry | undefined {
  if (index <= log.base.index || index > log.last.index) return undefined;
  const block = log.blocks[blockOf(index) - blockOf(log.base.index + 1)]!;
  return block[index - block[0]!.index];
}

/** undefined: it is not there yet, or not any more. */
export function termAt(log: RaftLog, index: number): number | undefined {
  return index === log.base.index ? log.base.term : entryAt(log, index)?.term;
}

export function has(log: RaftLog, { index, term }: Position): boolean {
  return termAt(log, index) === term;
}

/** Thesis 3.6.1: the later last term wins, then the longer log. */
export function isUpToDate(log: RaftLog, last: Position): boolean {
  return last.term > log.last.term || (last.term === log.last.term && last.index >= log.last.index);
}

/** @throws Error when the entries do not follow the log's end. */
export function append(log: RaftLog, entries: readonly LogEntry[]): RaftLog {
  if (entries.length === 0) return log;
  const first = entries[0]!;
  if (first.index !== log.last.index + 1 || first.term < log.last.term) {
    throw new Error(
      `Cannot append entry ${first.index} of term ${first.term}: the log ends at ${log.last.index}, term ${log.last.term}`,
    );
  }
  const blocks = [...log.blocks];
  const firstBlock = blockOf(log.base.index + 1);
  for (let at = 0; at < entries.length;) {
    const number = blockOf(entries[at]!.index);
    const end = Math.min(entries.length, (number + 1) * blockSize - first.index);
    const more = entries.slice(at, end);
    const block = blocks[number - firstBlock];
    blocks[number - firstBlock] = block === undefined ? more : [...block, ...more];
    at = end;
  }
  const last = entries.at(-1)!;
  let { configurations } = log;
  for (const { index, configuration } of entries) {
    if (configuration !== null) configurations = [...configurations, { index, configuration }];
  }
  return { ...log, blocks, configurations, last: { index: last.index, term: last.term } };
}

/** Without the entry at `from` and all after it; the configuration is the one before again (thesis 4.1). */
export function truncate(log: RaftLog, from: number): RaftLog {
  if (from > log.last.index) return log;
  if (from <= log.base.index) {
    throw new Error(`Cannot remove entry ${from}: everything up to ${log.base.index} is in a snapshot`);
  }
  const firstBlock = blockOf(log.base.index + 1);
  const blocks = log.blocks.slice(0, blockOf(from) - firstBlock + 1);
  const block = blocks.pop()!.slice(0, from - log.blocks[blockOf(from) - firstBlock]![0]!.index);
  if (block.length > 0) blocks.push(block);
  return {
    ...log,
    blocks,
    configurations: log.configurations.filter(({ index }) => index < from),
    last: { index: from - 1, term: termAt(log, from - 1)! },
  };
}

/** Without the entries up to `index`: a snapshot has them. */
export function compact(log: RaftLog, index: number): RaftLog {
  if (index <= log.base.index) return log;
  const base = { index, term: termAt(log, index)! };
  const blocks = log.blocks.slice(blockOf(index + 1) - blockOf(log.base.index + 1));
  const first = blocks.shift()?.filter((entry) => entry.index > index) ?? [];
  const current = log.configurations.findLastIndex((each) => each.index <= index);
  return {
    ...log,
    base,
    blocks: first.length > 0 ? [first, ...blocks] : blocks,
    configurations: log.configurations.slice(current),
  };
}

/** Entries from `from` on, of `maxBytes` together but at least one. */
export function entriesFrom(log: RaftLog, from: number, maxBytes = Infinity): LogEntry[] {
  const found: LogEntry[] = [];
  let bytes = 0;
  for (let index = from; index <= log.last.index; index++) {
    const entry = entryAt(log, index)!;
    bytes += entry.size;
    if (found.length > 0 && bytes > maxBytes) break;
    found.push(entry);
  }
  return found;
}

export function bytesBetween(log: RaftLog, after: number, to: number): number {
  let bytes = 0;
  for (let index = after + 1; index <= to; index++) bytes += entryAt(log, index)?.size ?? 0;
  return bytes;
}

/** The first of the entries that the log has not, or has differently; undefined: it has them all. */
export function firstNew(log: RaftLog, entries: readonly LogEntry[]): LogEntry | undefined {
  return entries.find((entry) => !has(log, entry));
}

/**
 * The last entry at or before `index` whose term is at most `term`: where a log that has `term` at `index` may agree
 * with this one. Leaps over whole terms at a time (thesis 3.5, last paragraph; etcd-raft findConflictByTerm).
 */
export function lastThatMayMatch(log: RaftLog, index: number, term: number): Position {
  let at = Math.min(index, log.last.index);
  while (at > log.base.index && termAt(log, at)! > term) at--;
  return { index: at, term: termAt(log, at) ?? 0 };
}

/** Who the members are: of the last configuration in the log, committed or not (thesis 4.1). */
export function configurationOf(log: RaftLog): ConfigurationAt {
  return log.configurations.at(-1)!;
}

export function configurationAsOf(log: RaftLog, index: number): ConfigurationAt {
  return log.configurations.findLast((each) => each.index <= index) ?? log.configurations[0]!;
}
