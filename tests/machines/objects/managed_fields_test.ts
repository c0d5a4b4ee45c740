import { assertEquals } from "@std/assert";
import { applyConfiguration, fieldsAfterUpdate, type Manager } from "../../../machines/objects/managed_fields.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";

const now = "2026-01-01T00:00:00Z";
const manager = (name: string, operation: "Apply" | "Update"): Manager => ({
  name,
  operation,
  apiVersion: "v1",
  subresource: "",
  now,
});
const map = (data: Record<string, string>) =>
  ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data }) as unknown as KubeObject;
const options = { force: false, unowned: [] };

function updated(live: KubeObject | undefined, next: KubeObject, name: string): KubeObject {
  const managedFields = fieldsAfterUpdate(live, next, undefined, manager(name, "Update"), []);
  return { ...next, metadata: { ...next.metadata, managedFields } };
}

function applied(live: KubeObject | undefined, configuration: KubeObject, name: string, force = false) {
  return applyConfiguration(live, configuration, undefined, manager(name, "Apply"), { ...options, force });
}

Deno.test("an applied configuration that leaves a field out removes it, if nobody else owns it", () => {
  const first = applied(undefined, map({ a: "1", b: "2" }), "one").object;
  const shared = applied(first, map({ b: "2" }), "two").object;
  assertEquals(applied(shared, map({}), "one").object.data, { b: "2" });
});

Deno.test("a field of another owner is a conflict unless it is the same or forced", () => {
  const first = updated(undefined, map({ a: "1" }), "editor");
  assertEquals(applied(first, map({ a: "2" }), "one").conflicts, [{ owner: '"editor" using v1', path: ".data.a" }]);
  assertEquals(applied(first, map({ a: "1" }), "one").conflicts, []);
  const forced = applied(first, map({ a: "2" }), "one", true).object;
  assertEquals(forced.data, { a: "2" });
  assertEquals(applied(forced, map({ a: "3" }), "two").conflicts[0]?.owner, '"one"');
});

Deno.test("taking over what an update made as an applier keeps what the configuration still names", () => {
  const edited = updated(undefined, map({ k: "w", gone: "x" }), "kubectl-client-side-apply");
  // kubectl makes the updater's entry its own applier's, and applies again.
  const managedFields = edited.metadata.managedFields!.map((entry) => ({
    ...entry,
    manager: "me",
    operation: "Apply",
  }));
  const migrated = { ...edited, metadata: { ...edited.metadata, managedFields } };
  assertEquals(applied(migrated, map({ k: "w" }), "me").object.data, { k: "w" });
});

Deno.test("an update takes what it changes from its owner, and what it removes from everybody", () => {
  const first = applied(undefined, map({ a: "1", b: "2" }), "one").object;
  const next = updated(first, { ...first, data: { a: "9" } }, "editor");
  assertEquals(next.metadata.managedFields?.map(({ manager, fieldsV1 }) => [manager, fieldsV1]), [
    ["one", { "f:data": {} }],
    ["editor", { "f:data": { "f:a": {} } }],
  ]);
});

Deno.test("applying the same again changes nothing", () => {
  const first = applied(undefined, map({ a: "1" }), "one").object;
  assertEquals(applied(first, map({ a: "1" }), "one").object, first);
});
