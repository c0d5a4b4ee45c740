import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  formatSelector,
  type LabelSelector,
  matchesLabels,
  matchesSelector,
  parseLabelSelector,
  SelectorError,
} from "../../../machines/objects/label_selector.ts";

const parsed: { text: string; selector: LabelSelector }[] = [
  { text: "", selector: [] },
  { text: "a=b", selector: [{ key: "a", operator: "=", values: ["b"] }] },
  {
    text: "a==b,c!=d",
    selector: [
      { key: "a", operator: "=", values: ["b"] },
      { key: "c", operator: "!=", values: ["d"] },
    ],
  },
  {
    text: " a in ( x , y ) , !b, c",
    selector: [
      { key: "a", operator: "in", values: ["x", "y"] },
      { key: "b", operator: "!", values: [] },
      { key: "c", operator: "exists", values: [] },
    ],
  },
  { text: "e.com/a notin (x)", selector: [{ key: "e.com/a", operator: "notin", values: ["x"] }] },
  {
    text: "a>1,b<2",
    selector: [
      { key: "a", operator: "gt", values: ["1"] },
      { key: "b", operator: "lt", values: ["2"] },
    ],
  },
  { text: "a=", selector: [{ key: "a", operator: "=", values: [""] }] },
  { text: "a in (,x)", selector: [{ key: "a", operator: "in", values: ["", "x"] }] },
  { text: "in in (in)", selector: [{ key: "in", operator: "in", values: ["in"] }] },
];
for (const { text, selector } of parsed) {
  Deno.test(`parseLabelSelector reads "${text}"`, () => assertEquals(parseLabelSelector(text), selector));
}

const refused: { text: string; message: string }[] = [
  { text: "a!!b", message: "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt" },
  { text: ",a", message: "found ',', expected: !, identifier, or 'end of string'" },
  { text: "a,", message: "found '', expected: identifier after ','" },
  { text: "a in x", message: "unable to parse requirement: found 'x', expected: '('" },
  { text: "a=b c", message: "found 'c', expected: ',' or 'end of string'" },
];
for (const { text, message } of refused) {
  Deno.test(`parseLabelSelector refuses "${text}" in Kubernetes' words`, () => {
    assertEquals(assertThrows(() => parseLabelSelector(text), SelectorError).message, message);
  });
}

const word = fc.constantFrom("a", "b", "c");
const value = fc.constantFrom("", "1", "2", "x");
const labels = fc.dictionary(word, value);
const requirement = fc.oneof(
  fc.record({
    key: word,
    operator: fc.constantFrom("in" as const, "notin" as const),
    values: fc.uniqueArray(value, { minLength: 1 }),
  }),
  fc.record({
    key: word,
    operator: fc.constantFrom("exists" as const, "!" as const),
    values: fc.constant<string[]>([]),
  }),
);

Deno.test("matchesLabels agrees with the obvious reading of every requirement", () => {
  fc.assert(fc.property(fc.array(requirement), labels, (selector, labels) => {
    const obvious = selector.every(({ key, operator, values }) => {
      const present = Object.keys(labels).includes(key);
      const among = present && values.includes(labels[key]!);
      return { in: among, notin: !among, exists: present, "!": !present }[operator];
    });
    assertEquals(matchesLabels(selector, labels), obvious);
  }));
});

Deno.test("formatSelector is read back as what selects the same", () => {
  fc.assert(fc.property(fc.array(requirement), labels, (selector, labels) => {
    assertEquals(matchesLabels(parseLabelSelector(formatSelector(selector)), labels), matchesLabels(selector, labels));
  }));
});

Deno.test("matchesSelector of an absent selector matches nothing, of an empty one everything", () => {
  assertEquals([matchesSelector(undefined, {}), matchesSelector({}, {})], [false, true]);
});
