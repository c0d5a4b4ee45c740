/** Reading a store's directory back after a stop or a crash. Nothing is changed but drafts, which are removed. */
import type { Configuration, Entry, HardState, Identity, Position } from "../../machines/raft/entry.ts";
import { ByteReader, MalformedBytes } from "../../machines/raft/bytes.ts";
import { type Roster } from "../../machines/raft/roster.ts";
import { type LogRecord, readBatch, readConfiguration, type SegmentHeader } from "../../machines/raft/log_format.ts";
import { KeyValueState } from "../../machines/store/key_value_state.ts";
import { SnapshotReader } from "../../machines/store/snapshot_format.ts";
import type { TornTail } from "../../machines/store/store_member_machine.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import { isDraft, isSegment, isSnapshot, segmentPlace, snapshotIndex } from "./file_names.ts";
import { turn } from "./turn.ts";

/** Everything a directory says. */
export interface StoredLog {
  /** None: the directory holds no store. */
  readonly identity: Identity | undefined;
  readonly hardState: HardState;
  readonly configuration: Configuration;
  readonly last: Position;
  /** What `state` stands for. */
  readonly applied: Position;
  /** Who the members were there, and what they were called. */
  readonly base: { readonly configuration: Configuration; readonly roster: Roster };
  /** The snapshot came from another member and a crash kept the log from beginning anew after it. */
  readonly mustBeginAnew: boolean;
  readonly state: KeyValueState;
  /** Entries after `applied`. */
  readonly entries: readonly Entry[];
  readonly segments: readonly StoredSegment[];
  /** The one that was loaded, last, and older ones, which were not looked into. */
  readonly snapshots: readonly StoredSnapshot[];
  readonly torn: TornTail | null;
  /** Bytes of log after the snapshot. */
  readonly logBytes: number;
  /** What was found and could be made good. */
  readonly notes: readonly string[];
}

export interface StoredSegment {
  readonly name: string;
  readonly number: number;
  readonly before: Position;
  readonly bytes: number;
  readonly nextBatch: number;
}

export interface StoredSnapshot {
  readonly name: string;
  readonly index: number;
  readonly bytes: number;
}

/** The log cannot be used as it is. The message names file and offset. */
export class LogRefused extends Error {
  override name = "LogRefused";
  readonly reason = "damaged";
}

/** How much is read between two turns of the loop. */
const bytesPerTurn = 4 << 20;

/** @throws LogRefused, DiskError */
export async function readLog(disk: Disk, directory: string, clock: Clock): Promise<StoredLog> {
  const names = await disk.list(directory);
  for (const name of names.filter(isDraft)) await disk.remove(`${directory}/${name}`);
  const notes: string[] = [];
  const snapshot = await readSnapshots(disk, directory, names.filter(isSnapshot), clock, notes);
  const log = new LogReader(snapshot);
  const segments = names.filter(isSegment);
  // Segments that the snapshot replaces are kept for the day it turns out to be damaged: they need not be read.
  const first = Math.max(
    0,
    segments.findLastIndex((name) => segmentPlace(name).firstIndex <= snapshot.applied.index + 1),
  );
  for (const [at, name] of segments.entries()) {
    if (at < first) log.pass(name, await sizeOf(disk, `${directory}/${name}`));
    else await log.read(await disk.read(`${directory}/${name}`), name, at === segments.length - 1, clock);
  }
  if (segments.length === 0 && names.some(isSnapshot)) {
    throw new LogRefused(`Cannot open the store in "${directory}": it has snapshots but no log`);
  }
  if (log.last.index < snapshot.applied.index && !snapshot.installed) {
    throw new LogRefused(
      `Cannot open the store in "${directory}": its log ends at entry ${log.last.index}, ` +
        `before its snapshot of entry ${snapshot.applied.index}`,
    );
  }
  const { applied, state, snapshots, configuration, roster } = snapshot;
  return { applied, state, snapshots, base: { configuration, roster }, ...log.result(), notes };
}

async function sizeOf(disk: Disk, path: string): Promise<number> {
  const file = await disk.open(path);
  try {
    return await file.size();
  } finally {
    await file.close();
  }
}

type ReadSnapshot = Awaited<ReturnType<typeof readSnapshots>>;

async function readSnapshots(disk: Disk, directory: string, names: string[], clock: Clock, notes: string[]) {
  for (const name of [...names].reverse()) {
    const bytes = await disk.read(`${directory}/${name}`);
    const reader = new SnapshotReader(bytes);
    try {
      for (let read = 0; reader.step();) {
        if (reader.position - read < bytesPerTurn) continue;
        read = reader.position;
        await turn(clock);
      }
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      notes.push(`Passed over snapshot "${name}": ${error.message} (at offset ${reader.position})`);
      continue;
    }
    const { header, state } = reader;
    const loaded: StoredSnapshot = { name, index: header.index, bytes: bytes.length };
    const older: StoredSnapshot[] = [];
    for (const other of names.filter((other) => other < name)) {
      older.push({ name: other, index: snapshotIndex(other), bytes: await sizeOf(disk, `${directory}/${other}`) });
    }
    const { member, cluster, index, term, configuration, roster = [], installed = false } = header;
    return {
      identity: { member, cluster },
      applied: { index, term },
      configuration,
      roster,
      installed,
      state,
      snapshots: [...older, loaded],
    };
  }
  return {
    identity: undefined,
    applied: { index: 0, term: 0 },
    configuration: { voters: [], learners: [] },
    roster: [],
    installed: false,
    state: new KeyValueState(),
    snapshots: [],
  };
}

/** Puts the records of the segments, in order, together. */
class LogReader {
  last: Position;
  #entries: Entry[] = [];
  #segments: StoredSegment[] = [];
  #hardState: HardState = { term: 0, vote: "", commit: 0 };
  #torn: TornTail | null = null;
  #logBytes = 0;
  readonly applied: Position;
  identity: Identity | undefined;
  /** A segment has been read: the next one must go on where it ends. */
  #begun = false;

  /** The entry that the snapshot stands for, or the place before the log's first entry, was met and not replaced. */
  #meetsSnapshot = false;

  constructor(readonly snapshot: ReadSnapshot) {
    this.last = { index: 0, term: 0 };
    this.applied = snapshot.applied;
    this.identity = snapshot.identity;
  }

  /** Takes a segment as it is named. */
  pass(name: string, bytes: number): void {
    const { number, firstIndex } = segmentPlace(name);
    this.#follow(number, name);
    this.#segments.push({ name, number, before: { index: firstIndex - 1, term: 0 }, bytes, nextBatch: 0 });
  }

  async read(bytes: Uint8Array, name: string, isLast: boolean, clock: Clock): Promise<void> {
    let offset = 0;
    let number = 0;
    let turnAt = bytesPerTurn;
    let header: SegmentHeader | undefined;
    while (offset < bytes.length || number === 0) {
      const check = readBatch(bytes, offset, number);
      if (check.found === "damage") this.#refuse(name, check.offset, check.why);
      if (check.found === "torn") {
        // A segment gets its name after its first batch is synced, and a successor after its last one is.
        if (number === 0) this.#refuse(name, 0, "the segment has no whole header");
        if (!isLast) this.#refuse(name, offset, "a batch is unfinished, but another segment follows");
        this.#torn = { file: name, size: offset };
        break;
      }
      for (const record of check.records) header = this.#take(record, name, offset, header);
      offset = check.end;
      number++;
      if (offset < turnAt) continue;
      turnAt = offset + bytesPerTurn;
      await turn(clock);
    }
    if (header === undefined) this.#refuse(name, 0, "the segment has no header");
    this.#segments.push({ name, number: header.segment, before: header.before, bytes: offset, nextBatch: number });
    if (this.last.index > this.applied.index) this.#logBytes += offset;
  }

  result() {
    // What is left of a log that such a snapshot replaces says nothing any more, but term and vote count.
    const mustBeginAnew = this.snapshot.installed && !this.#meetsSnapshot;
    if (mustBeginAnew) Object.assign(this, { last: this.applied });
    const entries = mustBeginAnew ? [] : this.#entries;
    const configuration = entries.findLast((entry) => entry.type === "configuration");
    return {
      identity: this.identity,
      hardState: this.#hardState,
      configuration: configuration === undefined
        ? this.snapshot.configuration
        : readConfiguration(new ByteReader(configuration.payload)),
      last: this.last,
      entries,
      mustBeginAnew,
      segments: this.#segments,
      torn: this.#torn,
      logBytes: this.#logBytes,
    };
  }

  #take(record: LogRecord, name: string, offset: number, header: SegmentHeader | undefined): SegmentHeader {
    if (record.kind === "segment") {
      if (header !== undefined) this.#refuse(name, offset, "it has two headers");
      this.#begin(record.header, name);
      return record.header;
    }
    if (header === undefined) this.#refuse(name, offset, "it does not begin with a header");
    if (record.kind === "hardState") this.#hardState = record.hardState;
    else this.#add(record.entry, name, offset);
    return header;
  }

  #begin(header: SegmentHeader, name: string): void {
    const { member, cluster } = header;
    const known = this.identity;
    if (known !== undefined && (known.member !== member || known.cluster !== cluster)) {
      const whose = `member ${member} of cluster ${cluster}`;
      this.#refuse(name, 0, `it belongs to ${whose}, the rest to member ${known.member} of cluster ${known.cluster}`);
    }
    this.identity = { member, cluster };
    this.#follow(header.segment, name);
    if (!this.#begun) {
      if (header.before.index > this.applied.index) {
        const missing = `${this.applied.index + 1} to ${header.before.index}`;
        this.#refuse(name, 0, `entries ${missing} are neither in the log nor in a snapshot`);
      }
      this.last = header.before;
    } else if (this.snapshot.installed && this.#isSnapshot(header.before)) {
      this.last = header.before;
      this.#entries = [];
    } else if (header.before.index !== this.last.index || header.before.term !== this.last.term) {
      this.#refuse(name, 0, `it follows entry ${header.before.index}, but the log ends at ${this.last.index}`);
    }
    this.#begun = true;
    this.#hardState = header.hardState;
    if (this.#isSnapshot(header.before)) this.#meetsSnapshot = true;
  }

  #isSnapshot({ index, term }: Position): boolean {
    return index === this.applied.index && term === this.applied.term;
  }

  #follow(number: number, name: string): void {
    const previous = this.#segments.at(-1);
    if (previous === undefined || number === previous.number + 1) return;
    this.#refuse(name, 0, `segment ${number} follows segment ${previous.number}`);
  }

  #add(entry: Entry, name: string, offset: number): void {
    const { index, term } = entry;
    if (index > this.last.index + 1) {
      this.#refuse(name, offset, `entry ${index} follows entry ${this.last.index}`);
    }
    // An index that is there already replaces what was written from it on: a new leader had other entries there.
    if (index <= this.last.index) this.#entries = this.#entries.filter((kept) => kept.index < index);
    this.last = { index, term };
    if (index <= this.applied.index) this.#meetsSnapshot = this.#isSnapshot(this.last);
    if (index > this.applied.index) this.#entries.push(entry);
  }

  #refuse(name: string, offset: number, why: string): never {
    throw new LogRefused(`Cannot read the log: file "${name}" is damaged at offset ${offset}: ${why}`);
  }
}
