/**
 * The history of one key: its records in order of revision. A record of version 0 is a tombstone; it ends what etcd
 * calls a generation, and the next put begins one, with version 1 and a createRevision of its own.
 */
import type { KeyValue } from "./requests.ts";

const nothing = new Uint8Array(0);

export class KeyHistory {
  #records: KeyValue[];

  constructor(first: KeyValue) {
    this.#records = [first];
  }

  get latest(): KeyValue | undefined {
    return this.#records[this.#records.length - 1];
  }

  /** The latest record unless it is a tombstone. */
  get live(): KeyValue | undefined {
    const { latest } = this;
    return latest !== undefined && latest.version > 0 ? latest : undefined;
  }

  add(record: KeyValue): void {
    this.#records.push(record);
  }

  /** The key as it stood at a revision. */
  liveAt(revision: number): KeyValue | undefined {
    const record = this.recordAt(revision);
    return record !== undefined && record.version > 0 ? record : undefined;
  }

  /** The last record, tombstone or not, at or before a revision. */
  recordAt(revision: number): KeyValue | undefined {
    return this.#records[this.#placeAt(revision)];
  }

  /**
   * Forgets what no read at or after `revision` can see: all records up to it but the last; that one too if it is a
   * tombstone. (A watch that starts at the revision finds the tombstone among the changes.)
   *
   * @returns whether anything is left.
   */
  compact(revision: number): boolean {
    let first = Math.max(0, this.#placeAt(revision));
    const record = this.#records[first];
    if (record !== undefined && record.version === 0) first++;
    if (first > 0) this.#records.splice(0, first);
    return this.#records.length > 0;
  }

  #placeAt(revision: number): number {
    const records = this.#records;
    let at = records.length - 1;
    if (at >= 0 && records[at]!.modRevision <= revision) return at;
    let low = 0;
    while (low < at) {
      const middle = (low + at) >> 1;
      if (records[middle]!.modRevision <= revision) low = middle + 1;
      else at = middle;
    }
    return low - 1;
  }
}

/** What stands in the history for a deleted key. */
export function tombstone(key: string, modRevision: number): KeyValue {
  return { key, value: nothing, createRevision: 0, modRevision, version: 0, lease: 0 };
}

export function withoutValue(record: KeyValue): KeyValue {
  return { ...record, value: nothing };
}
