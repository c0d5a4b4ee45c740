/**
 * What the committed commands add up to: one revision counter, the history of every key, leases, compaction; etcd's
 * data model. Applying the same commands in the same order gives the same state on every member.
 *
 * A record, once made, is never changed: reads, watches and snapshots hand out the very objects of the history.
 */
import type { Alarm, Command } from "./command.ts";
import { KeyHistory, tombstone, withoutValue } from "./key_history.ts";
import { LeaseTable } from "./lease_table.ts";
import { type KeyValue, type Outcome, type RangeRequest, type RangeResult, type Refusal, refused } from "./requests.ts";
import { SortedKeys } from "./sorted_keys.ts";
import { applyTxn } from "./transaction.ts";

/** What one revision changed, in order of the operations. One record stands for itself. */
export type Change = KeyValue | readonly KeyValue[];

/** A change as a list. */
export function recordsOf(change: Change): readonly KeyValue[] {
  return Array.isArray(change) ? change as readonly KeyValue[] : [change as KeyValue];
}

/** An empty store is at revision 1, as etcd's. */
const firstRevision = 1;

export class KeyValueState {
  readonly leases = new LeaseTable();
  #revision = firstRevision;
  #compactedRevision = 0;
  #keys = new SortedKeys<KeyHistory>();
  #byKey = new Map<string, KeyHistory>();
  /** Entry i is what revision `#changesFrom + i` changed. */
  #changes: Change[] = [];
  #changesFrom = firstRevision + 1;
  /** Changes below the compacted revision whose keys have not been tidied yet. */
  #untidy: (readonly Change[])[] = [];
  #untidyAt = 0;
  #pins = 0;
  #alarms: readonly Alarm[] = [];
  /** Records of the revision that is being made. */
  #open: KeyValue[] = [];

  get revision(): number {
    return this.#revision;
  }

  /** Within a transaction that has written: the one that is being made. */
  get nextRevision(): number {
    return this.#revision + (this.#open.length > 0 ? 1 : 0);
  }

  /** Reads and watches below it are refused; 0: nothing was compacted. */
  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  /** Keys that have a history, also deleted ones. */
  get keyCount(): number {
    return this.#byKey.size;
  }

  /** Raised and not cleared, in a fixed order. */
  get alarms(): readonly Alarm[] {
    return this.#alarms;
  }

  /** Carries out a committed command. */
  apply(command: Command): Outcome {
    switch (command.type) {
      case "txn":
        return applyTxn(this, command);
      case "grantLease":
        if (this.leases.has(command.id)) {
          return refused("leaseExists", `Cannot grant lease ${command.id}: it exists`);
        }
        this.leases.grant(command.id, command.ttlSeconds);
        return this.#done();
      case "revokeLease":
        if (!this.leases.has(command.id)) {
          return refused("leaseNotFound", `Cannot revoke lease ${command.id}: it does not exist`);
        }
        this.#dropLease(command.id);
        return this.#done();
      case "expireLeases":
        for (const id of command.ids) this.#dropLease(id);
        return this.#done();
      case "compact":
        return this.#compact(command.revision);
      case "raiseAlarm":
        this.setAlarm(command.alarm, true);
        return this.#done();
      case "clearAlarm":
        this.setAlarm(command.alarm, false);
        return this.#done();
      case "compareHashes":
        return this.#done();
    }
  }

  setAlarm(alarm: Alarm, isRaised: boolean): void {
    const text = ({ member, type }: Alarm) => `${member} ${type}`;
    const others = this.#alarms.filter((each) => text(each) !== text(alarm));
    this.#alarms = (isRaised ? [...others, alarm] : others).toSorted((a, b) => text(a) < text(b) ? -1 : 1);
  }

  /** The live record of a key now, within a transaction also what it wrote before. */
  latest(key: string): KeyValue | undefined {
    return this.#byKey.get(key)?.live;
  }

  /** Why a read at this revision cannot be served. */
  refusalAt(revision: number): Refusal | undefined {
    if (revision > this.#revision) {
      const message = `Cannot read revision ${revision}: the store is at ${this.#revision}`;
      return { code: "futureRevision", message };
    }
    if (revision < this.#compactedRevision) return this.#compacted(`read revision ${revision}`);
    return undefined;
  }

  /** A read that `refusalAt` has let through. */
  range(request: RangeRequest): RangeResult {
    const { key, end, revision: asked = 0, limit = 0, keysOnly, countOnly } = request;
    const now = this.nextRevision;
    const at = asked > 0 ? asked : now;
    const kvs: KeyValue[] = [];
    let count = 0;
    const most = countOnly ? 0 : limit > 0 ? limit : Infinity;
    const take = (history: KeyHistory) => {
      const record = history.liveAt(at);
      if (record === undefined) return;
      if (count++ < most) kvs.push(keysOnly ? withoutValue(record) : record);
    };
    if (end === undefined) {
      const history = this.#byKey.get(key);
      if (history !== undefined) take(history);
    } else this.#keys.scan(key, end, take);
    return { revision: now, kvs, count, more: !countOnly && count > kvs.length };
  }

  /** Live records of a range now. */
  liveIn(key: string, end: string | undefined): KeyValue[] {
    if (end === undefined) return [this.latest(key)].filter((record) => record !== undefined);
    const found: KeyValue[] = [];
    this.#keys.scan(key, end, ({ live }) => void (live !== undefined && found.push(live)));
    return found;
  }

  /** What a revision changed; nothing for one that is compacted or to come. */
  changeAt(revision: number): Change | undefined {
    return this.#changes[revision - this.#changesFrom];
  }

  /** The live record that a record replaced; none when it is compacted, whether or not it is tidied up yet. */
  before(record: KeyValue): KeyValue | undefined {
    if (record.modRevision <= this.#compactedRevision) return undefined;
    return this.#byKey.get(record.key)?.liveAt(record.modRevision - 1);
  }

  /** Part of the revision being made. @returns the record that was replaced. */
  put(key: string, value: Uint8Array, lease: number): KeyValue | undefined {
    const modRevision = this.#revision + 1;
    const history = this.#byKey.get(key);
    const previous = history?.live;
    const record: KeyValue = {
      key,
      value,
      createRevision: previous?.createRevision ?? modRevision,
      modRevision,
      version: (previous?.version ?? 0) + 1,
      lease,
    };
    this.#record(record, history);
    this.leases.move(key, previous?.lease ?? 0, lease);
    return previous;
  }

  /** Part of the revision being made. The key is live. */
  delete(live: KeyValue): void {
    this.#record(tombstone(live.key, this.#revision + 1), this.#byKey.get(live.key));
    this.leases.move(live.key, live.lease, 0);
  }

  /** Ends the revision being made; without a write there is none. */
  commit(): void {
    const open = this.#open;
    if (open.length === 0) return;
    this.#changes.push(open.length === 1 ? open[0]! : open);
    this.#open = [];
    this.#revision++;
  }

  /**
   * Frees what compaction left behind, in steps, since a compaction may drop a million records. Answers whether there
   * is more. What can be read does not depend on it.
   */
  tidy(budget: number): boolean {
    if (this.#pins > 0) return false;
    let left = budget;
    while (this.#untidy.length > 0) {
      const changes = this.#untidy[0]!;
      while (this.#untidyAt < changes.length) {
        if (left <= 0) return true;
        const change = changes[this.#untidyAt++]!;
        const records = recordsOf(change);
        for (const { key } of records) this.#tidyKey(key);
        left -= records.length;
      }
      this.#untidy.shift();
      this.#untidyAt = 0;
    }
    return false;
  }

  /** Keeps every record that is readable now where it is until `release`; writes go on. */
  pin(): { changes: readonly Change[]; changesFrom: number; length: number; release(): void } {
    this.#pins++;
    let held = true;
    const release = () => {
      if (held) this.#pins--;
      held = false;
    };
    return { changes: this.#changes, changesFrom: this.#changesFrom, length: this.#changes.length, release };
  }

  /** Histories in key order, from after a key on, until `visit` answers false. */
  histories(after: string | undefined, visit: (history: KeyHistory, key: string) => boolean | void): void {
    this.#keys.scan(after ?? "", undefined, (history, key) => key === after ? undefined : visit(history, key));
  }

  /** Takes over a stored state, into an empty one. Leases come first, then records from before the changes, then these. */
  restore(compactedRevision: number): {
    base(record: KeyValue): void;
    change(records: readonly KeyValue[]): void;
  } {
    this.#compactedRevision = compactedRevision;
    this.#changesFrom = Math.max(firstRevision + 1, compactedRevision);
    const load = (record: KeyValue) => {
      const history = this.#byKey.get(record.key);
      this.leases.move(record.key, history?.live?.lease ?? 0, record.lease);
      if (history === undefined) this.#begin(record);
      else history.add(record);
    };
    return {
      base: load,
      change: (records) => {
        for (const record of records) load(record);
        this.#changes.push(records.length === 1 ? records[0]! : records);
        this.#revision = this.#changesFrom + this.#changes.length - 1;
      },
    };
  }

  #done(): Outcome {
    return { type: "done", revision: this.#revision };
  }

  #compacted(what: string): Refusal {
    const compactedRevision = this.#compactedRevision;
    return {
      code: "compacted",
      message: `Cannot ${what}: the history before ${compactedRevision} is compacted`,
      compactedRevision,
    };
  }

  #record(record: KeyValue, history: KeyHistory | undefined): void {
    if (history === undefined) this.#begin(record);
    else history.add(record);
    this.#open.push(record);
  }

  #begin(record: KeyValue): void {
    const history = new KeyHistory(record);
    this.#byKey.set(record.key, history);
    this.#keys.set(record.key, history);
  }

  /** A lease's keys go with it, in one revision. */
  #dropLease(id: number): void {
    const lease = this.leases.get(id);
    if (lease === undefined) return;
    for (const key of [...lease.keys].sort()) {
      const live = this.latest(key);
      if (live !== undefined) this.delete(live);
    }
    this.leases.remove(id);
    this.commit();
  }

  #compact(revision: number): Outcome {
    if (revision > this.#revision) {
      return refused("futureRevision", `Cannot compact at ${revision}: the store is at ${this.#revision}`);
    }
    if (revision <= this.#compactedRevision) {
      return { type: "refused", refusal: this.#compacted(`compact at ${revision}`) };
    }
    this.#compactedRevision = revision;
    const drop = revision - this.#changesFrom;
    if (drop > 0) {
      // Watches that are behind and a snapshot in the making hold on to the old array.
      this.#untidy.push(this.#changes.slice(0, drop));
      this.#changes = this.#changes.slice(drop);
      this.#changesFrom = revision;
    }
    // A key that was last written at this very revision has an older record to lose.
    const here = this.#changes[0];
    if (this.#changesFrom === revision && here !== undefined) this.#untidy.push([here]);
    return this.#done();
  }

  #tidyKey(key: string): void {
    const history = this.#byKey.get(key);
    if (history === undefined || history.compact(this.#compactedRevision)) return;
    this.#byKey.delete(key);
    this.#keys.delete(key);
  }
}
