import { assertEquals } from "@std/assert";
import { customFieldType } from "../../../http/schema/custom_field_types.ts";
import { customOpenapiV3 } from "../../../http/schema/custom_openapi.ts";

const schema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        size: { type: "integer" },
        port: { "x-kubernetes-int-or-string": true },
        tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" as const },
        items: {
          type: "array",
          "x-kubernetes-list-type": "map" as const,
          "x-kubernetes-list-map-keys": ["k", "p"],
          items: { type: "object", properties: { k: { type: "string" }, p: { type: "string", default: "TCP" } } },
        },
        extra: { type: "object", additionalProperties: { type: "integer" } },
        whole: { type: "object", "x-kubernetes-map-type": "atomic" as const, properties: { a: { type: "string" } } },
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        pod: { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
      },
    },
  },
};

const rows: { path: string; wanted: Record<string, unknown> }[] = [
  { path: "spec", wanted: { kind: "struct", atomic: false } },
  { path: "spec.size", wanted: { kind: "scalar" } },
  { path: "spec.port", wanted: { kind: "scalar" } },
  { path: "spec.tags", wanted: { kind: "list", listType: "set" } },
  { path: "spec.items", wanted: { listType: "map", listMapKeys: ["k", "p"], keyDefaults: { p: "TCP" } } },
  { path: "spec.extra", wanted: { kind: "map" } },
  { path: "spec.whole", wanted: { kind: "struct", atomic: true } },
  { path: "spec.free", wanted: { kind: "any" } },
  { path: "spec.pod.metadata.labels", wanted: { kind: "map" } },
  { path: "metadata.finalizers", wanted: { listType: "set" } },
  { path: "apiVersion", wanted: { kind: "scalar" } },
];
for (const { path, wanted } of rows) {
  Deno.test(`the type of ${path} of a custom resource is as its structural schema says`, () => {
    const type = path.split(".").reduce<ReturnType<typeof customFieldType> | undefined>(
      (parent, name) => parent?.field(name),
      customFieldType(schema),
    );
    assertEquals(Object.fromEntries(Object.keys(wanted).map((key) => [key, type?.[key as "kind"]])), wanted);
  });
}

Deno.test("a document of custom kinds has their paths, their kinds and what they refer to", () => {
  const document = customOpenapiV3("sc.example.com", "v1", [{
    kind: "Widget",
    listKind: "WidgetList",
    plural: "widgets",
    namespaced: true,
    schema,
    subresources: ["status", "scale"],
  }]) as {
    paths: Record<string, Record<string, { operationId?: string }>>;
    components: { schemas: Record<string, Record<string, unknown>> };
  };
  const collection = "/apis/sc.example.com/v1/namespaces/{namespace}/widgets";
  assertEquals(Object.keys(document.paths), [
    collection,
    `${collection}/{name}`,
    `${collection}/{name}/status`,
    `${collection}/{name}/scale`,
    "/apis/sc.example.com/v1/widgets",
  ]);
  assertEquals(document.paths[collection]?.post?.operationId, "createScExampleComV1NamespacedWidget");
  const { schemas } = document.components;
  const widget = schemas["com.example.sc.v1.Widget"];
  assertEquals(widget?.["x-kubernetes-group-version-kind"], [{
    group: "sc.example.com",
    kind: "Widget",
    version: "v1",
  }]);
  assertEquals(Object.keys(widget?.properties as object), ["spec", "apiVersion", "kind", "metadata"]);
  for (const [, name = ""] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    assertEquals([name, Object.hasOwn(schemas, name)], [name, true]);
  }
});
