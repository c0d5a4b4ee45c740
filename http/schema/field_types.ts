/** The type of every field as patches and server-side apply see it: OpenAPI's facts, with Go's about empty values. */
import type { FieldType } from "../../machines/objects/field_type.ts";
import type { GroupVersionKind } from "../machinery/schema_access.ts";
import { definition, type OpenApiSchema, referenceOf } from "./definitions.ts";
import { findStruct, type GoField, goKeyOf, type GoStruct } from "./go_types.ts";
import { definitionOf } from "./kinds.ts";

const none: readonly string[] = [];
const byDefinition = new Map<string, FieldType>();

/** @returns undefined for a kind that is not built in. */
export function fieldTypeOf(gvk: GroupVersionKind): FieldType | undefined {
  const name = definitionOf(gvk);
  return name === undefined ? undefined : typeOfDefinition(name);
}

/** The type of a built-in definition: `io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta`. */
export function typeOfDefinition(name: string): FieldType {
  let type = byDefinition.get(name);
  if (type === undefined) {
    type = typeOfSchema(definition(name) ?? {}, name, undefined);
    byDefinition.set(name, type);
  }
  return type;
}

/** A property's schema may refer to a definition and add to it: patch strategy, atomicity. */
function typeOfSchema(schema: OpenApiSchema, name: string | undefined, field: GoField | undefined): FieldType {
  const reference = referenceOf(schema);
  const target = reference === undefined ? schema : definition(reference) ?? {};
  const owner = reference ?? name;
  const mergeKey = schema["x-kubernetes-patch-merge-key"];
  const listType = schema["x-kubernetes-list-type"];
  const shape = shapeOf(target);
  const zero = zeroKind(field);
  const items = shape === "map" ? target.additionalProperties : shape === "list" ? target.items : undefined;
  const keys = schema["x-kubernetes-list-map-keys"] ?? none;
  let itemType: FieldType | undefined;
  const base = {
    kind: shape,
    field: fieldLookup(target, shape === "struct" ? owner : undefined),
    patchStrategies: schema["x-kubernetes-patch-strategy"]?.split(",") ?? none,
    ...(mergeKey === undefined ? {} : { patchMergeKey: mergeKey }),
    ...(listType === undefined ? {} : { listType }),
    listMapKeys: keys,
    atomic: (schema["x-kubernetes-map-type"] ?? target["x-kubernetes-map-type"]) === "atomic",
    ...(zero === undefined ? {} : { zero }),
    ...(keys.length === 0 ? {} : { keyDefaults: defaultsOf(items, keys) }),
  };
  if (items === undefined) return base;
  // Compiled at first use, as types may contain themselves.
  return {
    ...base,
    get items() {
      return itemType ??= typeOfItems(items);
    },
  };
}

function typeOfItems(items: OpenApiSchema): FieldType {
  const reference = referenceOf(items);
  return reference === undefined ? typeOfSchema(items, undefined, undefined) : typeOfDefinition(reference);
}

function shapeOf(schema: OpenApiSchema): FieldType["kind"] {
  if (schema.properties !== undefined) return "struct";
  if (schema.type === "array") return "list";
  if (schema.type === "object") return schema.additionalProperties === undefined ? "any" : "map";
  return schema.type === undefined && schema.oneOf === undefined ? "any" : "scalar";
}

function fieldLookup(schema: OpenApiSchema, name: string | undefined): (field: string) => FieldType | undefined {
  const properties = schema.properties;
  if (properties === undefined) return () => undefined;
  const known = new Map<string, FieldType>();
  let struct: GoStruct | undefined | null = null;
  return (field) => {
    const found = known.get(field);
    if (found !== undefined || !Object.hasOwn(properties, field)) return found;
    if (struct === null) struct = name === undefined ? undefined : findStruct(goKeyOf(name));
    const type = typeOfSchema(properties[field] as OpenApiSchema, undefined, struct?.fields.get(field));
    known.set(field, type);
    return type;
  };
}

function zeroKind(field: GoField | undefined): FieldType["zero"] {
  if (field === undefined || field.pointer || field.omitZero) return undefined;
  if (field.type.kind === "struct") return "struct";
  const nullable = ["time", "microTime", "any"].includes(field.type.kind);
  return nullable || (!field.omitEmpty && ["list", "map"].includes(field.type.kind)) ? "null" : undefined;
}

function defaultsOf(items: OpenApiSchema | undefined, keys: readonly string[]): Readonly<Record<string, unknown>> {
  const reference = items === undefined ? undefined : referenceOf(items);
  const properties = (reference === undefined ? items : definition(reference))?.properties ?? {};
  return Object.fromEntries(
    keys.flatMap((key) => properties[key]?.default === undefined ? [] : [[key, properties[key].default]]),
  );
}
