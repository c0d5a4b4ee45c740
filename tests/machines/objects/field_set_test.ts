import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  compareFields,
  difference,
  fieldsOf,
  formatFieldSet,
  intersection,
  isEmptySet,
  mergeApplied,
  parseFieldSet,
  pathsOf,
  sameSet,
  union,
} from "../../../machines/objects/field_set.ts";
import { parseFieldSelector } from "../../../machines/objects/field_selector.ts";
import { generatedName } from "../../../machines/objects/generate_name.ts";

const { node } = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    fc.constant({}),
    fc.dictionary(fc.constantFrom(".", "f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'), tie("node"), {
      minKeys: 1,
      maxKeys: 3,
    }),
  ),
}));
const set = node.map((json) => parseFieldSet(clean(json)));

/** The dot stands for the path itself and holds nothing. */
function clean(json: unknown): unknown {
  return Object.fromEntries(
    Object.entries(json as object).map(([key, value]) => [key, key === "." ? {} : clean(value)]),
  );
}

Deno.test("a field set survives being written and read", () => {
  fc.assert(fc.property(set, (fields) => assert(sameSet(parseFieldSet(formatFieldSet(fields)), fields))));
});

Deno.test("field sets obey the laws of sets", () => {
  fc.assert(fc.property(set, set, (a, b) => {
    const paths = (fields: typeof a) => new Set(pathsOf(fields, "."));
    const left = paths(a), right = paths(b);
    assertEquals(paths(union(a, b)), left.union(right));
    assertEquals(paths(intersection(a, b)), left.intersection(right));
    assertEquals(paths(difference(a, b)), left.difference(right));
    assert(isEmptySet(difference(a, a)) || !a.self);
  }));
});

const value = fc.dictionary(
  fc.constantFrom("a", "b", "c"),
  fc.oneof(fc.integer({ min: 0, max: 2 }), fc.dictionary(fc.constantFrom("d", "e"), fc.integer({ min: 0, max: 2 }))),
);

Deno.test("a value compared with itself has no changes, and an applied one then has all it names", () => {
  fc.assert(fc.property(value, value, (live, applied) => {
    const same = compareFields(live, live, undefined);
    assert(isEmptySet(same.changed) && isEmptySet(same.removed));
    const merged = mergeApplied(live, applied, undefined);
    const { changed } = compareFields(applied, merged, undefined);
    assert(isEmptySet(intersection(changed, fieldsOf(applied, undefined))));
  }));
});

Deno.test("generatedName keeps a name within 63 characters", () => {
  fc.assert(fc.property(fc.string(), fc.double({ min: 0, max: 0.999, noNaN: true }), (prefix, draw) => {
    const name = generatedName(prefix, () => draw);
    assert(name.length <= 63 && name.startsWith(prefix.slice(0, 58)));
  }));
});

Deno.test("parseFieldSelector unescapes values", () => {
  assertEquals(parseFieldSelector("a=b\\,c,d!=e\\=f"), [
    { field: "a", equal: true, value: "b,c" },
    { field: "d", equal: false, value: "e=f" },
  ]);
});
