/** The keys below a prefix of a store as a store of their own. Revisions, leases and compaction are those of the whole. */
import { noEnd } from "../../machines/store/key_order.ts";
import { operationFault, requestFault } from "../../machines/store/transaction.ts";
import type { Compare, Operation, OperationResult, Refusal, TxnResult } from "../../machines/store/requests.ts";
import {
  type KeyValue,
  prefixEnd,
  type RangeRequest,
  type RangeResult,
  type Storage,
  type StorageEvent,
  type StorageStatus,
  type StorageWatch,
  type TxnRequest,
  type WatchRequest,
  type WatchSink,
} from "../../ports/storage.ts";
import { rangeOf } from "../store/request_checks.ts";
import { storageError } from "../store/store_member.ts";

export class PrefixedStorage implements Storage {
  readonly #end: string;

  /** `prefix` ends in an ASCII character. */
  constructor(readonly inner: Storage, readonly prefix: string) {
    this.#end = prefixEnd(prefix);
  }

  async range(request: RangeRequest): Promise<RangeResult> {
    // As it is asked: with the prefix, a key that is none would be one.
    check(operationFault({ type: "range", ...request }));
    return this.#rangeResult(await this.inner.range(this.#below(request)));
  }

  async txn(request: TxnRequest): ReturnType<Storage["txn"]> {
    check(requestFault(request));
    return this.#txnResult(await this.inner.txn(this.#txn(request)));
  }

  watch(request: WatchRequest, sink: WatchSink): StorageWatch {
    // A request at fault is left as it is: the store says what is wrong with it.
    const fault = operationFault({ type: "range", key: request.key, ...rangeOf(request) });
    return this.inner.watch(fault === undefined ? this.#below(request) : request, {
      events: (batch, revision) => sink.events(batch.map((event) => this.#event(event)), revision),
      progress: (revision) => sink.progress(revision),
      closed: (error) => sink.closed(error),
    });
  }

  compact(revision: number): Promise<void> {
    return this.inner.compact(revision);
  }

  grantLease(request: { ttlSeconds: number; id?: number }): ReturnType<Storage["grantLease"]> {
    return this.inner.grantLease(request);
  }

  revokeLease(id: number): Promise<void> {
    return this.inner.revokeLease(id);
  }

  keepLeaseAlive(id: number): ReturnType<Storage["keepLeaseAlive"]> {
    return this.inner.keepLeaseAlive(id);
  }

  status(): Promise<StorageStatus> {
    return this.inner.status();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  #below<T extends { readonly key: string; readonly end?: string }>(asked: T): T {
    const { key, end } = asked;
    if (end === undefined) return { ...asked, key: this.prefix + key };
    return { ...asked, key: this.prefix + key, end: end === noEnd ? this.#end : this.prefix + end };
  }

  #txn({ compare, success, failure }: TxnRequest): TxnRequest {
    return {
      compare: compare.map((each: Compare) => this.#below(each)),
      success: success.map((each) => this.#operation(each)),
      failure: failure.map((each) => this.#operation(each)),
    };
  }

  #operation(operation: Operation): Operation {
    return operation.type === "txn" ? { type: "txn", ...this.#txn(operation) } : this.#below(operation);
  }

  #txnResult<T extends TxnResult>(result: T): T {
    return { ...result, results: result.results.map((each) => this.#result(each)) };
  }

  #result(result: OperationResult): OperationResult {
    switch (result.type) {
      case "put":
        return result.previous === undefined ? result : { type: "put", previous: this.#record(result.previous) };
      case "delete":
        return { type: "delete", deleted: result.deleted.map((kv) => this.#record(kv)) };
      case "range":
        return { ...this.#rangeResult(result), type: "range" };
      case "txn":
        return this.#txnResult(result);
    }
  }

  #rangeResult(result: RangeResult): RangeResult {
    return { ...result, kvs: result.kvs.map((kv) => this.#record(kv)) };
  }

  #event(event: StorageEvent): StorageEvent {
    const { kv, previous } = event;
    return { ...event, kv: this.#record(kv), ...(previous === undefined ? {} : { previous: this.#record(previous) }) };
  }

  #record(kv: KeyValue): KeyValue {
    return { ...kv, key: kv.key.slice(this.prefix.length) };
  }
}

function check(fault: Refusal | undefined): void {
  if (fault !== undefined) throw storageError(fault);
}
