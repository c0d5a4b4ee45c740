/** The schema of a custom resource (apiextensions.k8s.io/v1 JSONSchemaProps, structural), and walking values by it. */
import { isObject, type JsonObject } from "../../machines/objects/json.ts";
import type { StructuralSchema } from "../schema/custom_field_types.ts";

/** One rule of `x-kubernetes-validations`. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: "FieldValueInvalid" | "FieldValueForbidden" | "FieldValueRequired" | "FieldValueDuplicate";
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

export interface JsonSchema extends StructuralSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly nullable?: boolean;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly "x-kubernetes-validations"?: readonly ValidationRule[];
}

/** The schema of a member: declared by name, else that of all others; undefined: nothing is known of it. */
export function memberSchema(schema: JsonSchema | undefined, name: string): JsonSchema | undefined {
  const { properties, additionalProperties } = schema ?? {};
  if (properties !== undefined && Object.hasOwn(properties, name)) return properties[name];
  return typeof additionalProperties === "object" ? additionalProperties : undefined;
}

/** Every value inside, with its schema and its path as Kubernetes writes it: `spec.items[0].name`. */
export function walk(
  value: unknown,
  schema: JsonSchema | undefined,
  visit: (value: unknown, schema: JsonSchema, path: string) => void,
  path = "",
): void {
  if (schema === undefined) return;
  visit(value, schema, path);
  if (Array.isArray(value)) value.forEach((each, index) => walk(each, schema.items, visit, `${path}[${index}]`));
  else if (isObject(value)) {
    for (const name in value) walk(value[name], memberSchema(schema, name), visit, joined(path, name));
  }
}

export function joined(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** Sets a member whatever its name is. */
export function setMember(object: JsonObject, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
