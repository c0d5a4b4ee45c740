import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { linearize, type Operation, type SequentialSpec } from "../../../machines/check/linearize.ts";

type Call = { key: string; write?: number };
type Answer = number;
type Seen = Operation<Call, Answer>;

/** Registers by key; a write is answered with 0. */
const registers: SequentialSpec<Record<string, number>, Call, Answer> = {
  init: {},
  apply: (state, { key, write }) =>
    write === undefined ? { state, answer: state[key] ?? 0 } : { state: { ...state, [key]: write }, answer: 0 },
};

const write = (value: number, calledAt: number, answeredAt?: number, key = "x"): Seen => ({
  call: { key, write: value },
  calledAt,
  ...(answeredAt === undefined ? {} : { answeredAt, answer: 0 }),
});
const read = (value: number, calledAt: number, answeredAt: number, key = "x"): Seen => ({
  call: { key },
  calledAt,
  answer: value,
  answeredAt,
});

const cases: { name: string; operations: Seen[]; verdict: string }[] = [
  { name: "nothing at all", operations: [], verdict: "linearizable" },
  { name: "a read after a write", operations: [write(1, 1, 2), read(1, 3, 4)], verdict: "linearizable" },
  { name: "a read that missed a write before it", operations: [write(1, 1, 2), read(0, 3, 4)], verdict: "impossible" },
  { name: "a read beside a write, before it", operations: [write(1, 1, 4), read(0, 2, 3)], verdict: "linearizable" },
  { name: "a read beside a write, after it", operations: [write(1, 1, 4), read(1, 2, 3)], verdict: "linearizable" },
  {
    name: "reads beside a write that go back",
    operations: [write(1, 1, 6), read(1, 2, 3), read(0, 4, 5)],
    verdict: "impossible",
  },
  { name: "an open write that was seen", operations: [write(1, 1), read(1, 2, 3)], verdict: "linearizable" },
  { name: "an open write that was not seen", operations: [write(1, 1), read(0, 2, 3)], verdict: "linearizable" },
  {
    name: "an open write, seen and gone",
    operations: [write(1, 1), read(1, 2, 3), read(0, 4, 5)],
    verdict: "impossible",
  },
  {
    name: "two keys of which one goes wrong",
    operations: [write(1, 1, 2), write(2, 3, 4, "y"), read(1, 5, 6), read(0, 7, 8, "y")],
    verdict: "impossible",
  },
];
for (const { name, operations, verdict } of cases) {
  Deno.test(`linearize finds ${verdict}: ${name}`, () => {
    assertEquals(linearize(operations, registers).verdict, verdict);
    assertEquals(linearize(operations, { ...registers, part: ({ key }) => key }).verdict, verdict);
  });
}

Deno.test("linearize says that it does not know rather than search for ever", () => {
  const operations = Array.from({ length: 12 }, (_, index) => write(index, index, 100 + index));
  assertEquals(linearize([...operations, read(50, 200, 201)], registers, 100).verdict, "unknown");
});

Deno.test("linearize names an order that explains what was seen", () => {
  const { orders } = linearize([read(2, 1, 6), write(2, 2, 5), write(1, 3, 4)], registers);
  assertEquals(orders.length, 1);
  const values = orders[0]!.map((index) => ["read 2", "write 2", "write 1"][index]);
  assertEquals(values.indexOf("read 2"), values.indexOf("write 2") + 1);
});

/** Tries every order of every choice of open operations. */
function tryEverything(operations: readonly Seen[]): boolean {
  const goOn = (left: readonly Seen[], state: Record<string, number>): boolean => {
    if (left.every(({ answeredAt }) => answeredAt === undefined)) return true;
    return left.some((operation) => {
      if (left.some(({ answeredAt = Infinity }) => answeredAt < operation.calledAt)) return false;
      const after = registers.apply(state, operation.call);
      if (operation.answeredAt !== undefined && after.answer !== operation.answer) return false;
      return goOn(left.filter((other) => other !== operation), after.state);
    });
  };
  return goOn(operations, registers.init);
}

Deno.test("linearize agrees with trying everything", () => {
  const operation = fc.record({
    at: fc.nat(9),
    takes: fc.nat(6),
    write: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
    read: fc.nat(2),
    isOpen: fc.boolean(),
  });
  const verdicts: Record<string, number> = {};
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 5 }), (drawn) => {
      const operations = drawn.map((each, index): Seen => {
        const calledAt = each.at + index / 10;
        const answeredAt = calledAt + each.takes + 0.05;
        if (each.write === undefined) return read(each.read, calledAt, answeredAt);
        return each.isOpen ? write(each.write, calledAt) : write(each.write, calledAt, answeredAt);
      });
      const { verdict } = linearize(operations, registers);
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      assertEquals(verdict, tryEverything(operations) ? "linearizable" : "impossible");
    }),
    { numRuns: 500, seed: 3 },
  );
  assertEquals(Object.values(verdicts).every((count) => count > 50), true, JSON.stringify(verdicts));
});
