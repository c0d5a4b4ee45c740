/** The keys below a prefix of a store as a store of their own. Revisions, leases and compaction are those of the whole. */
import { noEnd } from "../../machines/store/key_order.ts";
import { operationFault, requestFault } from "../../machines/store/transaction.ts";
import type { Compare, Operation, Refusal } from "../../machines/store/requests.ts";
import {
  type KeyValue,
  prefixEnd,
  type RangeRequest,
  type RangeResult,
  type Storage,
  type StorageWatch,
  type TxnRequest,
  type WatchRequest,
  type WatchSink,
} from "../../ports/storage.ts";
import { rangeOf } from "../store/request_checks.ts";
import { eventShown, rangeShown, StorageDecorator, txnShown } from "../store/storage_decorator.ts";
import { storageError } from "../store/store_member.ts";

export class PrefixedStorage extends StorageDecorator {
  readonly #end: string;

  /** `prefix` ends in an ASCII character. */
  constructor(inner: Storage, readonly prefix: string) {
    super(inner);
    this.#end = prefixEnd(prefix);
  }

  override async range(request: RangeRequest): Promise<RangeResult> {
    // As it is asked: with the prefix, a key that is none would be one.
    check(operationFault({ type: "range", ...request }));
    return rangeShown(await this.inner.range(this.#below(request)), this.#shown);
  }

  override async txn(request: TxnRequest): ReturnType<Storage["txn"]> {
    check(requestFault(request));
    return txnShown(await this.inner.txn(this.#txn(request)), this.#shown);
  }

  override watch(request: WatchRequest, sink: WatchSink): StorageWatch {
    // A request at fault is left as it is: the store says what is wrong with it.
    const fault = operationFault({ type: "range", key: request.key, ...rangeOf(request) });
    return this.inner.watch(fault === undefined ? this.#below(request) : request, {
      events: (batch, revision) => sink.events(batch.map((event) => eventShown(event, this.#shown)), revision),
      progress: (revision) => sink.progress(revision),
      closed: (error) => sink.closed(error),
    });
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

  readonly #shown = (kv: KeyValue): KeyValue => ({ ...kv, key: kv.key.slice(this.prefix.length) });
}

function check(fault: Refusal | undefined): void {
  if (fault !== undefined) throw storageError(fault);
}
