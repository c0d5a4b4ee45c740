import type {
  RangeRequest,
  RangeResult,
  Refusal,
  StorageEvent,
  TxnRequest,
  TxnResult,
} from "../machines/store/requests.ts";

export type {
  Compare,
  KeyValue,
  Operation,
  OperationResult,
  RangeRequest,
  RangeResult,
  StorageEvent,
  TxnRequest,
  TxnResult,
} from "../machines/store/requests.ts";

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

export interface WatchRequest {
  readonly key: string;
  readonly end?: string;
  readonly startRevision?: number;
  readonly previous?: boolean;
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
    readonly code: Refusal["code"],
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
