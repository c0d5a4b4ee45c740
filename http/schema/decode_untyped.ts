/** Bodies of kinds that are not built in (custom resources): parsed, duplicate fields named, nothing checked. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { Decoded, FieldValidation, GroupVersionKind } from "../machinery/schema_access.ts";
import { kindOf, objectOf, parseBody } from "./body.ts";
import { countKeys, isObject } from "./go_walk.ts";
import { parseJsonExactly } from "./json_text.ts";
import { apiVersionOf } from "./kinds.ts";

const accepted = ["application/json", "application/yaml"];

/** @throws ApiError 400 and 415 in Kubernetes' words. */
export function decodeUntyped(
  bytes: Uint8Array,
  contentType: string,
  expected: GroupVersionKind | undefined,
  validation: FieldValidation,
): Decoded {
  const body = parseBody(bytes, contentType, expected, accepted);
  const value = objectOf(body, expected);
  const gvk = kindOf(value, expected, bytes);
  const errors = [...body.yamlErrors];
  if (body.json !== undefined && validation !== "Ignore" && body.json.scan.keys !== countKeys(value)) {
    errors.push(...duplicatesIn(body.json.text));
  }
  const object = { ...value, apiVersion: apiVersionOf(gvk), kind: gvk.kind } as KubeObject;
  return { object, errors: validation === "Ignore" ? [] : errors };
}

function duplicatesIn(text: string): string[] {
  const { value, notes } = parseJsonExactly(text);
  const found: { text: string; position: number }[] = [];
  const visit = (item: unknown, path: string): void => {
    if (Array.isArray(item)) item.forEach((each, index) => visit(each, `${path}[${index}]`));
    else if (isObject(item)) {
      const join = (key: string) => path === "" ? key : `${path}.${key}`;
      for (const { key, position } of notes.get(item)?.duplicates ?? []) {
        found.push({ text: `duplicate field ${JSON.stringify(join(key))}`, position });
      }
      for (const key in item) visit(item[key], join(key));
    }
  };
  visit(value, "");
  return found.sort((a, b) => a.position - b.position).map((each) => each.text);
}

/** A value that was parsed before, taken as it is. @throws ApiError 400 when it is no object. */
export function untypedValue(value: unknown, expected: GroupVersionKind): Decoded {
  const object = objectOf({ value, bytes: undefined, json: undefined, yamlErrors: [] }, expected);
  const gvk = kindOf(object, expected, undefined);
  return { object: { ...object, apiVersion: apiVersionOf(gvk), kind: gvk.kind } as KubeObject, errors: [] };
}
