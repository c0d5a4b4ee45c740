/**
 * What a custom resource's schema does to a value before anybody validates it: pruning of what is not declared, and
 * defaults (Kubernetes docs, "Extend the Kubernetes API with CustomResourceDefinitions": Field pruning, Defaulting).
 */
import { copyJson, isObject, type JsonObject } from "../../machines/objects/json.ts";
import { joined, type JsonSchema, memberSchema, setMember } from "./json_schema.ts";

const typeFields = ["apiVersion", "kind"];

/**
 * Removes, in place, what the schema does not declare.
 *
 * @returns the paths of what was removed, in order.
 */
export function prune(object: JsonObject, schema: JsonSchema): string[] {
  const removed: string[] = [];
  pruneObject(object, schema, true, "", removed);
  return removed.sort();
}

function pruneObject(
  object: JsonObject,
  schema: JsonSchema | undefined,
  isResource: boolean,
  path: string,
  removed: string[],
): void {
  const keepsAll = schema?.["x-kubernetes-preserve-unknown-fields"] === true;
  for (const name of Object.keys(object)) {
    const at = joined(path, name);
    if (isResource && (name === "metadata" || typeFields.includes(name))) continue;
    const known = memberSchema(schema, name);
    if (known !== undefined) pruneValue(object[name], known, at, removed);
    else if (!keepsAll && schema?.additionalProperties !== true) {
      delete object[name];
      removed.push(at);
    }
  }
}

function pruneValue(value: unknown, schema: JsonSchema, path: string, removed: string[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    value.forEach((each, index) => pruneValue(each, items, `${path}[${index}]`, removed));
  } else if (isObject(value)) {
    pruneObject(value, schema, schema["x-kubernetes-embedded-resource"] === true, path, removed);
  }
}

/** Fills in, in place, the defaults of what is absent or null without leave; nulls without either are dropped. */
export function setDefaults(value: unknown, schema: JsonSchema | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    value.forEach((each, index) => {
      const { items } = schema;
      if (items === undefined) return;
      if (each === null && items.nullable !== true && items.default !== undefined) {
        value[index] = copyJson(items.default);
      }
      setDefaults(value[index], items);
    });
    return;
  }
  if (!isObject(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const own = Object.hasOwn(value, name) ? value[name] : undefined;
    const absent = own === undefined || (own === null && property.nullable !== true);
    if (absent && property.default !== undefined) setMember(value, name, copyJson(property.default));
    else if (absent && own === null && !acceptsNull(property)) delete value[name];
  }
  for (const name in value) {
    const known = memberSchema(schema, name);
    const isDeclared = schema.properties !== undefined && Object.hasOwn(schema.properties, name);
    if (!isDeclared && value[name] === null && known?.nullable !== true && known?.default !== undefined) {
      setMember(value, name, copyJson(known.default));
    }
    setDefaults(value[name], known);
  }
}

/** A value of no declared type may be null. */
function acceptsNull(schema: JsonSchema): boolean {
  return schema.type === undefined && schema["x-kubernetes-int-or-string"] !== true;
}
