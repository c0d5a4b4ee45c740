/** What tests of the Storage port share: a world to run it in, records and events as lines, what a watch delivers. */
import { assertRejects } from "@std/assert";
import {
  type KeyValue,
  type Operation,
  type Storage,
  StorageError,
  type StorageEvent,
  type TxnResult,
  type WatchRequest,
} from "../../ports/storage.ts";

/** A store that holds nothing, and the time it lives in. */
export interface StorageWorld {
  readonly storage: Storage;
  /** Lets time pass for leases. */
  advance(milliseconds: number): void | Promise<void>;
  close(): Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const text = (value: Uint8Array): string => decoder.decode(value);

export const put = (key: string, value: string, lease?: number): Operation =>
  lease === undefined ? { type: "put", key, value: bytes(value) } : { type: "put", key, value: bytes(value), lease };

export function write(storage: Storage, ...success: Operation[]): Promise<TxnResult> {
  return storage.txn({ compare: [], success, failure: [] });
}

/** A record as one line: key=value created/modified version lease. */
export function line({ key, value, createRevision, modRevision, version, lease }: KeyValue): string {
  return `${key}=${text(value)} ${createRevision}/${modRevision} v${version}${lease ? ` lease ${lease}` : ""}`;
}

export const eventLine = ({ type, kv, previous }: StorageEvent): string =>
  `${type} ${type === "put" ? line(kv) : `${kv.key} ${kv.modRevision}`}${
    previous ? ` was ${text(previous.value)}` : ""
  }`;

/** Collects what a watch delivers. */
export class Collected {
  readonly events: StorageEvent[] = [];
  readonly batches: { count: number; revision: number }[] = [];
  readonly progress: number[] = [];
  closed: StorageError | undefined;
  readonly watch;
  #waiting: { condition: () => boolean; resolve: () => void }[] = [];

  constructor(storage: Storage, request: WatchRequest) {
    this.watch = storage.watch(request, {
      events: (batch, revision) => {
        this.events.push(...batch);
        this.batches.push({ count: batch.length, revision });
        this.#look();
      },
      progress: (revision) => {
        this.progress.push(revision);
        this.#look();
      },
      closed: (error) => {
        this.closed = error;
        this.#look();
      },
    });
  }

  get lines(): string[] {
    return this.events.map(eventLine);
  }

  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ condition, resolve }));
  }

  /** Asks for a progress report, which comes after every event up to now. */
  async settled(): Promise<void> {
    const seen = this.progress.length;
    this.watch.requestProgress();
    await this.until(() => this.progress.length > seen || this.closed !== undefined);
  }

  #look(): void {
    this.#waiting = this.#waiting.filter(({ condition, resolve }) => {
      if (!condition()) return true;
      resolve();
      return false;
    });
  }
}

export async function refusal(act: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => act, StorageError)).code;
}
