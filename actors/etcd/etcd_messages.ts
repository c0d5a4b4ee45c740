/** The store's requests as etcd's messages, and etcd's records as the store's. */
import {
  type Compare as CompareMessage,
  compareResults,
  compareTargets,
  type KeyValue as KeyValueMessage,
  type RangeRequest as RangeMessage,
  type RangeResponse,
  type Read,
  type RequestOp,
  type ResponseOp,
  type TxnRequest as TxnMessage,
  type TxnResponse,
} from "../../machines/etcd/messages.ts";
import { keyBytes, keyOf } from "../../machines/etcd/keys.ts";
import type { Part } from "../../machines/etcd/protobuf.ts";
import {
  type Compare,
  type KeyValue,
  type Operation,
  type OperationResult,
  type RangeRequest,
  type RangeResult,
  StorageError,
  type TxnRequest,
  type TxnResult,
} from "../../ports/storage.ts";

export function rangeMessage({ key, end, ...rest }: RangeRequest): Part<Read<typeof RangeMessage>> {
  return { ...rest, ...rangeBytes(key, end) };
}

export function rangeBytes(key: string, end: string | undefined) {
  return { key: keyBytes(key), ...(end === undefined ? {} : { rangeEnd: keyBytes(end) }) };
}

export function txnMessage({ compare, success, failure }: TxnRequest): Part<TxnMessage> {
  return { compare: compare.map(compareMessage), success: success.map(requestOp), failure: failure.map(requestOp) };
}

function compareMessage({ key, end, target, op, value }: Compare): Part<Read<typeof CompareMessage>> {
  return {
    ...rangeBytes(key, end),
    result: compareResults.indexOf(op),
    target: compareTargets.indexOf(target),
    [target]: value,
  };
}

function requestOp(operation: Operation): Part<RequestOp> {
  switch (operation.type) {
    case "put": {
      const { key, value, lease = 0, keepValue = false, keepLease = false } = operation;
      const kept = { ignoreValue: keepValue, ignoreLease: keepLease, prevKv: true };
      const given = { ...(keepValue ? {} : { value }), ...(keepLease ? {} : { lease }) };
      return { requestPut: { key: keyBytes(key), ...given, ...kept } };
    }
    case "delete":
      return { requestDeleteRange: { ...rangeBytes(operation.key, operation.end), prevKv: true } };
    case "range":
      return { requestRange: rangeMessage(operation) };
    case "txn":
      return { requestTxn: txnMessage(operation) };
  }
}

export function txnResult({ header, succeeded, responses }: TxnResponse, revision = header?.revision ?? 0): TxnResult {
  return { revision, succeeded, results: responses.map((response) => operationResult(response, revision)) };
}

function operationResult(response: ResponseOp, revision: number): OperationResult {
  const { responseRange, responsePut, responseDeleteRange, responseTxn } = response;
  if (responsePut !== undefined) {
    const { prevKv } = responsePut;
    return prevKv === undefined ? { type: "put" } : { type: "put", previous: recordOf(prevKv) };
  }
  if (responseRange !== undefined) return { type: "range", ...rangeResult(responseRange) };
  if (responseDeleteRange !== undefined) return { type: "delete", deleted: responseDeleteRange.prevKvs.map(recordOf) };
  if (responseTxn !== undefined) return { type: "txn", ...txnResult(responseTxn, revision) };
  throw new StorageError("unavailable", "Cannot read etcd's answer to a transaction: a part of it is empty");
}

export function rangeResult({ header, kvs, count, more }: Read<typeof RangeResponse>): RangeResult {
  return { revision: header?.revision ?? 0, kvs: kvs.map(recordOf), count, more };
}

export function recordOf(kv: Read<typeof KeyValueMessage>): KeyValue {
  const key = keyOf(kv.key);
  if (key !== undefined) return { ...kv, key };
  throw new StorageError("unavailable", `Cannot read key [${kv.key}] of etcd: it is not valid UTF-8`);
}
