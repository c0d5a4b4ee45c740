import { assertEquals } from "@std/assert";
import protobuf from "protobufjs";
import { openapiV2 } from "../../../http/schema/openapi_v2.ts";
import { openapiV2Protobuf } from "../../../http/schema/openapi_v2_protobuf.ts";

/** The part of gnostic's OpenAPIv2.proto that the test reads back. */
const { root } = protobuf.parse(
  `syntax = "proto3";
  message Document { string swagger = 1; Paths paths = 8; Definitions definitions = 9; }
  message Paths { repeated NamedPathItem path = 2; }
  message NamedPathItem { string name = 1; PathItem value = 2; }
  message PathItem { Operation get = 2; Operation post = 4; Operation patch = 8; repeated ParametersItem parameters = 9; }
  message Operation { string operation_id = 5; repeated ParametersItem parameters = 8; repeated NamedAny vendor_extension = 13; }
  message ParametersItem { Parameter parameter = 1; }
  message Parameter { BodyParameter body = 1; NonBodyParameter other = 2; }
  message BodyParameter { string name = 2; Schema schema = 5; }
  message NonBodyParameter { Query query = 3; Path path = 4; }
  message Query { string in = 2; string name = 4; string type = 6; }
  message Path { bool required = 1; string in = 2; string name = 4; string type = 5; }
  message Definitions { repeated NamedSchema additional_properties = 1; }
  message NamedSchema { string name = 1; Schema value = 2; }
  message Schema {
    string _ref = 1; string description = 4; repeated string required = 19; AdditionalPropertiesItem additional = 21;
    TypeItem type = 22; ItemsItem items = 23; Definitions properties = 25; repeated NamedAny vendor_extension = 31;
  }
  message AdditionalPropertiesItem { Schema schema = 1; }
  message TypeItem { repeated string value = 1; }
  message ItemsItem { repeated Schema schema = 1; }
  message NamedAny { string name = 1; Any value = 2; }
  message Any { string yaml = 2; }`,
  { keepCase: true },
);

interface Schema {
  readonly _ref?: string;
  readonly description?: string;
  readonly required?: readonly string[];
  readonly additional?: { readonly schema: Schema };
  readonly type?: { readonly value: readonly string[] };
  readonly items?: { readonly schema: readonly Schema[] };
  readonly properties?: { readonly additional_properties?: readonly { name: string; value: Schema }[] };
  readonly vendor_extension?: readonly { name: string; value: { yaml: string } }[];
}

interface Document {
  readonly definitions: { readonly additional_properties: readonly { name: string; value: Schema }[] };
  readonly paths: { readonly path: readonly { name: string; value: Record<string, unknown> }[] };
}

const document = root.lookupType("Document").toObject(
  root.lookupType("Document").decode(openapiV2Protobuf()),
) as Document;

/** Without what the test does not read back: formats and enums. */
function comparable(schema: Record<string, unknown>): unknown {
  const { format: _, enum: __, items, additionalProperties, properties, ...rest } = schema;
  const inner = (value: unknown) => comparable(value as Record<string, unknown>);
  return {
    ...rest,
    ...(items === undefined ? {} : { items: inner(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: inner(additionalProperties) }),
    ...(properties === undefined ? {} : {
      properties: Object.fromEntries(Object.entries(properties as object).map(([name, value]) => [name, inner(value)])),
    }),
  };
}

function fromGnostic(schema: Schema): Record<string, unknown> {
  const { _ref, description, required, additional, type, items, properties, vendor_extension = [] } = schema;
  return {
    ...(_ref === undefined ? {} : { $ref: _ref }),
    ...(description === undefined ? {} : { description }),
    ...(required === undefined ? {} : { required }),
    ...(type === undefined ? {} : { type: type.value[0] }),
    ...(additional === undefined ? {} : { additionalProperties: fromGnostic(additional.schema) }),
    ...(items?.schema[0] === undefined ? {} : { items: fromGnostic(items.schema[0]) }),
    ...(properties === undefined ? {} : {
      properties: Object.fromEntries(
        (properties.additional_properties ?? []).map(({ name, value }) => [name, fromGnostic(value)]),
      ),
    }),
    ...Object.fromEntries(vendor_extension.map(({ name, value }) => [name, JSON.parse(value.yaml)])),
  };
}

Deno.test("the protobuf form of version 2 has every definition as JSON has it", () => {
  const { definitions } = openapiV2() as { definitions: Record<string, Record<string, unknown>> };
  const read = document.definitions.additional_properties.map(({ name, value }) => [name, fromGnostic(value)]);
  const wanted = Object.entries(definitions).map(([name, value]) => [name, comparable(value)]);
  assertEquals(Object.fromEntries(read), Object.fromEntries(wanted));
});

Deno.test("the protobuf form of version 2 tells paths, methods and their parameters", () => {
  const path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}";
  const item = document.paths.path.find(({ name }) => name === path)?.value;
  const query = (name: string, type = "string") => ({ parameter: { other: { query: { in: "query", name, type } } } });
  const inPath = (name: string) => ({
    parameter: { other: { path: { required: true, in: "path", name, type: "string" } } },
  });
  assertEquals(item?.parameters as unknown, [inPath("namespace"), inPath("name"), query("pretty")]);
  assertEquals(item?.patch as unknown, {
    operation_id: "patchAppsV1NamespacedDeployment",
    parameters: [
      {
        parameter: {
          body: { name: "body", schema: { _ref: "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch" } },
        },
      },
      query("dryRun"),
      query("fieldManager"),
      query("fieldValidation"),
      query("force", "boolean"),
    ],
    vendor_extension: [
      { name: "x-kubernetes-action", value: { yaml: `"patch"` } },
      {
        name: "x-kubernetes-group-version-kind",
        value: { yaml: `{"group":"apps","version":"v1","kind":"Deployment"}` },
      },
    ],
  });
});
