/** Field types of custom resources, from the structural schema of a CustomResourceDefinition's version. */
import type { FieldType } from "../../machines/objects/field_type.ts";
import { typeOfDefinition } from "./field_types.ts";

/** The part of `openAPIV3Schema` that field types follow from. */
export interface StructuralSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: boolean | StructuralSchema;
  readonly items?: StructuralSchema;
  readonly default?: unknown;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
}

const metadata = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const none: readonly string[] = [];
const scalar: FieldType = {
  kind: "scalar",
  field: () => undefined,
  patchStrategies: none,
  listMapKeys: none,
  atomic: false,
};

/** The type of a whole object: its schema, with kind, apiVersion and metadata as every object has them. */
export function customFieldType(schema: StructuralSchema): FieldType {
  return typeOf(schema, true);
}

function typeOf(schema: StructuralSchema, isResource: boolean): FieldType {
  const kind = kindOf(schema);
  const items = kind === "list" ? schema.items : kind === "map" ? schema.additionalProperties : undefined;
  const keys = schema["x-kubernetes-list-map-keys"] ?? none;
  const listType = schema["x-kubernetes-list-type"];
  const itemType = typeof items === "object" ? typeOf(items, false) : undefined;
  const known = new Map<string, FieldType>();
  return {
    kind: isResource ? "struct" : kind,
    field(name) {
      if (isResource && name === "metadata") return typeOfDefinition(metadata);
      if (isResource && (name === "kind" || name === "apiVersion")) return scalar;
      const property = ownProperty(schema.properties, name);
      if (property === undefined) return undefined;
      let type = known.get(name);
      if (type === undefined) known.set(name, type = typeOf(property, isEmbedded(property)));
      return type;
    },
    ...(itemType === undefined ? {} : { items: itemType }),
    patchStrategies: none,
    ...(listType === undefined ? {} : { listType }),
    listMapKeys: keys,
    atomic: schema["x-kubernetes-map-type"] === "atomic",
    ...(keys.length === 0 || typeof items !== "object" ? {} : { keyDefaults: defaultsOf(items, keys) }),
  };
}

function isEmbedded(schema: StructuralSchema): boolean {
  return schema["x-kubernetes-embedded-resource"] === true;
}

function ownProperty(
  properties: Readonly<Record<string, StructuralSchema>> | undefined,
  name: string,
): StructuralSchema | undefined {
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function kindOf(schema: StructuralSchema): FieldType["kind"] {
  if (schema["x-kubernetes-int-or-string"] === true) return "scalar";
  if (schema.properties !== undefined) return "struct";
  if (schema.type === "array") return "list";
  if (schema.type === undefined) return "any";
  if (schema.type !== "object") return "scalar";
  return typeof schema.additionalProperties === "object" ? "map" : "any";
}

function defaultsOf(items: StructuralSchema, keys: readonly string[]): Readonly<Record<string, unknown>> {
  const found = keys.map((key) => [key, ownProperty(items.properties, key)?.default] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}
