/** The documents of `/openapi/v3`: one per group version, made when first asked for. */
import { createHash } from "node:crypto";
import type { GroupVersionKind } from "../machinery/schema_access.ts";
import { definition, type OpenApiSchema, referenceOf } from "./definitions.ts";
import { definitionsText } from "./generated/definitions_text.ts";
import { pathsText } from "./generated/paths_text.ts";
import { apiVersionOf, definitionOf } from "./kinds.ts";
import { describedDefinition } from "./openapi_definitions.ts";
import { allPaths, documentOf, type Operation, operationsOf, sharedQuery } from "./openapi_operations.ts";
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

let byDocument: Map<string, string[]> | undefined;

function documents(): Map<string, string[]> {
  if (byDocument !== undefined) return byDocument;
  byDocument = new Map();
  for (const path of allPaths()) {
    const name = documentOf(path);
    const paths = byDocument.get(name);
    if (paths === undefined) byDocument.set(name, [path]);
    else paths.push(path);
  }
  return byDocument;
}

let index: { paths: Record<string, { serverRelativeURL: string }> } | undefined;

/** Where each document is; the address changes when the document may. */
export function openapiV3Index(): { readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>> } {
  if (index !== undefined) return index;
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const name of documents().keys()) {
    const source = `${name}\n${apiVersionInfo.version}\n${definitionsText}\n${pathsText}`;
    const hash = createHash("sha512").update(source).digest("hex").toUpperCase();
    paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${hash}` };
  }
  return index = { paths };
}

const made = new Map<string, unknown>();

/** @returns undefined where there is no such document. */
export function openapiV3(name: string): unknown {
  const paths = documents().get(name);
  if (paths === undefined) return undefined;
  let document = made.get(name);
  if (document === undefined) made.set(name, document = build(name, paths));
  return document;
}

function build(name: string, paths: readonly string[]): unknown {
  const used = new Set<string>();
  const items = Object.fromEntries(paths.map((path) => [path, pathItem(name, path, used)]));
  const schemas: Record<string, OpenApiSchema> = {};
  for (const each of closure(used)) schemas[each] = schemaIn(name, each);
  return {
    openapi: "3.0.0",
    info: apiVersionInfo,
    paths: items,
    components: { schemas, securitySchemes: { BearerToken: bearerToken } },
  };
}

export const bearerToken = {
  type: "apiKey",
  description: "Bearer Token authentication",
  name: "authorization",
  in: "header",
};

/** Options and events belong to every group version: a document tells of its own and the core's. */
function schemaIn(document: string, name: string): OpenApiSchema {
  const schema = describedDefinition(name);
  if (name !== `${meta}.DeleteOptions` && name !== `${meta}.WatchEvent`) return schema;
  const kind = name.slice(meta.length + 1);
  const [, group, version] = document.split("/");
  const core = { group: "", kind, version: "v1" };
  const own = group === undefined || version === undefined ? [] : [{ group, kind, version }];
  return { ...schema, "x-kubernetes-group-version-kind": [core, ...own] };
}

/** The names and everything they refer to, sorted. */
export function closure(names: Iterable<string>): string[] {
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
    visit(definition(name));
  }
  return [...found].sort();
}

function pathItem(document: string, path: string, used: Set<string>): Record<string, unknown> {
  const operations = operationsOf(path);
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
    operations.map((each) => [each.method, operation(document, each, shared, used)]),
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

function operation(document: string, each: Operation, shared: readonly string[], used: Set<string>): unknown {
  const own = each.query.filter((name) => !shared.includes(name)).map(queryParameter);
  const answer = answerOf(each);
  const body = bodyOf(each);
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
    tags: [tagOf(document)],
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
export function answerOf({ action, gvk, id }: Operation): string | undefined {
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

export function bodyOf({ action, gvk }: Operation): string | undefined {
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
