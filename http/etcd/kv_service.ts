/** The KV service: etcd's requests as transactions of the store, and what comes of them as etcd's answers. */
import {
  type Compare as CompareMessage,
  compareResults,
  compareTargets,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type Read,
  type RequestOp,
  type ResponseOp,
  type TxnRequest,
} from "../../machines/etcd/messages.ts";
import type { Part } from "../../machines/etcd/protobuf.ts";
import type {
  Compare,
  Operation,
  OperationResult,
  RangeResult,
  TxnRequest as StorageTxn,
  TxnResult,
} from "../../machines/store/requests.ts";
import { limits, writtenTwice } from "../../machines/store/request_fault.ts";
import { type EtcdContext, etcdError, headerOf, invalid, unary } from "./grpc_calls.ts";
import { keyRange, recordMessage, storageRange, viewOf } from "./range_view.ts";

type Put = Read<typeof PutRequest>;
type Delete = Read<typeof DeleteRangeRequest>;
type Header = Awaited<ReturnType<typeof headerOf>>;

export function kvService(context: EtcdContext) {
  const { storage, administration } = context;
  const write = async (operation: Operation) => {
    const { results, revision } = await storage.txn({ compare: [], success: [operation], failure: [] });
    return { result: results[0]!, header: await headerOf(context, revision) };
  };
  return {
    Range: unary(async (asked: Read<typeof RangeRequest>) => {
      const result = await storage.range(storageRange(asked));
      return rangeResponse(asked, result, await headerOf(context, result.revision));
    }),
    Put: unary(async (asked: Put) => {
      const { result, header } = await write(putOperation(asked));
      return putResponse(asked, result, header);
    }),
    DeleteRange: unary(async (asked: Delete) => {
      const { result, header } = await write(deleteOperation(asked));
      return deleteResponse(asked, result, header);
    }),
    Txn: unary(async (asked: TxnRequest) => {
      checkCounts(asked, limits.operations);
      const request = txnOperation(asked);
      if (writtenTwice(request) !== undefined) throw etcdError("duplicateKey");
      const result = await storage.txn(request);
      return txnResponse(asked, result, await headerOf(context, result.revision));
    }),
    Compact: unary(async ({ revision, physical }: { revision: number; physical: boolean }) => {
      await storage.compact(revision);
      // The caller wants what is compacted to be gone before it goes on.
      if (physical) await administration.defragment();
      return { header: await headerOf(context) };
    }),
  };
}

function rangeResponse(
  asked: Read<typeof RangeRequest>,
  result: RangeResult,
  header: Header,
) {
  const { kvs, count, more } = viewOf(asked, result);
  return { header, kvs: kvs.map(recordMessage), count, more };
}

function putOperation({ key, value, lease, ignoreValue, ignoreLease }: Put): Operation {
  if (key.length === 0) throw etcdError("emptyKey");
  if (ignoreValue && value.length > 0) throw etcdError("valueProvided");
  if (ignoreLease && lease !== 0) throw etcdError("leaseProvided");
  // No such lease can have been granted.
  if (!isLeaseId(lease) && lease !== 0) throw etcdError("leaseNotFound");
  return {
    type: "put",
    key: keyRange(key, new Uint8Array(0)).key,
    value,
    ...(lease === 0 ? {} : { lease }),
    ...(ignoreValue ? { keepValue: true } : {}),
    ...(ignoreLease ? { keepLease: true } : {}),
  };
}

/** Leases of the store are numbered so. */
export function isLeaseId(id: number): boolean {
  return Number.isSafeInteger(id) && id > 0;
}

function putResponse({ prevKv }: Put, result: OperationResult, header: Header) {
  const previous = result.type === "put" && prevKv ? result.previous : undefined;
  return { header, prevKv: previous === undefined ? undefined : recordMessage(previous) };
}

function deleteOperation({ key, rangeEnd }: Delete): Operation {
  if (key.length === 0) throw etcdError("emptyKey");
  return { type: "delete", ...keyRange(key, rangeEnd) };
}

function deleteResponse({ prevKv }: Delete, result: OperationResult, header: Header) {
  const deleted = result.type === "delete" ? result.deleted : [];
  return { header, deleted: deleted.length, prevKvs: prevKv ? deleted.map(recordMessage) : [] };
}

/** etcd counts the longest of the three lists, and those of the transactions inside on top. */
function checkCounts({ compare, success, failure }: TxnRequest, most: number): void {
  const count = Math.max(compare.length, success.length, failure.length);
  if (count > most) throw etcdError("tooManyOperations");
  for (const { requestTxn } of [...success, ...failure]) {
    if (requestTxn !== undefined) checkCounts(requestTxn, most - count);
  }
}

function txnOperation({ compare, success, failure }: TxnRequest): StorageTxn {
  return { compare: compare.map(comparison), success: success.map(operationOf), failure: failure.map(operationOf) };
}

function comparison(asked: Read<typeof CompareMessage>): Compare {
  const target = compareTargets[asked.target];
  const op = compareResults[asked.result];
  if (asked.key.length === 0) throw etcdError("emptyKey");
  if (target === undefined || op === undefined) throw invalid("unknown comparison");
  return { ...keyRange(asked.key, asked.rangeEnd), target, op, value: asked[target] };
}

function operationOf({ requestRange, requestPut, requestDeleteRange, requestTxn }: RequestOp): Operation {
  if (requestRange !== undefined) return { type: "range", ...storageRange(requestRange) };
  if (requestPut !== undefined) return putOperation(requestPut);
  if (requestDeleteRange !== undefined) return deleteOperation(requestDeleteRange);
  if (requestTxn !== undefined) return { type: "txn", ...txnOperation(requestTxn) };
  throw invalid("an operation of the transaction is empty");
}

interface TxnAnswer {
  header: Header;
  succeeded: boolean;
  responses: Part<ResponseOp>[];
}

function txnResponse(asked: TxnRequest, { succeeded, results }: TxnResult, header: Header): TxnAnswer {
  const operations = succeeded ? asked.success : asked.failure;
  return { header, succeeded, responses: results.map((result, at) => responseOf(operations[at]!, result, header)) };
}

function responseOf(asked: RequestOp, result: OperationResult, header: Header): Part<ResponseOp> {
  if (asked.requestRange !== undefined && result.type === "range") {
    return { responseRange: rangeResponse(asked.requestRange, result, header) };
  }
  if (asked.requestPut !== undefined) return { responsePut: putResponse(asked.requestPut, result, header) };
  if (asked.requestDeleteRange !== undefined) {
    return { responseDeleteRange: deleteResponse(asked.requestDeleteRange, result, header) };
  }
  if (asked.requestTxn !== undefined && result.type === "txn") {
    return { responseTxn: txnResponse(asked.requestTxn, result, header) };
  }
  throw new Error(`Cannot answer the transaction: an operation came to "${result.type}"`);
}
