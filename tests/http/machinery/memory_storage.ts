/** A store in memory for tests of the API: history of every key, transactions, watches. Answers come a turn later. */
import {
  type Compare,
  type KeyValue,
  type OperationResult,
  type RangeRequest,
  type RangeResult,
  type Storage,
  StorageError,
  type StorageEvent,
  type StorageStatus,
  type StorageWatch,
  type TxnRequest,
  type TxnResult,
  type WatchRequest,
  type WatchSink,
} from "../../../ports/storage.ts";

interface Follower {
  readonly request: WatchRequest;
  readonly sink: WatchSink;
}

export class MemoryStorage implements Storage {
  #revision = 1;
  #compacted = 0;
  #lease = 1;
  /** Latest state, and every state of a key in order; an undefined value is a deletion. */
  readonly #latest = new Map<string, KeyValue>();
  readonly #history: { revision: number; key: string; kv: KeyValue | undefined; previous: KeyValue | undefined }[] = [];
  readonly #followers = new Set<Follower>();
  #sorted: string[] | undefined;
  /** Transactions that were carried out with a write. */
  writes = 0;

  #inRange(key: string, request: { key: string; end?: string }): boolean {
    return request.end === undefined ? key === request.key : key >= request.key && key < request.end;
  }

  #state(revision: number): Map<string, KeyValue> {
    if (revision === 0 || revision >= this.#revision) return this.#latest;
    const state = new Map<string, KeyValue>();
    for (const { revision: at, key, kv } of this.#history) {
      if (at > revision) break;
      if (kv === undefined) state.delete(key);
      else state.set(key, kv);
    }
    return state;
  }

  #range(request: RangeRequest): RangeResult {
    const { revision = 0, limit = 0, end } = request;
    if (revision > this.#revision) throw new StorageError("futureRevision", "required revision is a future revision");
    if (revision > 0 && revision < this.#compacted) {
      throw new StorageError("compacted", "required revision has been compacted", this.#compacted);
    }
    const state = this.#state(revision);
    let keys: string[];
    if (end === undefined) keys = state.has(request.key) ? [request.key] : [];
    else {
      const all = state === this.#latest ? this.#sorted ??= [...state.keys()].sort() : [...state.keys()].sort();
      keys = all.filter((key) => this.#inRange(key, request));
    }
    const chosen = limit > 0 ? keys.slice(0, limit) : keys;
    return {
      revision: this.#revision,
      kvs: request.countOnly === true ? [] : chosen.map((key) => state.get(key)!),
      count: keys.length,
      more: chosen.length < keys.length,
    };
  }

  // deno-lint-ignore require-await
  async range(request: RangeRequest): Promise<RangeResult> {
    return this.#range(request);
  }

  #holds({ key, target, op, value }: Compare): boolean {
    const kv = this.#latest.get(key);
    if (target === "value") throw new StorageError("invalid", "values are not compared here");
    const left = kv?.[target] ?? 0;
    const right = value as number;
    return op === "=" ? left === right : op === "!=" ? left !== right : op === "<" ? left < right : left > right;
  }

  // deno-lint-ignore require-await
  async txn({ compare, success, failure }: TxnRequest): Promise<TxnResult> {
    const succeeded = compare.every((one) => this.#holds(one));
    const operations = succeeded ? success : failure;
    const writes = operations.some(({ type }) => type !== "range");
    const revision = writes ? this.#revision + 1 : this.#revision;
    const events: StorageEvent[] = [];
    const results = operations.map((operation): OperationResult => {
      if (operation.type === "range") return { ...this.#range(operation), type: "range" };
      if (operation.type === "txn") throw new StorageError("invalid", "transactions are not nested here");
      const previous = this.#latest.get(operation.key);
      this.#sorted = operation.type === "put" && previous !== undefined ? this.#sorted : undefined;
      if (operation.type === "put") {
        const kv: KeyValue = {
          key: operation.key,
          value: operation.value,
          createRevision: previous?.createRevision ?? revision,
          modRevision: revision,
          version: (previous?.version ?? 0) + 1,
          lease: operation.lease ?? 0,
        };
        this.#latest.set(operation.key, kv);
        this.#history.push({ revision, key: operation.key, kv, previous });
        events.push({ type: "put", kv, ...(previous === undefined ? {} : { previous }) });
        return { type: "put" };
      }
      if (previous === undefined) return { type: "delete", deleted: [] };
      this.#latest.delete(operation.key);
      this.#history.push({ revision, key: operation.key, kv: undefined, previous });
      events.push({ type: "delete", kv: { ...previous, modRevision: revision, value: new Uint8Array() }, previous });
      return { type: "delete", deleted: [previous] };
    });
    if (events.length > 0) {
      this.#revision = revision;
      this.writes += 1;
      for (const { request, sink } of this.#followers) {
        const seen = events.filter(({ kv }) => this.#inRange(kv.key, request));
        if (seen.length > 0) queueMicrotask(() => sink.events(seen, revision));
      }
    }
    return { revision: this.#revision, succeeded, results };
  }

  watch(request: WatchRequest, sink: WatchSink): StorageWatch {
    const follower = { request, sink };
    const missed = this.#history.filter(({ revision, key }) =>
      revision >= (request.startRevision ?? this.#revision + 1) && this.#inRange(key, request)
    );
    for (const { revision, kv, previous, key } of missed) {
      const gone = { ...previous!, key, modRevision: revision, value: new Uint8Array() };
      const event: StorageEvent = kv === undefined ? { type: "delete", kv: gone } : { type: "put", kv };
      queueMicrotask(() => sink.events([event], revision));
    }
    this.#followers.add(follower);
    return {
      requestProgress: () => queueMicrotask(() => sink.progress(this.#revision)),
      cancel: () => void this.#followers.delete(follower),
    };
  }

  // deno-lint-ignore require-await
  async compact(revision: number): Promise<void> {
    this.#compacted = revision;
  }

  // deno-lint-ignore require-await
  async grantLease({ ttlSeconds, id }: { ttlSeconds: number; id?: number }) {
    return { id: id ?? this.#lease++, ttlSeconds };
  }

  revokeLease(): Promise<void> {
    return Promise.resolve();
  }

  keepLeaseAlive(): Promise<{ ttlSeconds: number }> {
    return Promise.resolve({ ttlSeconds: 60 });
  }

  status(): Promise<StorageStatus> {
    return Promise.resolve({
      revision: this.#revision,
      compactedRevision: this.#compacted,
      sizeBytes: 0,
      member: "memory",
      leader: "memory",
      term: 1,
      appliedIndex: this.#revision,
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
