/** What is asked of the store and what it answers, as data. ports/storage.ts says what each promise is worth. */

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
  /** Exclusive end; absent: only `key`. `prefixEnd(key)` gives the end of a prefix; "\0" means no end. */
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
  /** Exclusive end: every live key of the range must compare so; a range without any is as a key that does not exist. */
  readonly end?: string;
  readonly target: "modRevision" | "createRevision" | "version" | "lease" | "value";
  readonly op: "=" | "!=" | "<" | ">";
  readonly value: number | Uint8Array;
}

export type Operation =
  | ({ readonly type: "put" } & PutRequest)
  | { readonly type: "delete"; readonly key: string; readonly end?: string }
  | ({ readonly type: "range" } & RangeRequest)
  /** Which branch each transaction takes is settled, down to the innermost, before anything is written. */
  | ({ readonly type: "txn" } & TxnRequest);

export interface PutRequest {
  readonly key: string;
  readonly value: Uint8Array;
  readonly lease?: number;
  /** The value or the lease stays as it was before the transaction: refused with "keyNotFound" without such a key. */
  readonly keepValue?: boolean;
  readonly keepLease?: boolean;
}

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

export type OperationResult =
  | { readonly type: "put"; readonly previous?: KeyValue }
  | { readonly type: "delete"; readonly deleted: readonly KeyValue[] }
  | ({ readonly type: "range" } & RangeResult)
  | ({ readonly type: "txn" } & TxnResult);

export interface TxnResult {
  /** The revision of this transaction when it wrote, else the store's. */
  readonly revision: number;
  readonly succeeded: boolean;
  readonly results: readonly OperationResult[];
}

export interface StorageEvent {
  readonly type: "put" | "delete";
  /** For a delete: the key and, as `modRevision`, the revision of the delete; no value. */
  readonly kv: KeyValue;
  readonly previous?: KeyValue;
}

/** Why the store did not do what was asked; nothing has changed. */
export interface Refusal {
  readonly code:
    | "compacted"
    | "futureRevision"
    | "leaseNotFound"
    | "leaseExists"
    | "keyNotFound"
    | "tooLarge"
    | "tooManyRequests"
    | "noSpace"
    | "unavailable"
    | "invalid"
    | "closed";
  readonly message: string;
  /** With "compacted": the oldest revision left. */
  readonly compactedRevision?: number;
}

/** What a committed command came to. */
export type Outcome =
  | { readonly type: "txn"; readonly result: TxnResult }
  | { readonly type: "done"; readonly revision: number }
  | { readonly type: "refused"; readonly refusal: Refusal };

export function refused(code: Refusal["code"], message: string): { type: "refused"; refusal: Refusal } {
  return { type: "refused", refusal: { code, message } };
}
