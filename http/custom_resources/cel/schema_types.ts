/**
 * A custom resource's schema as CEL types, and values as CEL sees them (Kubernetes docs, "Extend the Kubernetes API with
 * CustomResourceDefinitions": Validation rules, table of OpenAPIv3 types to CEL types).
 */
import type { Environment } from "@marcbachmann/cel-js";
import { isObject, type JsonObject } from "../../../machines/objects/json.ts";
import { type JsonSchema, memberSchema, setMember } from "../json_schema.ts";

/** Names that CEL keeps for itself; as fields they stand between two underscores. */
const reserved = new Set(
  ("true false null in as break const continue else for function if import let loop package namespace return var void " +
    "while").split(" "),
);
const escapes: readonly (readonly [string, string])[] = [
  ["__", "__underscores__"],
  [".", "__dot__"],
  ["-", "__dash__"],
  ["/", "__slash__"],
];

/** A property's name in CEL; undefined when no rule can name it. */
export function escapedName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  const escaped = escapes.reduce((text, [from, to]) => text.replaceAll(from, to), name);
  return /^[A-Za-z_]\w*$/.test(escaped) ? escaped : undefined;
}

const objectMeta = { name: "string", generateName: "string" };

/** Declares the types of objects as they are met; gives the type of each schema. */
export class SchemaTypes {
  #count = 0;

  constructor(readonly environment: Environment) {}

  typeOf(schema: JsonSchema, isResource = schema["x-kubernetes-embedded-resource"] === true): string {
    if (schema.nullable === true || schema["x-kubernetes-int-or-string"] === true) return "dyn";
    switch (schema.type) {
      case "string":
        return textTypes[schema.format ?? ""] ?? "string";
      case "integer":
        return "int";
      case "number":
        return "double";
      case "boolean":
        return "bool";
      case "array":
        return schema.items === undefined ? "list" : `list<${this.typeOf(schema.items)}>`;
      case "object":
        return this.#objectType(schema, isResource);
      default:
        return "dyn";
    }
  }

  #objectType(schema: JsonSchema, isResource: boolean): string {
    const { properties, additionalProperties } = schema;
    if (typeof additionalProperties === "object") return `map<string, ${this.typeOf(additionalProperties)}>`;
    if (properties === undefined && !isResource) return "dyn";
    const fields: Record<string, string> = {};
    for (const [name, property] of Object.entries(properties ?? {})) {
      const escaped = escapedName(name);
      if (escaped !== undefined) fields[escaped] = this.typeOf(property);
    }
    if (isResource) {
      Object.assign(fields, { apiVersion: "string", kind: "string", metadata: this.#declare(objectMeta) });
    }
    return this.#declare(fields);
  }

  #declare(fields: Record<string, string>): string {
    const name = `Object${this.#count++}`;
    this.environment.registerType(name, { fields });
    return name;
  }
}

const textTypes: Readonly<Record<string, string>> = {
  "date-time": "google.protobuf.Timestamp",
  "date": "google.protobuf.Timestamp",
  "duration": "google.protobuf.Duration",
  "byte": "bytes",
};

/** The value in CEL's form: integers are bigint, times are dates; a null where none may be is left out. */
export function celValue(value: unknown, schema: JsonSchema | undefined, convert: Conversions): unknown {
  if (typeof value === "number") {
    return schema?.type === "number" || !Number.isInteger(value) ? value : BigInt(value);
  }
  if (typeof value === "string") return convert[schema?.format as keyof Conversions]?.(value) ?? value;
  if (Array.isArray(value)) return value.map((each) => celValue(each, schema?.items, convert));
  if (!isObject(value)) return value;
  const isMap = schema?.properties === undefined;
  const result: JsonObject = {};
  for (const name in value) {
    const known = memberSchema(schema, name);
    if (value[name] === null && schema !== undefined && known?.nullable !== true && !isMap) continue;
    const escaped = isMap ? name : escapedName(name);
    if (escaped !== undefined) setMember(result, escaped, celValue(value[name], known, convert));
  }
  return result;
}

export interface Conversions {
  readonly "date-time": (text: string) => unknown;
  readonly "date": (text: string) => unknown;
  readonly "duration": (text: string) => unknown;
  readonly "byte": (text: string) => unknown;
}
