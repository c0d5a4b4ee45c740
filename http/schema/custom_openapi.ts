/** Documents of OpenAPI v3 for custom resources: one per group version, as the built-in ones are. */
import type { StructuralSchema } from "./custom_field_types.ts";
import type { OpenApiSchema } from "./definitions.ts";
import { typeMetaDescriptions } from "./descriptions.ts";
import { definitionOf } from "./kinds.ts";
import { describedDefinition } from "./openapi_definitions.ts";
import { openapiDocument } from "./openapi_document.ts";
import { actionQuery, type Operation } from "./openapi_operations.ts";

export interface CustomKind {
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** `openAPIV3Schema` of the version; undefined: anything goes. */
  readonly schema: StructuralSchema | undefined;
  readonly subresources: readonly ("status" | "scale")[];
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const scale = { group: "autoscaling", version: "v1", kind: "Scale" };

/** The document `apis/GROUP/VERSION` of all custom kinds of one group version. */
export function customOpenapiV3(group: string, version: string, kinds: readonly CustomKind[]): unknown {
  const prefix = `${group.split(".").reverse().join(".")}.${version}`;
  const own = new Map<string, OpenApiSchema>();
  const paths = new Map<string, Operation[]>();
  for (const each of kinds) {
    own.set(`${prefix}.${each.kind}`, objectSchema(each, group, version));
    own.set(`${prefix}.${each.listKind}`, listSchema(each, prefix, group, version));
    for (const [path, operations] of pathsOf(each, group, version)) paths.set(path, operations);
  }
  const names = new Map(kinds.flatMap(({ kind, listKind }) => [
    [kind, `${prefix}.${kind}`],
    [`${kind}List`, `${prefix}.${listKind}`],
  ]));
  return openapiDocument({
    name: `apis/${group}/${version}`,
    paths,
    definitionOf: (gvk) => gvk.group === group && gvk.version === version ? names.get(gvk.kind) : definitionOf(gvk),
    schemaOf: (name) => own.get(name) ?? describedDefinition(name),
  });
}

function typeMetaFields(): Record<string, OpenApiSchema> {
  const { fields } = typeMetaDescriptions();
  const field = (name: string): OpenApiSchema => ({ description: fields.get(name) ?? "", type: "string" });
  return { apiVersion: field("apiVersion"), kind: field("kind") };
}

function metadataField(name: string, description: string): OpenApiSchema {
  return { description, allOf: [{ $ref: `#/components/schemas/${meta}.${name}` }] };
}

const metadataText = "Standard metadata of an object.";

function objectSchema({ kind, schema }: CustomKind, group: string, version: string): OpenApiSchema {
  const gvk = { "x-kubernetes-group-version-kind": [{ group, kind, version }] };
  if (schema === undefined) return { type: "object", ...gvk };
  const properties = {
    ...(schema as OpenApiSchema).properties,
    ...typeMetaFields(),
    metadata: metadataField("ObjectMeta", metadataText),
  };
  return { ...schema as OpenApiSchema, type: "object", properties, ...gvk };
}

function listSchema(each: CustomKind, prefix: string, group: string, version: string): OpenApiSchema {
  const { kind, listKind, plural } = each;
  return {
    description: `${listKind} is a list of ${kind}`,
    type: "object",
    required: ["items"],
    properties: {
      ...typeMetaFields(),
      items: {
        description: `List of ${plural}.`,
        type: "array",
        items: { $ref: `#/components/schemas/${prefix}.${kind}` },
      },
      metadata: metadataField("ListMeta", "Standard metadata of a list."),
    },
    "x-kubernetes-group-version-kind": [{ group, kind: listKind, version }],
  };
}

const verbs: Readonly<Record<string, string>> = {
  get: "read",
  post: "create",
  put: "replace",
  patch: "patch",
  delete: "delete",
  list: "list",
  deletecollection: "delete",
};

function pathsOf(each: CustomKind, group: string, version: string): [string, Operation[]][] {
  const { kind, plural, namespaced } = each;
  const base = `/apis/${group}/${version}`;
  const collection = namespaced ? `${base}/namespaces/{namespace}/${plural}` : `${base}/${plural}`;
  const label = [...group.split("."), version].map(capitalize).join("");
  const scope = namespaced ? "Namespaced" : "";
  const operation = (method: string, action: string, suffix = ""): Operation => ({
    method,
    action,
    gvk: suffix === "Scale" ? scale : { group, version, kind },
    id: `${verbs[action]}${label}${action === "deletecollection" ? "Collection" : ""}${scope}${kind}${suffix}`,
    query: actionQuery(action),
  });
  const paths: [string, Operation[]][] = [
    [collection, [
      operation("delete", "deletecollection"),
      operation("get", "list"),
      operation("post", "post"),
    ]],
    [`${collection}/{name}`, ["delete", "get", "patch", "put"].map((verb) => operation(verb, verb))],
    ...each.subresources.map((sub): [string, Operation[]] => [
      `${collection}/{name}/${sub}`,
      ["get", "patch", "put"].map((verb) => operation(verb, verb, capitalize(sub))),
    ]),
  ];
  if (!namespaced) return paths;
  const everywhere = { ...operation("get", "list"), id: `list${label}${kind}ForAllNamespaces` };
  return [...paths, [`${base}/${plural}`, [everywhere]]];
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
