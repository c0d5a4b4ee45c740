/** All that can be read of a store, record by record, in pieces so that the loop is not held; and what is made of it. */
import { crc32c } from "../../machines/raft/crc32c.ts";
import { KeyValue as KeyValueMessage } from "../../machines/etcd/messages.ts";
import { keyBytes } from "../../machines/etcd/keys.ts";
import { compareKeys } from "../../machines/store/key_order.ts";
import { type KeyValueState, recordsOf } from "../../machines/store/key_value_state.ts";
import type { KeyValue } from "../../machines/store/requests.ts";
import type { Clock } from "../../ports/clock.ts";
import { turn } from "./turn.ts";

const keysPerTurn = 2_000;

/** What stands besides key and value in a record of etcd's, about. */
const recordOverhead = 48;

/** Bytes of all records that can be read, history too. */
export async function sizeInUse(state: KeyValueState, clock: Clock): Promise<number> {
  let bytes = 0;
  await visitReadable(state, clock, (record) => bytes += sizeOf(record));
  return bytes;
}

export function sizeOf({ key, value }: { readonly key: string; readonly value: Uint8Array }): number {
  return recordOverhead + key.length + value.length;
}

/** Records before the compacted revision by key, then those of every revision from it on. */
async function visitReadable(
  state: KeyValueState,
  clock: Clock,
  visit: (record: KeyValue, place: number) => void,
): Promise<void> {
  const pin = state.pin();
  const { compactedRevision } = state;
  try {
    let after: string | undefined;
    for (let more = compactedRevision > 0; more;) {
      let seen = 0;
      state.histories(after, (history, key) => {
        after = key;
        const record = history.recordAt(compactedRevision);
        if (record !== undefined && record.version > 0 && record.modRevision < compactedRevision) visit(record, 0);
        return ++seen < keysPerTurn;
      });
      more = seen === keysPerTurn;
      await turn(clock);
    }
    for (let at = 0; at < pin.length; at++) {
      for (const [place, record] of recordsOf(pin.changes[at]!).entries()) visit(record, place);
      if (at % keysPerTurn === keysPerTurn - 1) await turn(clock);
    }
  } finally {
    pin.release();
  }
}

interface Placed {
  readonly record: KeyValue;
  readonly place: number;
}

/**
 * What etcd's HashKV hashes (CRC-32C over the records of its key bucket up to a revision, without those that are
 * compacted and replaced since): the same as etcd's after the same writes, as long as no transaction with several writes
 * is compacted. The order within such a one is forgotten here, and its keys are taken in key order.
 */
export async function hashRecords(state: KeyValueState, clock: Clock, revision: number): Promise<number> {
  const { compactedRevision } = state;
  const old: Placed[] = [];
  const recent: Placed[] = [];
  await visitReadable(state, clock, (record, place) => {
    if (record.modRevision > revision) return;
    (record.modRevision > compactedRevision ? recent : old).push({ record, place });
  });
  const latest = new Map<string, number>();
  for (const { record } of recent) latest.set(record.key, record.modRevision);
  const kept = old.filter(({ record }) => record.version > 0 && !latest.has(record.key));
  kept.sort((a, b) => a.record.modRevision - b.record.modRevision || compareKeys(a.record.key, b.record.key));
  let previous = 0;
  let place = 0;
  let hash = crc32c(keyBytes("key"));
  for (const { record } of kept) {
    place = record.modRevision === previous ? place + 1 : 0;
    previous = record.modRevision;
    hash = addRecord(hash, record, place);
  }
  for (const { record, place } of recent) hash = addRecord(hash, record, place);
  return hash >>> 0;
}

function addRecord(hash: number, record: KeyValue, place: number): number {
  const isTombstone = record.version === 0;
  const name = new Uint8Array(isTombstone ? 18 : 17);
  const view = new DataView(name.buffer);
  view.setBigUint64(0, BigInt(record.modRevision));
  name[8] = 0x5f; // "_"
  view.setBigUint64(9, BigInt(place));
  if (isTombstone) name[17] = 0x74; // "t"
  const key = keyBytes(record.key);
  const value = KeyValueMessage.encode(isTombstone ? { key } : { ...record, key });
  return crc32c(value, 0, value.length, crc32c(name, 0, name.length, hash));
}
