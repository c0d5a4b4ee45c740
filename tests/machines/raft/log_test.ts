/** The log against an array that keeps everything. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  append,
  bytesBetween,
  compact,
  configurationAsOf,
  configurationOf,
  entriesFrom,
  entryAt,
  firstNew,
  has,
  isUpToDate,
  lastThatMayMatch,
  logOf,
  type RaftLog,
  termAt,
  truncate,
} from "../../../machines/raft/log.ts";
import type { LogEntry } from "../../../machines/raft/message.ts";

const nobody = { index: 0, term: 0, configuration: { voters: [], learners: [] } };
const entry = (index: number, term: number, size = 1): LogEntry => ({ index, term, size, configuration: null });
const ofTerms = (...terms: number[]) => logOf(nobody, terms.map((term, at) => entry(at + 1, term)));

type Change =
  | { readonly do: "append"; readonly count: number; readonly newTerm: boolean; readonly configures: boolean }
  | { readonly do: "truncate" | "compact"; readonly at: number };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    do: fc.constant("append" as const),
    count: fc.integer({ min: 0, max: 200 }),
    newTerm: fc.boolean(),
    configures: fc.boolean(),
  }),
  fc.record({
    do: fc.constantFrom("truncate" as const, "compact" as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
);

Deno.test("the log holds what an array of all its entries would, whatever is appended, cut off and forgotten", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      let log = logOf(nobody, []);
      let all: LogEntry[] = [];
      let base = 0;
      for (const each of changes) {
        if (each.do === "append") {
          const term = (all.at(-1)?.term ?? 0) + (each.newTerm ? 1 : 0);
          const more = Array.from({ length: each.count }, (_, at): LogEntry => ({
            index: all.length + 1 + at,
            term,
            size: at % 7,
            configuration: each.configures && at % 50 === 0 ? { voters: [`${all.length + at}`], learners: [] } : null,
          }));
          log = append(log, more);
          all = [...all, ...more];
        } else if (each.do === "truncate") {
          const from = base + 1 + Math.floor(each.at * (all.length - base + 1));
          log = truncate(log, from);
          all = all.slice(0, from - 1);
        } else {
          base += Math.floor(each.at * (all.length - base));
          log = compact(log, base);
        }
        compare(log, all, base);
      }
    }),
    { numRuns: 60 },
  );
});

function compare(log: RaftLog, all: readonly LogEntry[], base: number): void {
  assertEquals([log.base.index, log.last.index], [base, all.length]);
  assertEquals(entriesFrom(log, base + 1), all.slice(base));
  for (const index of [base, base + 1, all.length, all.length + 1]) {
    assertEquals(entryAt(log, index), index > base ? all[index - 1] : undefined);
    assertEquals(termAt(log, index), index === 0 ? 0 : index >= base ? all[index - 1]?.term : undefined);
  }
  const configured = all.findLast(({ configuration }) => configuration !== null)?.configuration ?? nobody.configuration;
  assertEquals(configurationOf(log).configuration, configured);
  const asOfBase = all.slice(0, base).findLast(({ configuration }) => configuration !== null)?.configuration;
  assertEquals(configurationAsOf(log, base).configuration, asOfBase ?? nobody.configuration);
  assertEquals(bytesBetween(log, base, all.length), all.slice(base).reduce((sum, { size }) => sum + size, 0));
}

Deno.test("the log is up to date by its last term first, then by its length", () => {
  const rows: [number[], { index: number; term: number }, boolean][] = [
    [[1, 1], { index: 2, term: 1 }, true],
    [[1, 1], { index: 1, term: 1 }, false],
    [[1, 1], { index: 1, term: 2 }, true],
    [[1, 2], { index: 9, term: 1 }, false],
    [[], { index: 0, term: 0 }, true],
  ];
  for (const [terms, last, expected] of rows) assertEquals(isUpToDate(ofTerms(...terms), last), expected);
});

Deno.test("the log tells where another log may agree, a term at a time", () => {
  const log = ofTerms(1, 1, 4, 4, 5, 5, 6, 6, 6);
  const rows: [index: number, term: number, found: number][] = [[9, 6, 9], [8, 5, 6], [7, 4, 4], [7, 3, 2], [3, 0, 0], [
    20,
    9,
    9,
  ]];
  for (const [index, term, found] of rows) assertEquals(lastThatMayMatch(log, index, term).index, found);
});

Deno.test("the log tells the first entry that it lacks or has differently", () => {
  const log = ofTerms(1, 1, 2);
  assertEquals(firstNew(log, [entry(2, 1), entry(3, 2)]), undefined);
  assertEquals(firstNew(log, [entry(2, 1), entry(3, 3)])?.index, 3);
  assertEquals(firstNew(log, [entry(4, 3)])?.index, 4);
});

Deno.test("the log refuses gaps, falling terms, and to forget what is in a snapshot", () => {
  assertThrows(() => append(ofTerms(1), [entry(3, 1)]), Error, "Cannot append entry 3 of term 1");
  assertThrows(() => append(ofTerms(2), [entry(2, 1)]), Error, "Cannot append entry 2 of term 1");
  assertThrows(() => truncate(compact(ofTerms(1, 1), 1), 1), Error, "Cannot remove entry 1");
});

Deno.test("the log gives entries up to so many bytes, and at least one", () => {
  const log = logOf(nobody, [entry(1, 1, 5), entry(2, 1, 5), entry(3, 1, 50)]);
  const counts = [1, 5, 10, 59, 60].map((bytes) => entriesFrom(log, 1, bytes).length);
  assertEquals(counts, [1, 1, 2, 2, 3]);
  assertEquals(has(log, { index: 3, term: 1 }), true);
});
