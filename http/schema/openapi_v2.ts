/** The one document of `/openapi/v2` (Swagger 2.0), derived from what version 3 is made of. */
import { definitionNames, type OpenApiSchema } from "./definitions.ts";
import { describedDefinition } from "./openapi_definitions.ts";
import {
  allPaths,
  documentOf,
  metaGroupVersions,
  type Operation,
  operationsOf,
  sharedQuery,
} from "./openapi_operations.ts";
import { pathParameterNames, pathParameters, queryParameters } from "./openapi_parameters.ts";
import {
  answerOf,
  apiVersionInfo,
  bearerToken,
  bodyOf,
  describeOperation,
  successCodes,
  tagOf,
} from "./openapi_document.ts";
import { definitionOf, parseApiVersion } from "./kinds.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const encodings = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

let document: unknown;

export function openapiV2(): unknown {
  return document ??= build();
}

function build(): unknown {
  return {
    swagger: "2.0",
    info: apiVersionInfo,
    paths: Object.fromEntries(allPaths().map((path) => [path, pathItem(path)])),
    definitions: Object.fromEntries(definitionNames().map((name) => [name, definitionV2(name)])),
    securityDefinitions: { BearerToken: bearerToken },
    security: [{ BearerToken: [] }],
  };
}

/** A definition as version 2 writes it: no defaults, references bare, a single type where v3 has several. */
export function definitionV2(name: string): unknown {
  const schema = convert(describedDefinition(name)) as Record<string, unknown>;
  if (name !== `${meta}.DeleteOptions` && name !== `${meta}.WatchEvent`) return schema;
  const kind = name.slice(meta.length + 1);
  const kinds = metaGroupVersions().map((text) => {
    const { group, version } = parseApiVersion(text) ?? { group: "", version: "" };
    return { group, kind, version };
  });
  return { ...schema, "x-kubernetes-group-version-kind": kinds };
}

function convert(schema: OpenApiSchema): Record<string, unknown> {
  const { default: _, allOf, oneOf, $ref, properties, items, additionalProperties, ...rest } = schema;
  const reference = $ref ?? allOf?.[0]?.$ref;
  return {
    ...rest,
    ...(oneOf === undefined ? {} : { type: "string" }),
    ...(reference === undefined ? {} : { $ref: reference.replace("#/components/schemas/", "#/definitions/") }),
    ...(items === undefined ? {} : { items: convert(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: convert(additionalProperties) }),
    ...(properties === undefined ? {} : {
      properties: Object.fromEntries(Object.entries(properties).map(([field, each]) => [field, convert(each)])),
    }),
  };
}

function pathItem(path: string): Record<string, unknown> {
  const operations = operationsOf(path);
  const shared = sharedQuery(operations);
  const parameters = [
    ...pathParameterNames(path).map((name) => ({
      uniqueItems: true,
      type: "string",
      description: pathParameters[name],
      name,
      in: "path",
      required: true,
    })),
    ...shared.map(queryParameter),
  ];
  const item: Record<string, unknown> = Object.fromEntries(
    operations.map((each) => [each.method, operation(documentOf(path), each, shared)]),
  );
  return parameters.length === 0 ? item : { ...item, parameters };
}

function queryParameter(name: string): unknown {
  const { type, description } = queryParameters[name] ?? { type: "string", description: "" };
  return { uniqueItems: true, type, description, name, in: "query" };
}

function operation(document: string, each: Operation, shared: readonly string[]): unknown {
  const answer = answerOf(each, definitionOf);
  const body = bodyOf(each, definitionOf);
  const optional = each.action === "delete" || each.action === "deletecollection";
  const own = each.query.filter((name) => !shared.includes(name)).map(queryParameter);
  const parameters = body === undefined
    ? own
    : [{ name: "body", in: "body", ...(optional ? {} : { required: true }), schema: reference(body) }, ...own];
  const responses = Object.fromEntries(
    successCodes(each.action).map(([code, description]) => [
      code,
      { description, ...(answer === undefined ? {} : { schema: reference(answer) }) },
    ]),
  );
  return {
    description: describeOperation(each),
    consumes: each.action === "patch"
      ? [
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
      ]
      : ["*/*"],
    produces: each.action === "list"
      ? [...encodings, "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"]
      : encodings,
    schemes: ["https"],
    tags: [tagOf(document)],
    operationId: each.id,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: { ...responses, "401": { description: "Unauthorized" } },
    ...(each.action === undefined ? {} : { "x-kubernetes-action": each.action }),
    ...(each.gvk === undefined ? {} : { "x-kubernetes-group-version-kind": each.gvk }),
  };
}

function reference(name: string): unknown {
  return { $ref: `#/definitions/${name}` };
}
