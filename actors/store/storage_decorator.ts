/** A storage before another one (a prefix, a quota, encryption): what it does not do otherwise goes on as it came. */
import type {
  KeyValue,
  OperationResult,
  RangeRequest,
  RangeResult,
  Storage,
  StorageEvent,
  StorageStatus,
  StorageWatch,
  TxnRequest,
  TxnResult,
  WatchRequest,
  WatchSink,
} from "../../ports/storage.ts";

export abstract class StorageDecorator implements Storage {
  constructor(readonly inner: Storage) {}

  range(request: RangeRequest): Promise<RangeResult> {
    return this.inner.range(request);
  }

  txn(request: TxnRequest): ReturnType<Storage["txn"]> {
    return this.inner.txn(request);
  }

  watch(request: WatchRequest, sink: WatchSink): StorageWatch {
    return this.inner.watch(request, sink);
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
}

/** What is shown of a record instead of it. */
export type Shown = (kv: KeyValue) => KeyValue;

export function rangeShown(result: RangeResult, shown: Shown): RangeResult {
  return { ...result, kvs: result.kvs.map(shown) };
}

export function eventShown(event: StorageEvent, shown: Shown): StorageEvent {
  const { kv, previous } = event;
  return { ...event, kv: shown(kv), ...(previous === undefined ? {} : { previous: shown(previous) }) };
}

export function txnShown<T extends TxnResult>(result: T, shown: Shown): T {
  return { ...result, results: result.results.map((each) => resultShown(each, shown)) };
}

function resultShown(result: OperationResult, shown: Shown): OperationResult {
  switch (result.type) {
    case "put":
      return result.previous === undefined ? result : { type: "put", previous: shown(result.previous) };
    case "delete":
      return { type: "delete", deleted: result.deleted.map(shown) };
    case "range":
      return { ...rangeShown(result, shown), type: "range" };
    case "txn":
      return txnShown(result, shown);
  }
}
