/**
 * The history of one key: its records in order of revision. A record of version 0 is a tombstone; it ends what etcd
 * calls a generation, and the next put begins one, with version 1 and a createRevision of its own.
 */
import type { KeyValue } from "./requests.ts";

const nothing = new Uint8Array(0);

export class KeyHistory {
  #latest: KeyValue;
  /** Most keys have one record: they do without. */
  #older: KeyValue[] | undefined;

  constructor(first: KeyValue) {
    this.#latest = first;
  }

  /** The latest record unless it is a tombstone. */
  get live(): KeyValue | undefined {
    return this.#latest.version > 0 ? this.#latest : undefined;
  }

  add(record: KeyValue): void {
    (this.#older ??= []).push(this.#latest);
    this.#latest = record;
  }

  /** The key as it stood at a revision. */
  liveAt(revision: number): KeyValue | undefined {
    const record = this.recordAt(revision);
    return record !== undefined && record.version > 0 ? record : undefined;
  }

  /** The last record, tombstone or not, at or before a revision. */
  recordAt(revision: number): KeyValue | undefined {
    if (this.#latest.modRevision <= revision) return this.#latest;
    return this.#older?.[placeAt(this.#older, revision)];
  }

  /**
   * Forgets what no read at or after `revision` can see: all records up to it but the last; that one too if it is a
   * tombstone. (A watch that starts at the revision finds the tombstone among the changes.)
   *
   * @returns whether anything is left.
   */
  compact(revision: number): boolean {
    if (this.#latest.modRevision <= revision) {
      this.#older = undefined;
      return this.#latest.version > 0;
    }
    if (this.#older === undefined) return true;
    const at = placeAt(this.#older, revision);
    const first = at >= 0 && this.#older[at]!.version === 0 ? at + 1 : Math.max(0, at);
    if (first === this.#older.length) this.#older = undefined;
    else if (first > 0) this.#older.splice(0, first);
    return true;
  }
}

/** The last place whose record is at or before a revision; -1 when there is none. */
function placeAt(records: readonly KeyValue[], revision: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (records[middle]!.modRevision <= revision) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What stands in the history for a deleted key. */
export function tombstone(key: string, modRevision: number): KeyValue {
  return { key, value: nothing, createRevision: 0, modRevision, version: 0, lease: 0 };
}

export function withoutValue(record: KeyValue): KeyValue {
  return { ...record, value: nothing };
}
