/** Compare, then or else: etcd's transaction, as one revision. */
import type { KeyValueState } from "./key_value_state.ts";
import {
  type Compare,
  type KeyValue,
  type Operation,
  type OperationResult,
  type Outcome,
  type PutRequest,
  type Refusal,
  refused,
  type TxnRequest,
} from "./requests.ts";

export { limits, operationFault, requestFault } from "./request_fault.ts";

/** Whether it may change anything, whichever branch is taken. Others need no entry in the log. */
export function isReadOnly({ success, failure }: TxnRequest): boolean {
  return success.every(onlyReads) && failure.every(onlyReads);
}

function onlyReads(operation: Operation): boolean {
  return operation.type === "range" || (operation.type === "txn" && isReadOnly(operation));
}

export function applyTxn(state: KeyValueState, request: TxnRequest): Outcome {
  const plan = planOf(state, request);
  const refusal = refusalOf(state, plan);
  if (refusal !== undefined) return { type: "refused", refusal };
  const results = carryOut(state, plan);
  state.commit();
  return { type: "txn", result: { revision: state.revision, succeeded: plan.succeeded, results } };
}

/** What a transaction will do: the branches are settled before anything is written. */
interface Plan {
  readonly succeeded: boolean;
  readonly steps: readonly Step[];
}

type Step = Exclude<Operation, { type: "txn" }> | { readonly type: "plan"; readonly plan: Plan };

function planOf(state: KeyValueState, request: TxnRequest): Plan {
  const succeeded = request.compare.every((compare) => holds(state, compare));
  const operations = succeeded ? request.success : request.failure;
  const steps = operations.map((operation): Step =>
    operation.type === "txn" ? { type: "plan", plan: planOf(state, operation) } : operation
  );
  return { succeeded, steps };
}

/** Looked at before anything is written: a transaction happens whole or not at all. */
function refusalOf(state: KeyValueState, { steps }: Plan): Refusal | undefined {
  for (const step of steps) {
    const refusal = step.type === "plan" ? refusalOf(state, step.plan) : stepRefusal(state, step);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function stepRefusal(state: KeyValueState, step: Exclude<Step, { type: "plan" }>): Refusal | undefined {
  if (step.type === "range") return step.revision ? state.refusalAt(step.revision) : undefined;
  if (step.type === "delete") return undefined;
  if (step.lease && !state.leases.has(step.lease)) {
    return refused("leaseNotFound", `Cannot put "${step.key}": lease ${step.lease} does not exist`).refusal;
  }
  if ((step.keepValue || step.keepLease) && state.latest(step.key) === undefined) {
    return refused("keyNotFound", `Cannot put "${step.key}": it does not exist, so there is nothing to keep`).refusal;
  }
  return undefined;
}

function carryOut(state: KeyValueState, { steps }: Plan): OperationResult[] {
  return steps.map((step): OperationResult => {
    switch (step.type) {
      case "put":
        return put(state, step);
      case "delete": {
        const deleted = state.liveIn(step.key, step.end);
        for (const live of deleted) state.delete(live);
        return { type: "delete", deleted };
      }
      case "range":
        return { type: "range", ...state.range(step) };
      case "plan": {
        const results = carryOut(state, step.plan);
        return { type: "txn", revision: state.nextRevision, succeeded: step.plan.succeeded, results };
      }
    }
  });
}

function put(state: KeyValueState, { key, value, lease = 0, keepValue, keepLease }: PutRequest): OperationResult {
  const kept = keepValue || keepLease ? state.latest(key) : undefined;
  const previous = state.put(key, keepValue && kept ? kept.value : value, keepLease && kept ? kept.lease : lease);
  return previous === undefined ? { type: "put" } : { type: "put", previous };
}

function holds(state: KeyValueState, compare: Compare): boolean {
  if (compare.end === undefined) return holdsFor(compare, state.latest(compare.key));
  const found = state.liveIn(compare.key, compare.end);
  return found.length === 0 ? holdsFor(compare, undefined) : found.every((live) => holdsFor(compare, live));
}

function holdsFor({ target, op, value }: Compare, live: KeyValue | undefined): boolean {
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
