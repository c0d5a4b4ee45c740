import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseJsonPath, readJsonPath } from "../../../http/custom_resources/json_path.ts";
import type { JsonSchema } from "../../../http/custom_resources/json_schema.ts";
import { validateValue } from "../../../http/custom_resources/schema_validation.ts";
import { prune, setDefaults } from "../../../http/custom_resources/structure.ts";
import { copyJson } from "../../../machines/objects/json.ts";

const schema: JsonSchema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        a: { type: "string", default: "x" },
        n: { type: "integer", nullable: true },
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true, properties: { k: { type: "object" } } },
        list: { type: "array", items: { type: "object", properties: { v: { type: "integer", default: 1 } } } },
        map: { type: "object", additionalProperties: { type: "object", properties: { v: { type: "string" } } } },
        pod: { type: "object", "x-kubernetes-embedded-resource": true, properties: { spec: { type: "object" } } },
      },
    },
  },
};

const prunings: { given: object; left: object; removed: string[] }[] = [
  { given: { other: 1, metadata: { name: "a" } }, left: { metadata: { name: "a" } }, removed: ["other"] },
  { given: { spec: { z: 1, a: "b" } }, left: { spec: { a: "b" } }, removed: ["spec.z"] },
  {
    given: { spec: { free: { any: 1, k: { gone: 1 } } } },
    left: { spec: { free: { any: 1, k: {} } } },
    removed: ["spec.free.k.gone"],
  },
  { given: { spec: { list: [{ v: 1, w: 2 }] } }, left: { spec: { list: [{ v: 1 }] } }, removed: ["spec.list[0].w"] },
  {
    given: { spec: { map: { x: { v: "", w: 2 } } } },
    left: { spec: { map: { x: { v: "" } } } },
    removed: ["spec.map.x.w"],
  },
  {
    given: { spec: { pod: { kind: "Pod", metadata: {}, status: {} } } },
    left: { spec: { pod: { kind: "Pod", metadata: {} } } },
    removed: ["spec.pod.status"],
  },
];
for (const { given, left, removed } of prunings) {
  Deno.test(`pruning ${JSON.stringify(given)} removes ${removed.join()}`, () => {
    const object = copyJson(given) as Record<string, unknown>;
    assertEquals([prune(object, schema), object], [removed, left]);
  });
}

const defaults: { given: object; made: object }[] = [
  { given: { spec: {} }, made: { spec: { a: "x" } } },
  { given: { spec: { a: null, n: null } }, made: { spec: { a: "x", n: null } } },
  { given: { spec: { a: "y", list: [{}, { v: null }] } }, made: { spec: { a: "y", list: [{ v: 1 }, { v: 1 }] } } },
  { given: {}, made: {} },
];
for (const { given, made } of defaults) {
  Deno.test(`defaults make ${JSON.stringify(made)} of ${JSON.stringify(given)}`, () => {
    const object = copyJson(given);
    setDefaults(object, schema);
    assertEquals(object, made);
  });
}

Deno.test("pruning and defaults leave what they made as it is", () => {
  fc.assert(fc.property(fc.object({ key: fc.constantFrom("spec", "a", "list", "map", "free", "v", "z") }), (given) => {
    const once = copyJson(given) as Record<string, unknown>;
    prune(once, schema);
    setDefaults(once, schema);
    const twice = copyJson(once);
    assertEquals(prune(twice, schema), []);
    setDefaults(twice, schema);
    assertEquals(twice, once);
  }));
});

const judged: { schema: JsonSchema; value: unknown; says: string[] }[] = [
  { schema: { type: "string", maxLength: 2 }, value: "abc", says: ["Too long: may not be more than 2 bytes"] },
  {
    schema: { type: "string", pattern: "^a" },
    value: "b",
    says: ["Invalid value: \"b\": f in body should match '^a'"],
  },
  {
    schema: { type: "integer", multipleOf: 3 },
    value: 4,
    says: ["Invalid value: 4: f in body should be a multiple of 3"],
  },
  { schema: { type: "array", maxItems: 1 }, value: [1, 2], says: ["Too many: 2: must have at most 1 item"] },
  { schema: { type: "number" }, value: 1, says: [] },
  {
    schema: { type: "integer" },
    value: 1.5,
    says: ['Invalid value: "number": f in body must be of type integer: "number"'],
  },
  { schema: { type: "string", nullable: true }, value: null, says: [] },
  {
    schema: { oneOf: [{ type: "string" }, { type: "integer" }] },
    value: true,
    says: [
      'Invalid value: true: "f" must validate one and only one schema (oneOf). Found none valid',
      'Invalid value: "boolean": f in body must be of type string: "boolean"',
      'Invalid value: "boolean": f in body must be of type integer: "boolean"',
    ],
  },
  {
    schema: { not: { type: "string" } },
    value: "a",
    says: ['Invalid value: "a": "f" must not validate the schema (not)'],
  },
];
for (const { schema, value, says } of judged) {
  Deno.test(`${JSON.stringify(value)} against ${JSON.stringify(schema)} says ${says.join("; ") || "nothing"}`, () => {
    assertEquals(validateValue(value, schema, "f").map(({ message }) => message), says);
  });
}

const paths: { path: string; found: unknown[] }[] = [
  { path: ".spec.a", found: [1] },
  { path: ".spec['x.y']", found: [2] },
  { path: ".spec.x\\.y", found: [2] },
  { path: ".list[1].v", found: ["b"] },
  { path: ".list[*].v", found: ["a", "b"] },
  { path: '.list[?(@.v=="b")].w', found: [9] },
  { path: ".nowhere.at.all", found: [] },
];
for (const { path, found } of paths) {
  Deno.test(`the path ${path} leads to ${JSON.stringify(found)}`, () => {
    const value = { spec: { a: 1, "x.y": 2 }, list: [{ v: "a" }, { v: "b", w: 9 }] };
    assertEquals(readJsonPath(value, parseJsonPath(path)!), found);
  });
}
