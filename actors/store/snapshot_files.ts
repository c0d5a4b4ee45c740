/** Snapshot files: written piece by piece beside the log, named when durable. The last two are kept. */
import type { Position } from "../../machines/raft/entry.ts";
import type { SnapshotHeader } from "../../machines/store/snapshot_format.ts";
import { SnapshotWriter } from "../../machines/store/snapshot_format.ts";
import type { KeyValueState } from "../../machines/store/key_value_state.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import { draftName, isSnapshot, snapshotName } from "./file_names.ts";
import type { StoredSnapshot } from "./read_log.ts";
import { turn } from "./turn.ts";

/** One to start from, and one before it in case the disk damages the first: the log after that one is kept too. */
const kept = 2;

export class SnapshotFiles {
  #known: StoredSnapshot[];

  constructor(
    readonly disk: Disk,
    readonly directory: string,
    readonly clock: Clock,
    known: readonly StoredSnapshot[],
  ) {
    this.#known = [...known];
  }

  get bytes(): number {
    return this.#known.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Entries up to this one are not needed in the log any more. */
  get replaces(): number {
    return this.#known.length < kept ? 0 : this.#known.at(-kept)!.index;
  }

  /** Writes the state as it is now. @returns the size of the file. */
  async write(state: KeyValueState, header: SnapshotHeader, signal: AbortSignal): Promise<number> {
    const name = snapshotName(header.index, header.term);
    const draft = `${this.directory}/${draftName(name)}`;
    const writer = new SnapshotWriter(state, header);
    let bytes = 0;
    try {
      const file = await this.disk.open(draft, { create: true });
      try {
        await file.truncate(0); // What an earlier try has left.
        for (let frame = writer.next(); frame !== undefined; frame = writer.next()) {
          signal.throwIfAborted();
          await file.append(frame);
          bytes += frame.length;
          await turn(this.clock);
        }
        await file.sync();
      } finally {
        await file.close();
      }
    } finally {
      writer.release();
    }
    signal.throwIfAborted();
    await this.disk.rename(draft, `${this.directory}/${name}`);
    await this.disk.syncDirectory(this.directory);
    this.#known = [...this.#known.filter((known) => known.name !== name), { name, index: header.index, bytes }];
    return bytes;
  }

  /** The newest, as a file. */
  get newest(): StoredSnapshot | undefined {
    return this.#known.at(-1);
  }

  /** Keeps one that came from another member, in pieces; all others are worth nothing beside it. */
  async install({ index, term }: Position, pieces: readonly Uint8Array[]): Promise<void> {
    const name = snapshotName(index, term);
    const draft = `${this.directory}/${draftName(name)}`;
    const file = await this.disk.open(draft, { create: true });
    let bytes = 0;
    try {
      await file.truncate(0); // What an earlier try has left.
      for (const piece of pieces) {
        await file.append(piece);
        bytes += piece.length;
        await turn(this.clock);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await this.disk.rename(draft, `${this.directory}/${name}`);
    await this.disk.syncDirectory(this.directory);
    this.#known = [{ name, index, bytes }];
  }

  /** Removes all but the newest good ones. */
  async removeOld(): Promise<void> {
    const keep = new Set(this.#known.slice(-kept).map(({ name }) => name));
    for (const name of await this.disk.list(this.directory)) {
      if (isSnapshot(name) && !keep.has(name)) await this.disk.remove(`${this.directory}/${name}`);
    }
    this.#known = this.#known.filter(({ name }) => keep.has(name));
  }
}
