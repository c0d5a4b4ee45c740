/**
 * A storage that refuses to grow beyond its quota, as etcd does: the write that finds it full is refused and raises the
 * alarm; from then on puts and new leases are refused until the alarm is cleared. Deletes, reads and compaction go on:
 * they are the way out.
 */
import type { Operation } from "../../machines/store/requests.ts";
import { type Storage, StorageError } from "../../ports/storage.ts";
import type { StoreAlarm } from "../../ports/store_administration.ts";
import { StorageDecorator } from "./storage_decorator.ts";
import { sizeOf } from "./administration_records.ts";

export interface Limits {
  readonly member: string;
  /** 0: no limit. */
  readonly quotaBytes: number;
  /** Looks at everything: takes its time. */
  readonly measure: () => Promise<number>;
  /** Where alarms are kept; in the memory of this process unless told. */
  readonly alarms?: AlarmBook;
}

export interface AlarmBook {
  list(): readonly StoreAlarm[];
  /** Once is as good as twice. */
  raise(alarm: StoreAlarm): void;
  /** @returns whether it was raised. */
  clear(alarm: StoreAlarm): boolean;
}

class AlarmsInMemory implements AlarmBook {
  #alarms: readonly StoreAlarm[] = [];

  list(): readonly StoreAlarm[] {
    return this.#alarms;
  }

  raise(alarm: StoreAlarm): void {
    if (!this.#alarms.some((each) => isSame(each, alarm))) this.#alarms = [...this.#alarms, alarm];
  }

  clear(alarm: StoreAlarm): boolean {
    const left = this.#alarms.filter((each) => !isSame(each, alarm));
    const was = left.length < this.#alarms.length;
    this.#alarms = left;
    return was;
  }
}

export class LimitedStorage extends StorageDecorator {
  readonly #alarms: AlarmBook;
  /** What was measured last, and what was put since: never too small. */
  #known: number | undefined;
  #measuring: Promise<number> | undefined;

  constructor(inner: Storage, readonly limits: Limits) {
    super(inner);
    this.#alarms = limits.alarms ?? new AlarmsInMemory();
  }

  get alarms(): readonly StoreAlarm[] {
    return this.#alarms.list();
  }

  raise(alarm: StoreAlarm): void {
    this.#alarms.raise(alarm);
  }

  clear(alarm: StoreAlarm): boolean {
    return this.#alarms.clear(alarm);
  }

  /** Bytes in use: at least as much as there is. */
  async measured(): Promise<number> {
    return this.#known ?? await this.remeasure();
  }

  remeasure(): Promise<number> {
    // What is put meanwhile may be counted twice, never left out.
    this.#measuring ??= (async () => {
      const before = this.#known ?? 0;
      const measured = await this.limits.measure();
      this.#known = measured + Math.max(0, (this.#known ?? 0) - before);
      return this.#known;
    })().finally(() => this.#measuring = undefined);
    return this.#measuring;
  }

  override range(request: Parameters<Storage["range"]>[0]): ReturnType<Storage["range"]> {
    return this.#isCorrupt ? Promise.reject(corrupt()) : this.inner.range(request);
  }

  override async txn(request: Parameters<Storage["txn"]>[0]): ReturnType<Storage["txn"]> {
    if (this.#isCorrupt) throw corrupt();
    const { success, failure } = request;
    const bytes = Math.max(putBytes(success), putBytes(failure));
    if (bytes > 0) {
      const room = this.#room(bytes);
      if (room !== undefined) await room;
    }
    return this.inner.txn(request);
  }

  override async grantLease(request: Parameters<Storage["grantLease"]>[0]): ReturnType<Storage["grantLease"]> {
    if (this.#isCorrupt) throw corrupt();
    await this.#room(0);
    return this.inner.grantLease(request);
  }

  /** Alarms of other members are theirs. */
  get #isCorrupt(): boolean {
    return this.alarms.some(({ type, member }) => type === "corrupt" && member === this.limits.member);
  }

  /** Nothing when there is room for sure. @throws StorageError "noSpace" */
  #room(bytes: number): Promise<void> | undefined {
    const { quotaBytes } = this.limits;
    if (this.alarms.some(({ type }) => type === "noSpace")) throw this.#full();
    if (quotaBytes === 0) return undefined;
    if (this.#known !== undefined && this.#known + bytes < quotaBytes) {
      this.#known += bytes;
      return undefined;
    }
    return this.#look(bytes);
  }

  async #look(bytes: number): Promise<void> {
    const { quotaBytes, member } = this.limits;
    if (await this.remeasure() + bytes >= quotaBytes) {
      this.raise({ type: "noSpace", member });
      throw this.#full();
    }
    this.#known = (this.#known ?? 0) + bytes;
  }

  #full(): StorageError {
    const { quotaBytes } = this.limits;
    return new StorageError("noSpace", `Cannot write: the store has reached its limit of ${quotaBytes} bytes`);
  }
}

function putBytes(operations: readonly Operation[]): number {
  let bytes = 0;
  for (const operation of operations) {
    if (operation.type === "put") bytes += sizeOf(operation);
    else if (operation.type === "txn") bytes += Math.max(putBytes(operation.success), putBytes(operation.failure));
  }
  return bytes;
}

function isSame(a: StoreAlarm, b: StoreAlarm): boolean {
  return a.type === b.type && a.member === b.member;
}

function corrupt(): StorageError {
  return new StorageError("unavailable", "Cannot serve: members of the store hold different contents");
}
