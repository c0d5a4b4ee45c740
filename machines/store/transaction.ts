/** Compare, then or else: etcd's transaction, as one revision. */
import { compareKeys, inRange } from "./key_order.ts";
import type { KeyValueState } from "./key_value_state.ts";
import {
  type Compare,
  type KeyValue,
  type Operation,
  type OperationResult,
  type Outcome,
  type Refusal,
  refused,
  type TxnRequest,
} from "./requests.ts";

/** Whether it may change anything, whichever branch is taken. Others need no entry in the log. */
export function isReadOnly({ success, failure }: TxnRequest): boolean {
  return success.every(isRange) && failure.every(isRange);
}

function isRange(operation: Operation): boolean {
  return operation.type === "range";
}

export function applyTxn(state: KeyValueState, request: TxnRequest): Outcome {
  const succeeded = request.compare.every((compare) => holds(compare, state.latest(compare.key)));
  const operations = succeeded ? request.success : request.failure;
  for (const operation of operations) {
    const refusal = refusalOf(state, operation);
    if (refusal !== undefined) return { type: "refused", refusal };
  }
  const results = operations.map((operation) => carryOut(state, operation));
  state.commit();
  return { type: "txn", result: { revision: state.revision, succeeded, results } };
}

/** Looked at before anything is written: a transaction happens whole or not at all. */
function refusalOf(state: KeyValueState, operation: Operation): Refusal | undefined {
  if (operation.type === "range") return operation.revision ? state.refusalAt(operation.revision) : undefined;
  if (operation.type === "put" && operation.lease && !state.leases.has(operation.lease)) {
    const message = `Cannot put "${operation.key}": lease ${operation.lease} does not exist`;
    return refused("leaseNotFound", message).refusal;
  }
  return undefined;
}

function carryOut(state: KeyValueState, operation: Operation): OperationResult {
  switch (operation.type) {
    case "put": {
      const previous = state.put(operation.key, operation.value, operation.lease ?? 0);
      return previous === undefined ? { type: "put" } : { type: "put", previous };
    }
    case "delete": {
      const deleted = state.liveIn(operation.key, operation.end);
      for (const live of deleted) state.delete(live);
      return { type: "delete", deleted };
    }
    case "range":
      return { type: "range", ...state.range(operation) };
  }
}

function holds({ target, op, value }: Compare, live: KeyValue | undefined): boolean {
  const order = target === "value" ? compareBytes(live?.value, value) : (live?.[target] ?? 0) - Number(value);
  // A key that does not exist has no value: nothing can be said of it.
  if (order === undefined) return false;
  switch (op) {
    case "=":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case ">":
      return order > 0;
  }
}

function compareBytes(actual: Uint8Array | undefined, expected: number | Uint8Array): number | undefined {
  if (actual === undefined || typeof expected === "number") return undefined;
  const shorter = Math.min(actual.length, expected.length);
  for (let i = 0; i < shorter; i++) {
    if (actual[i] !== expected[i]) return actual[i]! - expected[i]!;
  }
  return actual.length - expected.length;
}

/** etcd's limits: max-txn-ops and max-request-bytes. */
export const limits = { operations: 128, requestBytes: 1_572_864 } as const;

/** What is wrong with a request whatever the state; it must not reach the log. */
export function requestFault(request: TxnRequest): Refusal | undefined {
  let bytes = 0;
  if (Math.max(request.compare.length, request.success.length, request.failure.length) > limits.operations) {
    return refused("invalid", `Cannot run a transaction: it has more than ${limits.operations} operations`).refusal;
  }
  for (const compare of request.compare) {
    const fault = keyFault(compare.key, undefined);
    if (fault !== undefined) return fault;
    if ((compare.target === "value") !== (typeof compare.value !== "number")) {
      return refused("invalid", `Cannot compare ${compare.target} of "${compare.key}": the value is of another type`)
        .refusal;
    }
    const number = typeof compare.value === "number" ? numberFault(compare.target, compare.value) : undefined;
    if (number !== undefined) return number;
    bytes += compare.key.length + (typeof compare.value === "number" ? 8 : compare.value.length);
  }
  for (const operations of [request.success, request.failure]) {
    for (const operation of operations) {
      const fault = operationFault(operation);
      if (fault !== undefined) return fault;
      bytes += operation.key.length + (operation.type === "put" ? operation.value.length : 0);
    }
    const twice = writtenTwice(operations);
    if (twice !== undefined) {
      return refused("invalid", `Cannot run a transaction: it writes key "${twice}" more than once`).refusal;
    }
  }
  if (bytes <= limits.requestBytes) return undefined;
  return refused("tooLarge", `Cannot run a transaction: it has ${bytes} bytes of ${limits.requestBytes}`).refusal;
}

/** What is wrong with an operation whatever the state. */
export function operationFault(operation: Operation): Refusal | undefined {
  const fault = keyFault(operation.key, operation.type === "put" ? undefined : operation.end);
  if (fault !== undefined || operation.type === "delete") return fault;
  if (operation.type === "put") return numberFault("lease", operation.lease ?? 0);
  return numberFault("revision", operation.revision ?? 0) ?? numberFault("limit", operation.limit ?? 0);
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

/** A key that two operations of one branch write: a revision holds one record of a key. */
function writtenTwice(operations: readonly Operation[]): string | undefined {
  if (operations.length < 2) return undefined;
  const puts = new Set<string>();
  for (const operation of operations) {
    if (operation.type !== "put") continue;
    if (puts.has(operation.key)) return operation.key;
    puts.add(operation.key);
  }
  const keys = [...puts].sort(compareKeys);
  for (const operation of operations) {
    if (operation.type !== "delete") continue;
    const hit = keys.find((key) => inRange(key, operation.key, operation.end));
    if (hit !== undefined) return hit;
  }
  return undefined;
}
