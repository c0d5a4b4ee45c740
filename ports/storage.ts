/**
 * The store under the API server, in etcd's model: one revision counter, a history of every key, transactions of
 * compare / then / else, watches from a revision, leases, compaction. Every implementation passes
 * `tests/contracts/storage_contract.ts`.
 *
 * Guarantees (etcd's API guarantees): a write that was answered is durable; reads and writes are strictly
 * serializable unless a read says `serializable`; a watch sees every event of its range once, in revision order, a
 * revision never split, and can be resumed from any revision that is not compacted.
 *
 * Keys are strings ordered by their UTF-8 bytes. Values are bytes that nobody changes after handing them over.
 */
export interface Storage {
  range(request: RangeRequest): Promise<RangeResult>;
  txn(request: TxnRequest): Promise<TxnResult>;
  /** Events from `startRevision` on; without it, from the next revision on. */
  watch(request: WatchRequest, sink: WatchSink): StorageWatch;
  /** Drops history below `revision`; reads and watches below it fail with "compacted". */
  compact(revision: number): Promise<void>;
  /** A lease of `ttlSeconds`; keys put with it are deleted when it runs out. `id` 0 or absent: one is drawn. */
  grantLease(request: { ttlSeconds: number; id?: number }): Promise<{ id: number; ttlSeconds: number }>;
  revokeLease(id: number): Promise<void>;
  /** @throws StorageError "leaseNotFound" once it has run out. */
  keepLeaseAlive(id: number): Promise<{ ttlSeconds: number }>;
  status(): Promise<StorageStatus>;
  close(): Promise<void>;
}

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** 1 after the key was created, one more with each put. */
  readonly version: number;
  /** 0: no lease. */
  readonly lease: number;
}

export interface RangeRequest {
  readonly key: string;
  /** Exclusive end; absent: only `key`. `prefixEnd(key)` gives the end of a prefix. */
  readonly end?: string;
  /** Absent or 0: the latest. */
  readonly revision?: number;
  /** Absent or 0: all. */
  readonly limit?: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  /** May be answered from this member's own state, however stale. */
  readonly serializable?: boolean;
}

export interface RangeResult {
  /** The store's revision when the read was served. */
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  /** Keys in the range, whatever the limit. */
  readonly count: number;
  readonly more: boolean;
}

/** All comparisons must hold. A key that does not exist has revisions, version and lease 0. */
export interface Compare {
  readonly key: string;
  readonly target: "modRevision" | "createRevision" | "version" | "lease" | "value";
  readonly op: "=" | "!=" | "<" | ">";
  readonly value: number | Uint8Array;
}

export type Operation =
  | { readonly type: "put"; readonly key: string; readonly value: Uint8Array; readonly lease?: number }
  | { readonly type: "delete"; readonly key: string; readonly end?: string }
  | ({ readonly type: "range" } & RangeRequest);

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

export type OperationResult =
  | { readonly type: "put"; readonly previous?: KeyValue }
  | { readonly type: "delete"; readonly deleted: readonly KeyValue[] }
  | ({ readonly type: "range" } & RangeResult);

export interface TxnResult {
  /** The revision of this transaction when it wrote, else the store's. */
  readonly revision: number;
  readonly succeeded: boolean;
  readonly results: readonly OperationResult[];
}

export interface WatchRequest {
  readonly key: string;
  readonly end?: string;
  readonly startRevision?: number;
  readonly previous?: boolean;
}

export interface StorageEvent {
  readonly type: "put" | "delete";
  /** For a delete: the key and, as `modRevision`, the revision of the delete; no value. */
  readonly kv: KeyValue;
  readonly previous?: KeyValue;
}

export interface WatchSink {
  /** Whole revisions, in order; `revision` is the last one in the batch. */
  events(batch: readonly StorageEvent[], revision: number): void;
  /** Everything up to `revision` has been delivered; answers `requestProgress`. */
  progress(revision: number): void;
  /** The watch is over: "compacted" (with the oldest revision left), "closed" or an error of the store. */
  closed(error: StorageError): void;
}

export interface StorageWatch {
  /** Asks for a `progress` once every event up to now has been delivered. */
  requestProgress(): void;
  cancel(): void;
}

export interface StorageStatus {
  readonly revision: number;
  readonly compactedRevision: number;
  /** Bytes on disk. */
  readonly sizeBytes: number;
  readonly member: string;
  readonly leader: string;
  readonly term: number;
  readonly appliedIndex: number;
}

export class StorageError extends Error {
  override name = "StorageError";
  constructor(
    readonly code:
      | "compacted"
      | "futureRevision"
      | "leaseNotFound"
      | "leaseExists"
      | "tooLarge"
      | "tooManyRequests"
      | "noSpace"
      | "unavailable"
      | "invalid"
      | "closed",
    message: string,
    /** With "compacted": the oldest revision left. */
    readonly compactedRevision = 0,
  ) {
    super(message);
  }
}

/** The exclusive end of the range of keys that start with `prefix` (which ends in an ASCII character). */
export function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}
