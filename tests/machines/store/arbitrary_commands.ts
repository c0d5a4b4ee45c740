/** Random commands over few keys, so that they meet. */
import fc from "fast-check";
import type { Command } from "../../../machines/store/command.ts";
import type { Compare, Operation } from "../../../machines/store/requests.ts";
import { requestFault } from "../../../machines/store/transaction.ts";

export const someKey = fc.constantFrom("a", "a/b", "a/c", "ab", "b", "b/\u{1f600}", "b/\uffee", "c", "d");
const someEnd = fc.constantFrom("a0", "b", "b0", "e", "\0");
const someValue = fc.uint8Array({ maxLength: 3 });
const someRevision = fc.nat({ max: 12 });
const someLease = fc.integer({ min: 1, max: 3 });

const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record({
    key: someKey,
    end: someEnd,
    target: fc.constantFrom("modRevision", "createRevision", "version", "lease"),
    op: fc.constantFrom("=", "!=", "<", ">"),
    value: fc.nat({ max: 6 }),
  }, { requiredKeys: ["key", "target", "op", "value"] }),
  fc.record({
    key: someKey,
    target: fc.constant("value" as const),
    op: fc.constantFrom("=", "!=", "<", ">"),
    value: someValue,
  }),
) as fc.Arbitrary<Compare>;

const flatOperation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("put"), key: someKey, value: someValue }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("put"), key: someKey, value: someValue, lease: someLease }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("put"),
      key: someKey,
      value: someValue,
      keepValue: fc.constant(true),
      keepLease: fc.constant(true),
    }, { requiredKeys: ["type", "key", "value"] }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("delete"), key: someKey }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("delete"), key: someKey, end: someEnd }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("range"),
      key: someKey,
      end: someEnd,
      revision: someRevision.filter((revision) => revision > 0),
      limit: fc.integer({ min: 1, max: 3 }),
      keysOnly: fc.constant(true),
    }, { requiredKeys: ["type", "key"] }),
  },
) as fc.Arbitrary<Operation>;

/** A transaction inside a transaction. */
const nested = fc.record({
  type: fc.constant("txn" as const),
  compare: fc.array(compare, { maxLength: 1 }),
  success: fc.array(flatOperation, { maxLength: 2 }),
  failure: fc.array(flatOperation, { maxLength: 2 }),
});
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: flatOperation },
  { weight: 1, arbitrary: nested },
);

/** Transactions that the store would let through to its log. */
export const transaction = fc.record({
  type: fc.constant("txn" as const),
  compare: fc.array(compare, { maxLength: 2 }),
  success: fc.array(operation, { maxLength: 4 }),
  failure: fc.array(operation, { maxLength: 2 }),
}).filter((request) => requestFault(request) === undefined);

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: transaction },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("grantLease" as const),
      id: someLease,
      ttlSeconds: fc.integer({ min: 1, max: 99 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("revokeLease" as const), id: someLease }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("expireLeases" as const), ids: fc.array(someLease, { maxLength: 2 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("compact" as const),
      revision: someRevision.filter((revision) => revision > 0),
    }),
  },
);
