import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareFields, difference, formatFieldSet, parseFieldSet } from "../../../machines/objects/field_set.ts";
import type { FieldType } from "../../../machines/objects/field_type.ts";
import { firstFields } from "../../../machines/objects/first_fields.ts";
import type { JsonObject } from "../../../machines/objects/json.ts";

const names = ["a", "b", "c", "metadata", "z"];
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, undefined, 0, "", "x", true),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names), tie("value"), { maxKeys: 4 }),
  ),
}));

const { type } = fc.letrec<{ type: FieldType | undefined }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4 },
    fc.constant(undefined),
    fc.record({
      kind: fc.constantFrom("struct", "map", "list", "scalar", "any"),
      atomic: fc.boolean(),
      listType: fc.constantFrom("atomic", "set", "map"),
      listMapKeys: fc.constant(["a"]),
      zero: fc.constantFrom("struct", "null"),
      items: tie("type"),
      members: fc.array(tie("type"), { minLength: names.length, maxLength: names.length }),
    }, { requiredKeys: ["kind", "atomic", "items", "members"] })
      .map(({ members, ...rest }) =>
        ({ ...rest, field: (name: string) => members[names.indexOf(name)] }) as unknown as FieldType
      ),
  ),
}));
const fieldSet = json.map((value) => parseFieldSet(value));

Deno.test("firstFields is what comparing with an empty object says, written down", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), json), type, fieldSet, (object, of, without) => {
      // An object as a whole is no list, no scalar and never owned as one.
      const whole = of === undefined ? undefined : { ...of, kind: "struct" as const, atomic: false };
      const { changed } = compareFields({ metadata: {} }, object, whole);
      const expected = formatFieldSet(difference(changed, { self: false, members: without.members }));
      assertEquals(firstFields(object as JsonObject, whole, { self: false, members: without.members }, []), expected);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("firstFields leaves out members that a create does not change", () => {
  assertEquals(firstFields({ spec: { a: 1 }, status: { b: 1 } }, undefined, parseFieldSet({ "f:x": {} }), ["status"]), {
    "f:spec": { ".": {}, "f:a": {} },
  });
});
