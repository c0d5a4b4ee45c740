/** A scripted life of a store, and what may be left of it after an accident. */
import { assert } from "@std/assert";
import { type MemberStorage, openStorage, type OpenStorageOptions } from "../../../actors/store/open_storage.ts";
import type { Command } from "../../../machines/store/command.ts";
import { KeyValueState } from "../../../machines/store/key_value_state.ts";
import { isReadOnly } from "../../../machines/store/transaction.ts";
import type { Operation } from "../../../machines/store/requests.ts";
import type { Disk } from "../../../ports/disk.ts";
import { StorageError } from "../../../ports/storage.ts";
import { HandClock, seededRandom } from "../../contracts/test_world.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Small segments and frequent snapshots, so that a short script meets every kind of disk operation. */
export function openSmall(disk: Disk, options: Partial<OpenStorageOptions> = {}): Promise<MemberStorage> {
  return openStorage({
    disk,
    clock: new HandClock(),
    random: seededRandom(7),
    snapshotEvery: { entries: 8, bytes: 1 << 20 },
    segmentBytes: 700,
    ...options,
  });
}

/** What was asked, in order, and how much of it was answered. */
export class Journal {
  readonly proposed: Command[] = [];
  /** Every command before this one that writes was answered. */
  acknowledged = 0;

  async propose(storage: MemberStorage, command: Command): Promise<void> {
    const at = this.proposed.push(command);
    if (command.type === "txn") await storage.txn(command);
    else if (command.type === "compact") await storage.compact(command.revision);
    else if (command.type === "grantLease") await storage.grantLease(command);
    else if (command.type === "revokeLease") await storage.revokeLease(command.id);
    else throw new Error(`Cannot propose "${command.type}": clients do not`);
    // Reads are answered past the writes that wait before them.
    if (command.type !== "txn" || !isReadOnly(command)) this.acknowledged = Math.max(this.acknowledged, at);
  }

  /**
   * The number of commands that the storage remembers.
   *
   * @throws AssertionError when it is no beginning of what was asked, or lacks something that was answered.
   */
  async remembered(storage: MemberStorage): Promise<number> {
    const found = await contentOf(storage);
    const state = new KeyValueState();
    let known = this.acknowledged === 0 && found === contentOfState(state) ? 0 : -1;
    for (const [at, command] of this.proposed.entries()) {
      state.apply(command);
      if (at + 1 >= this.acknowledged && contentOfState(state) === found) known = at + 1;
    }
    assert(
      known >= 0,
      `After ${this.acknowledged} answers of ${this.proposed.length} requests the store holds\n${found}`,
    );
    return known;
  }
}

/** All that can be read, history included, as text. */
async function contentOf(storage: MemberStorage): Promise<string> {
  const { revision, compactedRevision } = await storage.status();
  const lines: unknown[] = [[revision, compactedRevision]];
  for (let at = Math.max(1, compactedRevision); at <= revision; at++) {
    const { kvs } = await storage.range({ key: "\0", end: "\0", revision: at });
    lines.push(kvs.map(({ value, ...kv }) => [...Object.values(kv), [...value]]));
  }
  return JSON.stringify(lines);
}

function contentOfState(state: KeyValueState): string {
  const lines: unknown[] = [[state.revision, state.compactedRevision]];
  for (let revision = Math.max(1, state.compactedRevision); revision <= state.revision; revision++) {
    const { kvs } = state.range({ key: "\0", end: "\0", revision });
    lines.push(kvs.map(({ value, ...kv }) => [...Object.values(kv), [...value]]));
  }
  return JSON.stringify(lines);
}

const put = (key: string, value: string, lease = 0): Operation => ({ type: "put", key, value: bytes(value), lease });
const txn = (...success: Operation[]): Command => ({ type: "txn", compare: [], success, failure: [] });

/** Two lives: writes of every kind, alone and in batches, snapshots, compaction, a stop and a start in between. */
export async function live(disk: Disk, journal: Journal): Promise<void> {
  let storage: MemberStorage | undefined;
  try {
    for (let life = 0; life < 2; life++) {
      storage = await openSmall(disk);
      const all = (commands: Command[]) => Promise.all(commands.map((command) => journal.propose(storage!, command)));
      await all([txn(put("a", `${life}`))]);
      await all([{ type: "grantLease", id: life + 1, ttlSeconds: 60 }]);
      await all([txn(put("l", "x".repeat(40), life + 1)), txn(put("a", "2"), { type: "delete", key: "b", end: "d" })]);
      for (let round = 0; round < 4; round++) {
        await all([txn(put("b", `${life}${round}`)), txn(put("c", "y".repeat(90))), txn(put(`k${round}`, ""))]);
      }
      const { revision } = await storage.status();
      await all([{ type: "compact", revision: revision - 3 }, txn({ type: "delete", key: "c" })]);
      await all([{ type: "revokeLease", id: life + 1 }, txn(put("a", "z".repeat(300)))]);
      for (let round = 0; round < 3; round++) await all([txn(put("d", `${round}`))]);
      await storage.close();
      storage = undefined;
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  } finally {
    await storage?.close();
  }
}
