/** What is wrong with a request whatever the state: it must not reach the log. */
import { inRange } from "./key_order.ts";
import { type Compare, type Operation, type Refusal, refused, type TxnRequest } from "./requests.ts";

/** etcd's limits: max-txn-ops and max-request-bytes. */
export const limits = { operations: 128, requestBytes: 1_572_864 } as const;

/** etcd counts the longest of a transaction's three lists, and those of the transactions inside on top. */
export function requestFault(request: TxnRequest): Refusal | undefined {
  const fault = txnFault(request, limits.operations);
  if (fault !== undefined) return fault;
  const twice = writtenTwice(request);
  if (twice !== undefined) {
    return refused("invalid", `Cannot run a transaction: it writes key "${twice}" more than once`).refusal;
  }
  const bytes = sizeOf(request);
  if (bytes <= limits.requestBytes) return undefined;
  return refused("tooLarge", `Cannot run a transaction: it has ${bytes} bytes of ${limits.requestBytes}`).refusal;
}

/** What is wrong with an operation whatever the state. */
export function operationFault(operation: Operation): Refusal | undefined {
  if (operation.type === "txn") return requestFault(operation);
  const fault = keyFault(operation.key, operation.type === "put" ? undefined : operation.end);
  if (fault !== undefined || operation.type === "delete") return fault;
  if (operation.type === "put") return numberFault("lease", operation.lease ?? 0);
  return numberFault("revision", operation.revision ?? 0) ?? numberFault("limit", operation.limit ?? 0);
}

function txnFault({ compare, success, failure }: TxnRequest, most: number): Refusal | undefined {
  const count = Math.max(compare.length, success.length, failure.length);
  if (count > most) {
    const message = `Cannot run a transaction: it has more than ${limits.operations} operations`;
    return refused("invalid", message).refusal;
  }
  for (const each of compare) {
    const fault = compareFault(each);
    if (fault !== undefined) return fault;
  }
  for (const operations of [success, failure]) {
    for (const operation of operations) {
      const fault = operation.type === "txn" ? txnFault(operation, most - count) : operationFault(operation);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

function compareFault({ key, end, target, value }: Compare): Refusal | undefined {
  const fault = keyFault(key, end);
  if (fault !== undefined) return fault;
  if ((target === "value") !== (typeof value !== "number")) {
    return refused("invalid", `Cannot compare ${target} of "${key}": the value is of another type`).refusal;
  }
  return typeof value === "number" ? numberFault(target, value) : undefined;
}

function sizeOf({ compare, success, failure }: TxnRequest): number {
  let bytes = 0;
  for (const { key, end, value } of compare) {
    bytes += key.length + (end?.length ?? 0) + (typeof value === "number" ? 8 : value.length);
  }
  for (const operations of [success, failure]) {
    for (const operation of operations) {
      if (operation.type === "txn") bytes += sizeOf(operation);
      else bytes += operation.key.length + (operation.type === "put" ? operation.value.length : 0);
    }
  }
  return bytes;
}

function keyFault(key: string, end: string | undefined): Refusal | undefined {
  if (key === "") return refused("invalid", `Cannot use an empty key`).refusal;
  // Unpaired surrogates have no UTF-8: the key would come back as another one.
  if (key.isWellFormed() && (end === undefined || end.isWellFormed())) return undefined;
  return refused("invalid", `Cannot use key ${JSON.stringify(key)}: it is not well-formed Unicode`).refusal;
}

function numberFault(name: string, value: number): Refusal | undefined {
  if (Number.isSafeInteger(value) && value >= 0) return undefined;
  return refused("invalid", `Cannot use ${name} ${value}: it must be a whole number from 0 to 2^53 - 1`).refusal;
}

/**
 * A key that one way through a transaction may write twice: a revision holds one record of a key. Deletes may overlap.
 * (etcd lets a transaction inside delete what an earlier one beside it has put; we do not.)
 */
export function writtenTwice({ success, failure }: TxnRequest): string | undefined {
  const written = writtenBy(success);
  if (typeof written === "string") return written;
  const other = writtenBy(failure);
  return typeof other === "string" ? other : undefined;
}

interface Written {
  readonly puts: Set<string>;
  readonly deletes: { readonly key: string; readonly end?: string }[];
}

const nothing: Written = { puts: new Set(), deletes: [] };

/** What one branch may write, or the key it may write twice. */
function writtenBy(operations: readonly Operation[]): Written | string {
  if (operations.length === 0) return nothing;
  const all: Written = { puts: new Set(), deletes: [] };
  for (const operation of operations) if (operation.type === "delete") all.deletes.push(operation);
  for (const operation of operations) {
    const twice = operation.type === "put"
      ? addPut(all, operation.key)
      : operation.type === "txn"
      ? addBranches(all, operation)
      : undefined;
    if (twice !== undefined) return twice;
  }
  return all;
}

function addPut(all: Written, key: string): string | undefined {
  if (isWritten(all, key)) return key;
  all.puts.add(key);
  return undefined;
}

function isWritten({ puts, deletes }: Written, key: string): boolean {
  return puts.has(key) || deletes.some((range) => inRange(key, range.key, range.end));
}

/** Both branches may put the same key: only one of them is taken. */
function addBranches(all: Written, { success, failure }: TxnRequest): string | undefined {
  const branches = [writtenBy(success), writtenBy(failure)];
  const before = { puts: new Set(all.puts), deletes: [...all.deletes] };
  for (const branch of branches) {
    if (typeof branch === "string") return branch;
    for (const key of branch.puts) {
      if (isWritten(before, key)) return key;
      all.puts.add(key);
    }
    for (const range of branch.deletes) {
      for (const key of before.puts) if (inRange(key, range.key, range.end)) return key;
      all.deletes.push(range);
    }
  }
  return undefined;
}
