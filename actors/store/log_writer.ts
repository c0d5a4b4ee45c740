/** The end of the log: batches are appended to the last segment, one at a time, and synced. */
import type { ByteWriter } from "../../machines/raft/bytes.ts";
import type { EntryType, HardState, Identity, Position } from "../../machines/raft/entry.ts";
import { BatchWriter } from "../../machines/raft/log_format.ts";
import type { Disk, DiskFile } from "../../ports/disk.ts";
import { draftName, segmentName } from "./file_names.ts";
import type { StoredSegment } from "./read_log.ts";

interface OpenSegment {
  readonly name: string;
  readonly number: number;
  readonly before: Position;
  readonly file: DiskFile;
  bytes: number;
  nextBatch: number;
}

export class LogWriter {
  /** Written, though perhaps not synced yet. */
  last: Position;
  hardState: HardState;
  #full: StoredSegment[];
  #open: OpenSegment | undefined;
  #batch = new BatchWriter();
  #rollWanted = false;

  constructor(
    readonly disk: Disk,
    readonly directory: string,
    readonly identity: Identity,
    readonly segmentBytes: number,
    stored: { last: Position; hardState: HardState; segments: readonly StoredSegment[] },
  ) {
    this.last = stored.last;
    this.hardState = stored.hardState;
    this.#full = [...stored.segments];
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#full.reduce((sum, { bytes }) => sum + bytes, this.#open?.bytes ?? 0);
  }

  /** Cuts a segment that a crash has torn; before `open`. */
  async repair(name: string, size: number): Promise<void> {
    const file = await this.disk.open(`${this.directory}/${name}`);
    try {
      await file.truncate(size);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /**
   * Goes on in the last segment, or makes the first one. That holds, from the moment it has a name, the entry that says
   * who the members are: a log without one belongs to a member that has yet to hear of them.
   */
  async open(founding?: { term: number; configuration: Uint8Array }): Promise<void> {
    const last = this.#full.at(-1);
    if (last === undefined) return await this.#roll(founding);
    this.#full.pop();
    const file = await this.disk.open(`${this.directory}/${last.name}`);
    try {
      // A process that was killed may have appended what it never synced. It has been read and counts from now on, also
      // when the next batch begins a new segment: loss of power must not tear this one with another after it.
      await file.sync();
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#open = { ...last, file };
  }

  /**
   * The log goes on after a snapshot that came from elsewhere, in a new segment; all that was before is removed. The
   * snapshot is durable already.
   */
  async beginAnew(after: Position, hardState: HardState): Promise<void> {
    this.last = { index: after.index, term: after.term };
    this.hardState = hardState;
    await this.#roll();
    while (this.#full.length > 0) await this.#removeOldest();
  }

  /** The next batch goes into a new segment, so that the ones before can be removed as a whole. */
  wantRoll(): void {
    this.#rollWanted = true;
  }

  /** Begins a batch. The hard state, when given, is in it. */
  async begin(hardState?: HardState): Promise<void> {
    if (this.#rollWanted || this.#segment.bytes >= this.segmentBytes) await this.#roll();
    this.#batch.begin(this.#segment.nextBatch);
    if (hardState !== undefined) {
      this.hardState = hardState;
      this.#batch.hardState(hardState);
    }
  }

  /** Bytes of the batch so far. */
  get batchBytes(): number {
    return this.#batch.length;
  }

  /** Adds the next entry to the batch. */
  add(term: number, type: EntryType, payload: (out: ByteWriter) => void): Position {
    return this.addAt(this.last.index + 1, term, type, payload);
  }

  /** Adds an entry; the one that was at this index, and all after it, are replaced. */
  addAt(index: number, term: number, type: EntryType, payload: (out: ByteWriter) => void): Position {
    const position = { index, term };
    this.#batch.entry(position.index, term, type, payload);
    this.last = position;
    return position;
  }

  /** Appends the batch and makes it durable. After an error the end of the log is unknown: nothing may be added. */
  async write(): Promise<number> {
    const segment = this.#segment;
    const bytes = this.#batch.finish();
    await segment.file.append(bytes);
    await segment.file.sync();
    segment.bytes += bytes.length;
    segment.nextBatch++;
    return bytes.length;
  }

  /** Removes segments all of whose entries are at or before an index; one by one, so that no crash leaves a gap. */
  async removeUpTo(index: number): Promise<void> {
    for (;;) {
      const [oldest, next = this.#open] = this.#full;
      if (oldest === undefined || next === undefined || next.before.index > index) return;
      await this.#removeOldest();
    }
  }

  async #removeOldest(): Promise<void> {
    await this.disk.remove(`${this.directory}/${this.#full[0]!.name}`);
    await this.disk.syncDirectory(this.directory);
    this.#full.shift();
  }

  async close(): Promise<void> {
    await this.#open?.file.close();
    this.#open = undefined;
  }

  get #segment(): OpenSegment {
    if (this.#open === undefined) throw new Error("Cannot write to the log: it is not open");
    return this.#open;
  }

  /** The name appears when the header is durable, so a segment without one is damage, not a crash. */
  async #roll(founding?: { term: number; configuration: Uint8Array }): Promise<void> {
    const number = (this.#open?.number ?? this.#full.at(-1)?.number ?? 0) + 1;
    const name = segmentName(number, this.last.index + 1);
    const draft = `${this.directory}/${draftName(name)}`;
    const before = this.last;
    let file = await this.disk.open(draft, { create: true });
    try {
      this.#batch.begin(0);
      this.#batch.segment({ ...this.identity, segment: number, before, hardState: this.hardState });
      if (founding !== undefined) {
        this.add(founding.term, "configuration", (out) => out.raw(founding.configuration));
      }
      const header = this.#batch.finish();
      await file.append(header);
      await file.sync();
      await this.disk.rename(draft, `${this.directory}/${name}`);
      await this.disk.syncDirectory(this.directory);
      await file.close();
      file = await this.disk.open(`${this.directory}/${name}`); // Errors name it from now on.
      const full = this.#open;
      this.#open = { name, number, before, file, bytes: header.length, nextBatch: 1 };
      this.#rollWanted = false;
      if (full === undefined) return;
      await full.file.close();
      const { file: _, ...stored } = full;
      this.#full.push(stored);
    } catch (error) {
      if (this.#open?.file !== file) await file.close();
      throw error;
    }
  }
}
