/** etcd's sorting and filtering of a range, above a store that lists keys in order. */
import type { KeyValue, RangeRequest as StorageRange, RangeResult } from "../../machines/store/requests.ts";
import {
  type KeyValue as KeyValueMessage,
  type RangeRequest,
  type Read,
  sortOrders,
  sortTargets,
} from "../../machines/etcd/messages.ts";
import { keyBytes, rangeOf } from "../../machines/etcd/keys.ts";
import { compareKeys } from "../../machines/store/key_order.ts";
import { etcdError, invalid } from "./grpc_calls.ts";

type Asked = Read<typeof RangeRequest>;

/** What to read of the store. @throws GrpcError */
export function storageRange(asked: Asked): StorageRange {
  const { key, rangeEnd, revision, limit, keysOnly, countOnly, serializable } = asked;
  if (key.length === 0) throw etcdError("emptyKey");
  if (sortTargets[asked.sortTarget] === undefined || asked.sortOrder < 0 || asked.sortOrder > sortOrders.descend) {
    throw etcdError("invalidSortOption");
  }
  const range = keyRange(key, rangeEnd);
  return {
    ...range,
    ...(revision > 0 ? { revision } : {}),
    ...(limit > 0 && !needsAll(asked) ? { limit } : {}),
    ...(keysOnly && sortTargets[asked.sortTarget] !== "value" ? { keysOnly } : {}),
    ...(countOnly ? { countOnly } : {}),
    ...(serializable ? { serializable } : {}),
  };
}

/** @throws GrpcError when it is one key, which is not UTF-8. */
export function keyRange(key: Uint8Array, end: Uint8Array): { key: string; end?: string } {
  const range = rangeOf(key, end);
  if (range === undefined) throw invalid("key is not valid UTF-8, and only such keys are kept here");
  return range;
}

/** Which of the records are answered. */
export function viewOf(
  asked: Asked,
  { kvs, count, more }: RangeResult,
): { kvs: KeyValue[]; count: number; more: boolean } {
  const { limit, keysOnly } = asked;
  const chosen = sorted(asked, kvs.filter((kv) => isWanted(asked, kv)));
  const isCut = needsAll(asked) && limit > 0 && chosen.length > limit;
  const page = isCut ? chosen.slice(0, limit) : chosen;
  return {
    kvs: keysOnly ? page.map((kv) => ({ ...kv, value: new Uint8Array(0) })) : page,
    count,
    more: needsAll(asked) ? isCut : more,
  };
}

export function recordMessage(kv: KeyValue): Read<typeof KeyValueMessage> {
  return { ...kv, key: keyBytes(kv.key) };
}

/** Filters and sorting come before the limit. */
function needsAll(asked: Asked): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = asked;
  return asked.sortOrder !== sortOrders.none || minModRevision !== 0 || maxModRevision !== 0 ||
    minCreateRevision !== 0 || maxCreateRevision !== 0;
}

function isWanted(asked: Asked, { modRevision, createRevision }: KeyValue): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = asked;
  return (maxModRevision === 0 || modRevision <= maxModRevision) && modRevision >= minModRevision &&
    (maxCreateRevision === 0 || createRevision <= maxCreateRevision) && createRevision >= minCreateRevision;
}

/** Another target than the key is sorted by although no order is named: upwards, as etcd does. */
function sorted({ sortOrder, sortTarget }: Asked, kvs: KeyValue[]): KeyValue[] {
  const target = sortTargets[sortTarget]!;
  if (sortOrder === sortOrders.none && target === "key") return kvs;
  const sign = sortOrder === sortOrders.descend ? -1 : 1;
  return kvs.sort((a, b) => sign * order(a, b, target));
}

function order(a: KeyValue, b: KeyValue, target: (typeof sortTargets)[number]): number {
  if (target === "key") return compareKeys(a.key, b.key);
  if (target !== "value") return a[target] - b[target];
  const shorter = Math.min(a.value.length, b.value.length);
  for (let i = 0; i < shorter; i++) if (a.value[i] !== b.value[i]) return a.value[i]! - b.value[i]!;
  return a.value.length - b.value.length;
}
