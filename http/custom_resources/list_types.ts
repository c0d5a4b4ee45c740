/** Lists that are sets or maps hold nothing twice (Kubernetes docs, "Server-Side Apply": merge strategy). */
import { isObject } from "../../machines/objects/json.ts";
import type { FieldError } from "../machinery/types.ts";
import { shown } from "../resources/validation/field.ts";
import { type JsonSchema, walk } from "./json_schema.ts";

export function listTypeErrors(object: unknown, schema: JsonSchema): FieldError[] {
  const errors: FieldError[] = [];
  walk(
    object,
    schema,
    (value, { "x-kubernetes-list-type": type, "x-kubernetes-list-map-keys": keys = [], items }, path) => {
      if (!Array.isArray(value) || (type !== "set" && type !== "map")) return;
      const identities = value.map((each) => type === "set" ? each : identityOf(each, keys, items));
      const seen = new Set<string>();
      identities.forEach((identity, index) => {
        const text = JSON.stringify(identity);
        if (!seen.has(text)) return void seen.add(text);
        const message = `Duplicate value: ${shown(identity)}`;
        errors.push({ reason: "FieldValueDuplicate", field: `${path}[${index}]`, message });
      });
    },
  );
  return errors;
}

function identityOf(element: unknown, keys: readonly string[], items: JsonSchema | undefined): unknown {
  if (!isObject(element)) return element;
  return Object.fromEntries(
    keys.map((key) => [key, element[key] ?? items?.properties?.[key]?.default] as const)
      .filter(([, value]) => value !== undefined),
  );
}
