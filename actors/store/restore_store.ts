/** Makes the directory of a new store of one member from a snapshot; others can join it later. */
import type { Roster } from "../../machines/raft/roster.ts";
import type { KeyValueState } from "../../machines/store/key_value_state.ts";
import { restoredState } from "../../machines/store/restored_state.ts";
import { SnapshotReader } from "../../machines/store/snapshot_format.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Random } from "../../ports/random.ts";
import { isSegment } from "./file_names.ts";
import { LogWriter } from "./log_writer.ts";
import { drawId, recordOf } from "./replica/founding.ts";
import { SnapshotFiles } from "./snapshot_files.ts";
import { turn } from "./turn.ts";

export interface RestoreOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  /** Directly below the disk's own. */
  readonly directory: string;
  /** The member's. */
  readonly name: string;
  /** Where others reach it. */
  readonly peerAddresses: readonly string[];
  readonly state: KeyValueState;
}

const framesPerTurn = 16;
const segmentBytes = 64 << 20;
/** Of the snapshot that the log begins with. */
const start = { index: 1, term: 1 };

/** @throws MalformedBytes when it is no snapshot, or not whole. */
export async function readSnapshot(bytes: Uint8Array, clock: Clock): Promise<KeyValueState> {
  const reader = new SnapshotReader(bytes);
  for (let frame = 1; reader.step(); frame++) if (frame % framesPerTurn === 0) await turn(clock);
  return reader.state;
}

/**
 * Whole or not at all: without its log, which comes last, a directory is no store. Ids of member and cluster are new: members of the store that the snapshot is of are not heard by
 * this one, and do not hear it.
 */
export async function restoreStore(options: RestoreOptions): Promise<KeyValueState> {
  const { disk, clock, random, directory, name, peerAddresses } = options;
  const state = restoredState(options.state);
  const identity = { member: drawId(random), cluster: drawId(random) };
  const configuration = { voters: [identity.member], learners: [] };
  const roster: Roster = [recordOf(identity.member, { name, peerAddresses })];
  if (await holdsStore(disk, directory)) {
    throw new Error(`Cannot restore into "${directory}": there is a store already`);
  }
  await disk.makeDirectory(directory);
  // An earlier try may have left something.
  for (const each of await disk.list(directory)) await disk.remove(`${directory}/${each}`);
  const write = async () => {
    const snapshots = new SnapshotFiles(disk, directory, clock, []);
    await snapshots.write(state, { ...identity, ...start, configuration, roster }, new AbortController().signal);
    const hardState = { term: start.term, vote: "", commit: start.index };
    const log = new LogWriter(disk, directory, identity, segmentBytes, { last: start, hardState, segments: [] });
    await log.beginAnew(start, hardState);
    await log.close();
    await disk.syncDirectory("");
  };
  try {
    await write();
  } catch (error) {
    for (const each of await disk.list(directory)) await disk.remove(`${directory}/${each}`);
    throw error;
  }
  return state;
}

export async function holdsStore(disk: Disk, directory: string): Promise<boolean> {
  return (await disk.list(directory)).some(isSegment);
}
