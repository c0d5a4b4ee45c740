/** How a document of OpenAPI v3 is put together from paths, what their methods do, and definitions. */
import type { GroupVersionKind } from "../machinery/schema_access.ts";
import { type OpenApiSchema, referenceOf } from "./definitions.ts";
import { apiVersionOf } from "./kinds.ts";
import { type Operation, sharedQuery } from "./openapi_operations.ts";
import { pathParameterNames, pathParameters, queryParameters } from "./openapi_parameters.ts";

export const apiVersionInfo = { title: "Kubernetes", version: "v1.36.2" };
const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const encodings = ["application/json", "application/vnd.kubernetes.protobuf", "application/yaml"];
const streamed = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
const patchTypes = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

type DefinitionOf = (gvk: GroupVersionKind) => string | undefined;

/** What a document is made of. */
export interface DocumentSource {
  /** `apis/apps/v1`. */
  readonly name: string;
  readonly paths: ReadonlyMap<string, readonly Operation[]>;
  readonly definitionOf: DefinitionOf;
  /** With descriptions. @throws Error for a name that nobody knows. */
  schemaOf(name: string): OpenApiSchema;
}

export function openapiDocument(source: DocumentSource): unknown {
  const used = new Set<string>();
  const items = [...source.paths].map(([path, operations]) => [path, pathItem(source, path, operations, used)]);
  const schemas = closure(used, source).map((name) => [name, schemaIn(source, name)]);
  return {
    openapi: "3.0.0",
    info: apiVersionInfo,
    paths: Object.fromEntries(items),
    components: { schemas: Object.fromEntries(schemas), securitySchemes: { BearerToken: bearerToken } },
  };
}

export const bearerToken = {
  type: "apiKey",
  description: "Bearer Token authentication",
  name: "authorization",
  in: "header",
};

/** Options and events belong to every group version: a document tells of its own and the core's. */
function schemaIn(source: DocumentSource, name: string): OpenApiSchema {
  const schema = source.schemaOf(name);
  if (name !== `${meta}.DeleteOptions` && name !== `${meta}.WatchEvent`) return schema;
  const kind = name.slice(meta.length + 1);
  const [, group, version] = source.name.split("/");
  const core = { group: "", kind, version: "v1" };
  const own = group === undefined || version === undefined ? [] : [{ group, kind, version }];
  return { ...schema, "x-kubernetes-group-version-kind": [core, ...own] };
}

/** The names and everything they refer to, sorted. */
function closure(names: Iterable<string>, source: DocumentSource): string[] {
  const found = new Set<string>();
  const waiting = [...names];
  const visit = (schema: OpenApiSchema | undefined): void => {
    if (schema === undefined) return;
    const reference = referenceOf(schema);
    if (reference !== undefined) waiting.push(reference);
    visit(schema.items);
    visit(schema.additionalProperties);
    for (const field of Object.values(schema.properties ?? {})) visit(field);
  };
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    visit(source.schemaOf(name));
  }
  return [...found].sort();
}

function pathItem(
  source: DocumentSource,
  path: string,
  operations: readonly Operation[],
  used: Set<string>,
): Record<string, unknown> {
  const shared = sharedQuery(operations);
  const parameters = [
    ...pathParameterNames(path).map((name) => ({
      name,
      in: "path",
      description: pathParameters[name],
      required: true,
      schema: { type: "string", uniqueItems: true },
    })),
    ...shared.map(queryParameter),
  ];
  const item: Record<string, unknown> = Object.fromEntries(
    operations.map((each) => [each.method, operation(source, each, shared, used)]),
  );
  return parameters.length === 0 ? item : { ...item, parameters };
}

function queryParameter(name: string): Record<string, unknown> {
  const { type, description } = queryParameters[name] ?? { type: "string", description: "" };
  return { name, in: "query", description, schema: { type, uniqueItems: true } };
}

/** `core_v1`, `apps_v1`, `apps`. */
export function tagOf(document: string): string {
  const [first = "", ...rest] = document.split("/");
  if (first === "api") return ["core", ...rest].join("_");
  if (first === "apis") return rest.map((part) => part.replace(/\..*$/, "")).join("_") || "apis";
  return first;
}

function operation(source: DocumentSource, each: Operation, shared: readonly string[], used: Set<string>): unknown {
  const own = each.query.filter((name) => !shared.includes(name)).map(queryParameter);
  const answer = answerOf(each, source.definitionOf);
  const body = bodyOf(each, source.definitionOf);
  for (const name of [answer, body]) if (name !== undefined) used.add(name);
  const types = each.action === "list" ? [...encodings, ...streamed] : encodings;
  const content = answer === undefined
    ? undefined
    : Object.fromEntries(types.map((type) => [type, { schema: reference(answer) }]));
  const responses = Object.fromEntries(
    successCodes(each.action).map(([code, description]) => [
      code,
      { description, ...(content === undefined ? {} : { content }) },
    ]),
  );
  return {
    tags: [tagOf(source.name)],
    description: describeOperation(each),
    operationId: each.id,
    ...(own.length === 0 ? {} : { parameters: own }),
    ...(body === undefined ? {} : { requestBody: requestBody(each, body) }),
    responses: { ...responses, "401": { description: "Unauthorized" } },
    ...(each.action === undefined ? {} : { "x-kubernetes-action": each.action }),
    ...(each.gvk === undefined ? {} : { "x-kubernetes-group-version-kind": each.gvk }),
  };
}

function requestBody(each: Operation, body: string): unknown {
  const types = each.action === "patch" ? patchTypes : ["*/*"];
  const content = Object.fromEntries(types.map((type) => [type, { schema: reference(body) }]));
  return { content, ...(each.action === "delete" || each.action === "deletecollection" ? {} : { required: true }) };
}

function reference(name: string): OpenApiSchema {
  return { $ref: `#/components/schemas/${name}` };
}

export function successCodes(action: string | undefined): [string, string][] {
  const all: Record<string, string> = { "200": "OK", "201": "Created", "202": "Accepted" };
  const codes: Record<string, string[]> = {
    post: ["200", "201", "202"],
    put: ["200", "201"],
    patch: ["200", "201"],
    delete: ["200", "202"],
  };
  return (codes[action ?? ""] ?? ["200"]).map((code) => [code, all[code] ?? ""]);
}

/** Kinds that a deletion answers with; others are answered with a Status. */
const answeredWhole = new Set([
  "Pod",
  "Service",
  "ServiceAccount",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "ResourceQuota",
  "PodTemplate",
  "StorageClass",
  "CSIDriver",
  "CSINode",
  "VolumeAttachment",
  "VolumeAttributesClass",
  "DeviceClass",
  "ResourceClaim",
]);

/** The definition that a method answers with. */
export function answerOf({ action, gvk, id }: Operation, definitionOf: DefinitionOf): string | undefined {
  if (gvk === undefined) return discoveryAnswer(id);
  if (id.endsWith("PodLog")) return undefined;
  switch (action) {
    case "watch":
    case "watchlist":
      return `${meta}.WatchEvent`;
    case "deletecollection":
      return `${meta}.Status`;
    case "delete":
      return answeredWhole.has(gvk.kind) ? definitionOf(gvk) : `${meta}.Status`;
    case "list":
      return definitionOf({ ...gvk, kind: `${gvk.kind}List` });
    case "connect":
      return undefined;
    default:
      return definitionOf(gvk);
  }
}

function discoveryAnswer(id: string): string | undefined {
  if (id === "getCodeVersion") return "io.k8s.apimachinery.pkg.version.Info";
  if (id === "getCoreAPIVersions") return `${meta}.APIVersions`;
  if (id === "getAPIVersions") return `${meta}.APIGroupList`;
  if (id.endsWith("APIResources")) return `${meta}.APIResourceList`;
  return id.endsWith("APIGroup") ? `${meta}.APIGroup` : undefined;
}

export function bodyOf({ action, gvk }: Operation, definitionOf: DefinitionOf): string | undefined {
  if (gvk === undefined) return undefined;
  if (action === "delete" || action === "deletecollection") return `${meta}.DeleteOptions`;
  if (action === "patch") return `${meta}.Patch`;
  return action === "post" || action === "put" ? definitionOf(gvk) : undefined;
}

const verbs: Readonly<Record<string, (what: GroupVersionKind) => string>> = {
  list: ({ kind }) => `lists or watches ${kind} objects`,
  watch: ({ kind }) => `watches one ${kind}; deprecated: list with 'watch' and a field selector`,
  watchlist: ({ kind }) => `watches ${kind} objects; deprecated: list with 'watch'`,
  get: ({ kind }) => `reads a ${kind}`,
  post: ({ kind }) => `creates a ${kind}`,
  put: ({ kind }) => `replaces a ${kind}`,
  patch: ({ kind }) => `changes part of a ${kind}`,
  delete: ({ kind }) => `deletes a ${kind}`,
  deletecollection: ({ kind }) => `deletes ${kind} objects`,
  connect: ({ kind }) => `opens a connection (${kind})`,
};

export function describeOperation({ action, gvk }: Operation): string {
  if (action === undefined || gvk === undefined) return "tells what the server offers";
  return `${verbs[action]?.(gvk) ?? action} of ${apiVersionOf(gvk)}`;
}
