import { assertEquals } from "@std/assert";
import { isEqual, statusPatch } from "../../../machines/pod/status_patch.ts";

const cases: { name: string; before: unknown; after: unknown; patch: unknown }[] = [
  {
    name: "is nothing when nothing changed",
    before: { phase: "Running" },
    after: { phase: "Running" },
    patch: undefined,
  },
  {
    name: "names what changed and empties what is gone",
    before: { phase: "Pending", reason: "x" },
    after: { phase: "Running" },
    patch: { phase: "Running", reason: null },
  },
  {
    name: "empties fields of a condition",
    before: { conditions: [{ type: "Ready", status: "False", reason: "No" }, { type: "Other", status: "True" }] },
    after: { conditions: [{ type: "Ready", status: "True" }, { type: "Other", status: "True" }] },
    patch: { conditions: [{ type: "Ready", status: "True", reason: null }] },
  },
  {
    name: "takes an old address out of its list",
    before: { podIPs: [{ ip: "1" }] },
    after: { podIPs: [{ ip: "2" }] },
    patch: { podIPs: [{ ip: "1", $patch: "delete" }, { ip: "2" }] },
  },
  {
    name: "replaces container statuses as a whole",
    before: { containerStatuses: [{ name: "a", ready: false }, { name: "b", ready: false }] },
    after: { containerStatuses: [{ name: "a", ready: true }, { name: "b", ready: false }] },
    patch: { containerStatuses: [{ name: "a", ready: true }, { name: "b", ready: false }] },
  },
];
for (const { name, before, after, patch } of cases) {
  Deno.test(`statusPatch ${name}`, () => assertEquals(statusPatch(before as never, after as never) as unknown, patch));
}

Deno.test("isEqual takes absent and null for the same and minds no order of fields", () => {
  assertEquals(isEqual({ a: 1, b: null }, { a: 1 }), true);
  assertEquals(isEqual({ a: [1, { c: 1, d: 2 }] }, { a: [1, { d: 2, c: 1 }] }), true);
  assertEquals(isEqual({ a: [] }, { a: {} }), false);
});
