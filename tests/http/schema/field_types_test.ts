import { assertEquals } from "@std/assert";
import type { FieldType } from "../../../machines/objects/field_type.ts";
import { loadSchema } from "../../../http/schema/schema.ts";

const { typeOf } = loadSchema();

/** Walks `spec.containers[].env`: `[]` is an item, `{}` a map's value. */
function at(gvk: string, path: string): FieldType | undefined {
  const [group = "", version = "", kind = ""] = gvk.split("/");
  let type = typeOf({ group, version, kind });
  for (const step of path.match(/\w+|\[\]|\{\}/g) ?? []) {
    type = step === "[]" || step === "{}" ? type?.items : type?.field(step);
  }
  return type;
}

const rows: { gvk: string; path: string; wanted: Partial<FieldType> }[] = [
  {
    gvk: "/v1/Pod",
    path: "spec.containers",
    wanted: { kind: "list", patchStrategies: ["merge"], patchMergeKey: "name", listType: "map", listMapKeys: ["name"] },
  },
  {
    gvk: "apps/v1/Deployment",
    path: "spec.template.spec.containers[].ports",
    wanted: {
      patchMergeKey: "containerPort",
      listMapKeys: ["containerPort", "protocol"],
      keyDefaults: { containerPort: 0, protocol: "TCP" },
    },
  },
  { gvk: "/v1/Pod", path: "spec.volumes", wanted: { patchStrategies: ["merge", "retainKeys"], patchMergeKey: "name" } },
  {
    gvk: "apps/v1/Deployment",
    path: "spec.strategy",
    wanted: { kind: "struct", patchStrategies: ["retainKeys"], zero: "struct" },
  },
  {
    gvk: "/v1/Pod",
    path: "spec.containers[].command",
    wanted: { kind: "list", listType: "atomic", patchStrategies: [] },
  },
  { gvk: "/v1/Pod", path: "metadata.finalizers", wanted: { listType: "set", patchStrategies: ["merge"] } },
  { gvk: "/v1/Pod", path: "metadata.labels", wanted: { kind: "map", atomic: false } },
  { gvk: "/v1/Pod", path: "metadata.labels{}", wanted: { kind: "scalar" } },
  { gvk: "/v1/Pod", path: "spec.nodeSelector", wanted: { kind: "map", atomic: true } },
  { gvk: "/v1/Service", path: "spec.selector", wanted: { kind: "map", atomic: true } },
  { gvk: "apps/v1/ReplicaSet", path: "spec.selector", wanted: { kind: "struct", atomic: true } },
  { gvk: "/v1/Pod", path: "spec.containers[].resources", wanted: { kind: "struct", zero: "struct" } },
  { gvk: "/v1/Pod", path: "spec.containers[].resources.limits{}", wanted: { kind: "scalar" } },
  { gvk: "/v1/Pod", path: "spec.containers[].livenessProbe.httpGet.port", wanted: { kind: "scalar" } },
  { gvk: "/v1/Event", path: "eventTime", wanted: { kind: "scalar", zero: "null" } },
  { gvk: "apps/v1/ControllerRevision", path: "data", wanted: { kind: "any", zero: "null" } },
  {
    gvk: "apiextensions.k8s.io/v1/CustomResourceDefinition",
    path: "spec.versions[].schema.openAPIV3Schema.properties{}.properties{}",
    wanted: { kind: "struct" },
  },
];
for (const { gvk, path, wanted } of rows) {
  Deno.test(`the type of ${gvk} ${path} is as its schema says`, () => {
    const type = at(gvk, path);
    assertEquals(Object.fromEntries(Object.keys(wanted).map((key) => [key, type?.[key as keyof FieldType]])), wanted);
  });
}

Deno.test("fields and kinds that are not declared have no type", () => {
  assertEquals(at("/v1/Pod", "spec.nope"), undefined);
  assertEquals(at("/v1/Pod", "spec.toString"), undefined);
  assertEquals(typeOf({ group: "e.com", version: "v1", kind: "Widget" }), undefined);
});

Deno.test("a type that contains itself has its fields at any depth", () => {
  let type = at("apiextensions.k8s.io/v1/CustomResourceDefinition", "spec.versions[].schema.openAPIV3Schema");
  for (let depth = 0; depth < 5; depth++) type = type?.field("properties")?.items;
  assertEquals(type?.field("maxLength")?.kind, "scalar");
});
