/** OpenAPI against a recorded 1.36 server: every definition by hash, version 2's shapes, every path and method. */
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import type { OpenApiSchema } from "../../../http/schema/definitions.ts";
import { definition } from "../../../http/schema/definitions.ts";
import { describedDefinition } from "../../../http/schema/openapi_definitions.ts";
import { definitionV2, openapiV2 } from "../../../http/schema/openapi_v2.ts";
import { openapiV3, openapiV3Index } from "../../../http/schema/openapi_v3.ts";
import { recording } from "./recording.ts";

/** Definition -> why its description is not the recorded one. */
const otherDescriptions: Readonly<Record<string, string>> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": "the package declares a bare alias without its text",
};

type Hashes = Readonly<Record<string, { readonly structure: string; readonly whole: string }>>;
type Methods = Readonly<Record<string, RecordedOperation>>;

interface RecordedOperation {
  readonly action: string | null;
  readonly gvk: unknown;
  readonly operationId: string;
  readonly parameters: readonly string[];
  readonly requestTypes: readonly string[];
  readonly responses: readonly string[];
}

interface ServedOperation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, unknown>>;
  readonly "x-kubernetes-action"?: string;
  readonly "x-kubernetes-group-version-kind"?: unknown;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, ServedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, OpenApiSchema>> };
}

/** As the recording hashed: keys sorted, no spaces, ASCII only. */
function hashOf(value: unknown): string {
  const text = JSON.stringify(sorted(value)).replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([k, v]) => [k, sorted(v)]));
}

function servedDocuments(): Map<string, Document> {
  return new Map(Object.keys(openapiV3Index().paths).map((name) => [name, openapiV3(name) as Document]));
}

const hashes = recording("openapi-v3-hashes.json") as Hashes | undefined;
const recordedPaths = recording("openapi-v3-paths.json") as Readonly<Record<string, Methods>> | undefined;
const structureV2 = recording("openapi-v2-structure.json") as Readonly<Record<string, unknown>> | undefined;

Deno.test("every definition has the recorded shape", { ignore: hashes === undefined }, () => {
  const deviations = Object.entries(hashes ?? {}).filter(([name, { structure }]) =>
    hashOf(definition(name)) !== structure
  );
  assertEquals(deviations.map(([name]) => name), []);
});

Deno.test("every definition has the recorded descriptions, but those listed", { ignore: hashes === undefined }, () => {
  const deviations = Object.entries(hashes ?? {}).filter(([name, { whole }]) =>
    hashOf(describedDefinition(name)) !== whole
  );
  assertEquals(deviations.map(([name]) => name), Object.keys(otherDescriptions));
});

Deno.test("version 2 has the recorded shapes", { ignore: structureV2 === undefined }, () => {
  const deviations = Object.entries(structureV2 ?? {}).filter(([name, wanted]) =>
    hashOf(withoutDescriptions(definitionV2(name) as OpenApiSchema)) !== hashOf(wanted)
  );
  assertEquals(deviations.map(([name]) => name), []);
});

Deno.test(
  "every recorded path and method is in its document of version 3",
  { ignore: recordedPaths === undefined },
  () => {
    const served = [...servedDocuments().values()].flatMap(({ paths }) => Object.entries(paths));
    const found = Object.fromEntries(
      served.map(([path, { parameters: _, ...methods }]) => [
        path,
        Object.fromEntries(Object.entries(methods).map(([method, each]) => [method, asRecorded(each)])),
      ]),
    );
    assertEquals(sorted(found), sorted(recordedPaths));
  },
);

Deno.test("every method of version 2 is one of version 3", () => {
  const two = openapiV2() as { paths: Record<string, unknown>; definitions: Record<string, unknown> };
  const three = [...servedDocuments().values()].flatMap(({ paths }) => Object.keys(paths));
  assertEquals(Object.keys(two.paths).sort(), three.sort());
  assert(JSON.stringify(two).includes("#/definitions/") && !JSON.stringify(two).includes("#/components/"));
});

Deno.test("each document of version 3 has all it refers to, and together they have every definition", () => {
  const all = new Set<string>();
  for (const [name, document] of servedDocuments()) {
    const { schemas } = document.components;
    for (const [, reference = ""] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      assert(Object.hasOwn(schemas, reference), `${name} lacks ${reference}`);
    }
    for (const each of Object.keys(schemas)) all.add(each);
  }
  assertEquals(Object.keys(hashes ?? {}).filter((name) => !all.has(name)), []);
});

Deno.test("a document of version 3 is found by the path of its index, another is not", () => {
  const { serverRelativeURL } = openapiV3Index().paths["apis/apps/v1"] ?? { serverRelativeURL: "" };
  assert(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/.test(serverRelativeURL));
  assertEquals(openapiV3("apis/nope/v1"), undefined);
});

function asRecorded(each: ServedOperation): RecordedOperation {
  return {
    action: each["x-kubernetes-action"] ?? null,
    gvk: each["x-kubernetes-group-version-kind"] ?? null,
    operationId: each.operationId,
    parameters: (each.parameters ?? []).map(({ name }) => name),
    requestTypes: Object.keys(each.requestBody?.content ?? {}),
    responses: Object.keys(each.responses),
  };
}

function withoutDescriptions(schema: OpenApiSchema): unknown {
  const { description: _, properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(items === undefined ? {} : { items: withoutDescriptions(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: withoutDescriptions(additionalProperties) }),
    ...(properties === undefined ? {} : {
      properties: Object.fromEntries(Object.entries(properties).map(([k, v]) => [k, withoutDescriptions(v)])),
    }),
  };
}
