/**
 * Checks a policy's expressions against the types of what it speaks of, as far as its rules name them: warnings for its
 * status, which change nothing of what it does (k8s.io/apiserver admission/plugin/policy/validating: typechecking).
 */
import type { Environment } from "@marcbachmann/cel-js";
import { isObject } from "../../../machines/objects/json.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { SchemaTypes } from "../../custom_resources/cel/schema_types.ts";
import type { JsonSchema } from "../../custom_resources/json_schema.ts";
import type { ResourceRegistry } from "../../machinery/resource_registry.ts";
import type { SchemaAccess } from "../../machinery/schema_access.ts";
import { fields, has, list, text } from "../../resources/fields.ts";
import type { Rule } from "../matching.ts";
import type { Kind } from "../shown_request.ts";
import type { Declared } from "./environment.ts";
import { compileExpression } from "./expression.ts";
import { compileVariables, type Variable } from "./variables.ts";

export interface ExpressionWarning {
  readonly fieldRef: string;
  readonly warning: string;
}

const maxKinds = 10;

export async function typeWarnings(
  policy: KubeObject,
  registry: ResourceRegistry,
  schema: SchemaAccess,
): Promise<ExpressionWarning[]> {
  const spec = fields(policy["spec"]);
  const kinds = kindsOf(list(fields(spec["matchConstraints"])["resourceRules"]) as Rule[], registry);
  const params = has(spec["paramKind"]) ? paramsOf(spec["paramKind"]) : undefined;
  const paramsSchema = params === undefined ? undefined : await schemaOf(schema, params);
  const warnings: ExpressionWarning[] = [];
  const checks: { readonly kind: Kind; readonly declared: Declared }[] = [];
  for (const kind of kinds) {
    const object = await schemaOf(schema, kind);
    if (object === undefined) continue;
    const declare = (environment: Environment) => {
      const types = new SchemaTypes(environment);
      return {
        object: types.typeOf(object, true),
        ...(paramsSchema === undefined ? {} : { params: types.typeOf(paramsSchema, true) }),
      };
    };
    const declared = { params: params !== undefined, authorizer: true, declare };
    const variables = compileVariables(list(spec["variables"]) as unknown as Variable[], declared).types;
    checks.push({ kind, declared: { ...declared, variables } });
  }
  const check = (fieldRef: string, expression: string): void => {
    const said = checks.flatMap(({ kind, declared }) => {
      const { error } = compileExpression(expression, declared);
      if (error === undefined) return [];
      return [`${kind.group}/${kind.version}, Kind=${kind.kind}: ${error.replace(/^compilation failed: /, "")}\n`];
    });
    if (said.length > 0) warnings.push({ fieldRef, warning: said.join("\n") });
  };
  for (const [index, validation] of list(spec["validations"]).entries()) {
    for (const field of ["expression", "messageExpression"]) {
      const expression = text(validation[field]);
      if (expression !== "") check(`spec.validations[${index}].${field}`, expression);
    }
  }
  return warnings;
}

function paramsOf(given: unknown): Kind {
  const { apiVersion, kind } = fields(given);
  const parts = text(apiVersion).split("/");
  return { group: parts.length === 1 ? "" : parts[0]!, version: parts.at(-1)!, kind: text(kind) };
}

/** What rules without wildcards name, in order. */
function kindsOf(rules: readonly Rule[], registry: ResourceRegistry): Kind[] {
  const kinds = new Map<string, Kind>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if ([...apiGroups, ...apiVersions].some((each) => each.includes("*"))) continue;
    for (const group of apiGroups) {
      for (const version of apiVersions) {
        for (const resource of resources.filter((each) => !/[*/]/.test(each))) {
          const row = registry.find(group, version, resource);
          if (row !== undefined) kinds.set(`${group}|${version}|${row.kind}`, { group, version, kind: row.kind });
        }
      }
    }
  }
  return [...kinds].sort(([a], [b]) => a < b ? -1 : 1).map(([, kind]) => kind).slice(0, maxKinds);
}

interface Document {
  readonly components?: { readonly schemas?: Readonly<Record<string, Record<string, unknown>>> };
}

async function schemaOf(schema: SchemaAccess, { group, version, kind }: Kind): Promise<JsonSchema | undefined> {
  const document = await schema.openapiV3(group === "" ? `api/${version}` : `apis/${group}/${version}`) as
    | Document
    | undefined;
  const schemas = document?.components?.schemas ?? {};
  const found = Object.values(schemas).find((each) =>
    list(each["x-kubernetes-group-version-kind"]).some((gvk) =>
      gvk["group"] === group && gvk["version"] === version && gvk["kind"] === kind
    )
  );
  return found === undefined ? undefined : resolved(found, schemas, []);
}

/** A schema without references. One that contains itself is of any type where it does so. */
function resolved(
  schema: Record<string, unknown>,
  schemas: Readonly<Record<string, Record<string, unknown>>>,
  inside: readonly string[],
): JsonSchema {
  const [only, ...more] = list(schema["allOf"]);
  const reference = text(schema["$ref"] ?? (more.length === 0 ? only?.["$ref"] : undefined));
  if (reference !== "") {
    const name = reference.slice(reference.lastIndexOf("/") + 1);
    const target = schemas[name];
    return target === undefined || inside.includes(name) ? {} : resolved(target, schemas, [...inside, name]);
  }
  const { properties, items, additionalProperties, type, format } = schema;
  if (type === undefined || schema["oneOf"] !== undefined) return {};
  const inner = (value: unknown): JsonSchema => resolved(fields(value), schemas, inside);
  return {
    type: text(type),
    ...(text(format) === "" ? {} : { format: text(format) }),
    ...(isObject(properties)
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, inner(each)])) }
      : {}),
    ...(items === undefined ? {} : { items: inner(items) }),
    ...(isObject(additionalProperties) ? { additionalProperties: inner(additionalProperties) } : {}),
  } as JsonSchema;
}
