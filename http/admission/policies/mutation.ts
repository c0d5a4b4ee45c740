/** One mutation of a policy: what its expression makes of an object (k8s.io/apiserver admission/plugin/policy/mutating/patch). */
import type { FieldType } from "../../../machines/objects/field_type.ts";
import { mergeApplied } from "../../../machines/objects/field_set.ts";
import { isObject } from "../../../machines/objects/json.ts";
import { jsonPatch } from "../../../machines/objects/json_patch.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { PatchError } from "../../../machines/objects/patch_error.ts";
import { jsonOf, misplaced, ObjectLiteral } from "../../custom_resources/cel/object_literals.ts";
import { internal } from "../../machinery/errors.ts";
import type { SchemaAccess } from "../../machinery/schema_access.ts";
import type { Kind } from "../shown_request.ts";

/** Why a mutation cannot be made; its policy's failure policy says what follows. */
export class MutationError extends Error {}

export type PatchType = "ApplyConfiguration" | "JSONPatch";

export const patchTypes: Readonly<Record<PatchType, { readonly field: string; readonly wanted: readonly string[] }>> = {
  ApplyConfiguration: { field: "applyConfiguration", wanted: ["Object"] },
  JSONPatch: { field: "jsonPatch", wanted: ["list<JSONPatch>"] },
};

/** The changed copy. @throws MutationError; ApiError for what is no object of its kind any more */
export function mutated(
  patchType: PatchType,
  object: KubeObject,
  value: unknown,
  kind: Kind,
  schema: SchemaAccess,
): KubeObject {
  return patchType === "JSONPatch" ? jsonPatched(object, value, kind, schema) : configured(object, value, kind, schema);
}

function jsonPatched(object: KubeObject, value: unknown, kind: Kind, schema: SchemaAccess): KubeObject {
  const operations = (value as readonly unknown[]).map((each) => {
    if (!(each instanceof ObjectLiteral)) {
      throw new MutationError("type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch");
    }
    const wrong = each.members.get("value") instanceof ObjectLiteral
      ? misplacedIn(each.members.get("value"))
      : undefined;
    if (wrong !== undefined) throw new MutationError(`type mismatch: ${wrong}`);
    return jsonOf(each);
  });
  let patched: unknown;
  try {
    patched = jsonPatch(object, operations);
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    // A test that fails is how an expression says: not this one.
    if (/\btest/i.test(error.message)) return object;
    throw new MutationError(`JSON Patch: ${error.message}`);
  }
  const { object: decoded, errors } = schema.decodeValue(patched, kind, "Strict");
  if (errors.length > 0) throw internal(`strict decoding error: ${errors.join(", ")}`);
  return decoded;
}

/** A value that is put somewhere by a patch may begin at any type. */
function misplacedIn(value: unknown): string | undefined {
  return value instanceof ObjectLiteral ? misplaced(value, value.typeName) : undefined;
}

function configured(object: KubeObject, value: unknown, kind: Kind, schema: SchemaAccess): KubeObject {
  const wrong = misplaced(value);
  if (wrong !== undefined) throw new MutationError(`type mismatch: ${wrong}`);
  const given = jsonOf(value) as Record<string, unknown>;
  const { apiVersion, kind: name } = object;
  const patch = { ...given, apiVersion, kind: name };
  const type = schema.typeOf(kind);
  const { errors } = schema.decodeValue(structuredClone(patch), kind, "Strict");
  const undeclared = errors.map((text) => /^unknown field "(.*)"$/.exec(text)?.[1]).filter((path) =>
    path !== undefined
  );
  if (undeclared.length > 0) {
    const said = undeclared.map((path) => `.${path}: field not declared in schema`).join("\n");
    throw new MutationError(`error applying patch: failed to convert patch object to typed object: ${said}`);
  }
  const atomics = [...atomicsOf(given, type, "")];
  if (atomics.length > 0) {
    const said = `may not mutate atomic arrays, maps or structs: ${atomics.join(", ")}`;
    throw new MutationError(`error applying patch: invalid ApplyConfiguration: ${said}`);
  }
  return mergeApplied(object, patch, type) as KubeObject;
}

/** Parts that could only be replaced as a whole: a configuration would throw away what others put there. */
function* atomicsOf(value: unknown, type: FieldType | undefined, path: string): Generator<string> {
  if (type === undefined) return;
  if (isObject(value)) {
    if (type.atomic) yield path;
    if (type.kind !== "struct") return;
    for (const [name, each] of Object.entries(value)) yield* atomicsOf(each, type.field(name), `${path}.${name}`);
  } else if (Array.isArray(value) && type.kind === "list") {
    if ((type.listType ?? "atomic") === "atomic") yield path;
    for (const [index, each] of value.entries()) yield* atomicsOf(each, type.items, `${path}[${index}]`);
  }
}
