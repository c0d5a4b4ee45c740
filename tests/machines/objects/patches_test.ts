import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { FieldType } from "../../../machines/objects/field_type.ts";
import { isObject, jsonEquals, type JsonObject } from "../../../machines/objects/json.ts";
import { jsonPatch } from "../../../machines/objects/json_patch.ts";
import { mergePatch } from "../../../machines/objects/merge_patch.ts";
import { PatchError } from "../../../machines/objects/patch_error.ts";
import { strategicMergePatch } from "../../../machines/objects/strategic_merge_patch.ts";

const scalar = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom("x", "y"), fc.boolean());
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: "small" }, scalar, fc.array(scalar, { maxLength: 3 }), tie("object")),
  object: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("tree"), { maxKeys: 3, noNullPrototype: true }),
}));
const object = fc.dictionary(fc.constantFrom("a", "b", "c"), tree, {
  maxKeys: 3,
  noNullPrototype: true,
}) as fc.Arbitrary<JsonObject>;

/** The merge patch that turns one value into another. */
function patchBetween(from: unknown, to: unknown): unknown {
  if (!isObject(from) || !isObject(to)) return to;
  const patch: JsonObject = {};
  for (const key of Object.keys(from)) if (!(key in to)) patch[key] = null;
  for (const key of Object.keys(to)) {
    if (!(key in from) || !jsonEquals(from[key], to[key])) patch[key] = patchBetween(from[key], to[key]);
  }
  return patch;
}

Deno.test("mergePatch with the difference of two values makes one of the other", () => {
  fc.assert(fc.property(object, object, (from, to) => {
    assertEquals(mergePatch(from, patchBetween(from, to)), to);
  }));
});

Deno.test("mergePatch twice is mergePatch once, and changes nobody's value", () => {
  fc.assert(fc.property(object, object, (target, patch) => {
    const before = structuredClone(target);
    const once = mergePatch(target, patch);
    assertEquals(mergePatch(once, patch), once);
    assertEquals(target, before);
  }));
});

const jsonCases: { name: string; target: unknown; patch: unknown; result: unknown }[] = [
  {
    name: "adds to a list's end",
    target: { a: [1] },
    patch: [{ op: "add", path: "/a/-", value: 2 }],
    result: { a: [1, 2] },
  },
  {
    name: "inserts into a list",
    target: { a: [1, 3] },
    patch: [{ op: "add", path: "/a/1", value: 2 }],
    result: { a: [1, 2, 3] },
  },
  {
    name: "unescapes paths",
    target: { "a/b": { "c~d": 1 } },
    patch: [{ op: "remove", path: "/a~1b/c~0d" }],
    result: { "a/b": {} },
  },
  { name: "moves", target: { a: 1 }, patch: [{ op: "move", from: "/a", path: "/b" }], result: { b: 1 } },
  {
    name: "adds a member that replace does not find",
    target: {},
    patch: [{ op: "replace", path: "/a", value: 1 }],
    result: { a: 1 },
  },
  {
    name: "takes an absent member for null in a test",
    target: {},
    patch: [{ op: "test", path: "/a", value: null }],
    result: {},
  },
];
for (const { name, target, patch, result } of jsonCases) {
  Deno.test(`jsonPatch ${name}`, () => assertEquals(jsonPatch(target, patch), result));
}

for (
  const patch of [[{ op: "remove", path: "/a" }], [{ op: "add", path: "/x/y", value: 1 }], [{ op: "nope", path: "/a" }]]
) {
  Deno.test(`jsonPatch refuses ${JSON.stringify(patch)} and leaves the value alone`, () => {
    const target = { b: 1 };
    assertEquals(assertThrows(() => jsonPatch(target, patch), PatchError).code, 422);
    assertEquals(target, { b: 1 });
  });
}

const scalarType = type("scalar");
const byName = type("list", { patchStrategies: ["merge"], patchMergeKey: "name", items: type("any") });
const set = type("list", { patchStrategies: ["merge"], items: scalarType });
const root = type("struct", {
  field: (name) =>
    ({ items: byName, words: set, plain: type("list"), spec: type("struct", { patchStrategies: ["retainKeys"] }) })[
      name
    ],
});

function type(kind: FieldType["kind"], rest: Partial<FieldType> = {}): FieldType {
  return { kind, field: () => undefined, patchStrategies: [], listMapKeys: [], atomic: false, ...rest };
}

const strategicCases: { name: string; target: JsonObject; patch: JsonObject; result: JsonObject }[] = [
  {
    name: "merges elements by their key",
    target: { items: [{ name: "a", x: 1 }, { name: "b" }] },
    patch: { items: [{ name: "a", y: 2 }, { name: "c" }] },
    // What the patch names comes in its order, new elements before others that stood behind.
    result: { items: [{ name: "a", x: 1, y: 2 }, { name: "c" }, { name: "b" }] },
  },
  {
    name: "deletes an element",
    target: { items: [{ name: "a" }, { name: "b" }] },
    patch: { items: [{ name: "a", $patch: "delete" }] },
    result: { items: [{ name: "b" }] },
  },
  {
    name: "replaces a list",
    target: { items: [{ name: "a" }, { name: "b" }] },
    patch: { items: [{ $patch: "replace" }, { name: "c" }] },
    result: { items: [{ name: "c" }] },
  },
  {
    name: "orders a list it does not otherwise touch",
    target: { items: [{ name: "a" }, { name: "b" }] },
    patch: { "$setElementOrder/items": [{ name: "b" }, { name: "a" }] },
    result: { items: [{ name: "b" }, { name: "a" }] },
  },
  {
    name: "unites sets and deletes from them",
    target: { words: ["a", "b"] },
    patch: { words: ["c"], "$deleteFromPrimitiveList/words": ["a"] },
    result: { words: ["c", "b"] },
  },
  {
    name: "replaces a list without a strategy",
    target: { plain: [1, 2] },
    patch: { plain: [3] },
    result: { plain: [3] },
  },
  {
    name: "drops what retainKeys does not name",
    target: { spec: { type: "A", a: 1 } },
    patch: { spec: { $retainKeys: ["type"], type: "B" } },
    result: { spec: { type: "B" } },
  },
  {
    name: "deletes by null",
    target: { spec: { a: 1, b: 2 } },
    patch: { spec: { a: null } },
    result: { spec: { b: 2 } },
  },
];
for (const { name, target, patch, result } of strategicCases) {
  Deno.test(`strategicMergePatch ${name}`, () => {
    const before = structuredClone(target);
    assertEquals(strategicMergePatch(target, patch, root), result);
    assertEquals(target, before);
  });
}

const element = fc.record({ name: fc.constantFrom("a", "b", "c", "d"), x: fc.option(scalar, { nil: undefined }) }, {
  requiredKeys: ["name"],
});
const keyed = fc.uniqueArray(element, { selector: ({ name }) => name });

Deno.test("strategicMergePatch keeps every element, merges by key and is idempotent", () => {
  fc.assert(fc.property(keyed, keyed, (items, patch) => {
    const once = strategicMergePatch({ items }, { items: patch }, root) as { items: { name: string }[] };
    const names = once.items.map(({ name }) => name);
    assertEquals(new Set(names), new Set([...items, ...patch].map(({ name }) => name)));
    assertEquals(names.length, new Set(names).size);
    assertEquals(strategicMergePatch(once, { items: patch }, root), once);
  }));
});

Deno.test("strategicMergePatch without lists is mergePatch", () => {
  const plain = { noNullPrototype: true };
  const flat = fc.dictionary(
    fc.constantFrom("a", "b"),
    fc.oneof(scalar, fc.dictionary(fc.constantFrom("c", "d"), scalar, plain)),
    plain,
  );
  fc.assert(fc.property(flat, flat, (target, patch) => {
    assertEquals(strategicMergePatch(target, patch, undefined), mergePatch(target, patch) as JsonObject);
  }));
});
