/**
 * The Go types behind the API, compiled from generated/go_types_text.ts when first asked for. Decoding, the form of an
 * encoded object (what is left out when empty), error texts and the protobuf encoding follow from them.
 */
import { goTypesText } from "./generated/go_types_text.ts";

/** How a value is read and written. `any` is kept as it came. */
export type GoKind =
  | "string"
  | "bool"
  | "int"
  | "float"
  | "bytes"
  | "struct"
  | "list"
  | "map"
  | "time"
  | "microTime"
  | "duration"
  | "quantity"
  | "intOrString"
  | "any"
  | "schemaOrBool"
  | "schemaOrArray"
  | "schemaOrStrings";

export interface GoType {
  readonly kind: GoKind;
  /** As Go prints it in errors, without pointers: `int32`, `[]v1.Container`, `map[string]string`, `v1.PullPolicy`. */
  readonly text: string;
  readonly struct?: GoStruct;
  /** Items of a list, values of a map. */
  readonly element?: GoType;
  readonly bits?: 32 | 64;
  /** The protobuf message wraps a list (named list types such as ExtraValue). */
  readonly wrapped?: boolean;
  /** The forms of a value that may be an object or a list. */
  readonly alternatives?: () => { readonly one: GoType; readonly many?: GoType };
}

export interface GoField {
  readonly name: string;
  readonly type: GoType;
  /** Names of embedded structs on the way, each with a dot: `ProbeHandler.`; errors name them. */
  readonly embedded: string;
  /** Protobuf numbers on the way through embedded structs, then its own. Empty: not in protobuf. */
  readonly numbers: readonly number[];
  readonly pointer: boolean;
  /** Empty strings, numbers, lists and maps are left out. */
  readonly omitEmpty: boolean;
  /** Zero structs are left out, too. */
  readonly omitZero: boolean;
}

export interface GoStruct {
  /** `core/v1.Pod`. */
  readonly key: string;
  /** Bare name, as errors print it. */
  readonly name: string;
  readonly fields: ReadonlyMap<string, GoField>;
  /** Fields that are written even when nobody set them. */
  readonly always: readonly GoField[];
  readonly isTopLevel: boolean;
}

let parsed: Record<string, Record<string, string>> | undefined;
const structs = new Map<string, GoStruct>();
const types = new Map<string, GoType>();

const selfEncoding: Readonly<Record<string, GoType>> = {
  "meta/v1.Time": { kind: "time", text: "v1.Time" },
  "meta/v1.MicroTime": { kind: "microTime", text: "v1.MicroTime" },
  "meta/v1.Duration": { kind: "duration", text: "v1.Duration" },
  "meta/v1.FieldsV1": { kind: "any", text: "v1.FieldsV1" },
  "resource.Quantity": { kind: "quantity", text: "resource.Quantity" },
  "runtime.RawExtension": { kind: "any", text: "runtime.RawExtension" },
  "intstr.IntOrString": { kind: "intOrString", text: "intstr.IntOrString" },
  "apiextensions/v1.JSON": { kind: "any", text: "v1.JSON" },
  "apiextensions/v1.JSONSchemaPropsOrBool": {
    kind: "schemaOrBool",
    text: "v1.JSONSchemaPropsOrBool",
    alternatives: () => ({ one: schemaProps() }),
  },
  "apiextensions/v1.JSONSchemaPropsOrArray": {
    kind: "schemaOrArray",
    text: "v1.JSONSchemaPropsOrArray",
    alternatives: () => ({ one: schemaProps(), many: typeOf("apiextensions/v1", "[]JSONSchemaProps") }),
  },
  "apiextensions/v1.JSONSchemaPropsOrStringArray": {
    kind: "schemaOrStrings",
    text: "v1.JSONSchemaPropsOrStringArray",
    alternatives: () => ({ one: schemaProps(), many: typeOf("apiextensions/v1", "[]string") }),
  },
};

function schemaProps(): GoType {
  return typeOf("apiextensions/v1", "JSONSchemaProps");
}

const basic: Readonly<Record<string, GoType>> = {
  string: { kind: "string", text: "string" },
  bool: { kind: "bool", text: "bool" },
  int32: { kind: "int", text: "int32", bits: 32 },
  int64: { kind: "int", text: "int64", bits: 64 },
  int: { kind: "int", text: "int", bits: 64 },
  float64: { kind: "float", text: "float64" },
  "[]byte": { kind: "bytes", text: "[]uint8" },
};

function rowOf(pack: string, name: string): string | undefined {
  parsed ??= JSON.parse(goTypesText) as Record<string, Record<string, string>>;
  return parsed[pack]?.[name];
}

/** `io.k8s.api.core.v1.Pod` as `core/v1.Pod`. */
export function goKeyOf(definition: string): string {
  const [name = "", version = "", group = ""] = definition.split(".").reverse();
  return `${group}/${version}.${name}`;
}

/** @returns undefined when there is no such struct. */
export function findStruct(key: string): GoStruct | undefined {
  const known = structs.get(key);
  if (known !== undefined) return known;
  const [pack = "", name = ""] = key.split(".");
  const text = rowOf(pack, name);
  if (text === undefined || text.startsWith("=")) return undefined;
  return compileStruct(pack, name, text);
}

function structOf(key: string): GoStruct {
  const struct = findStruct(key);
  if (struct === undefined) throw new Error(`Cannot find Go struct: ${key}`);
  return struct;
}

function compileStruct(pack: string, name: string, text: string): GoStruct {
  const fields = new Map<string, GoField>();
  const always: GoField[] = [];
  const struct: GoStruct = {
    key: `${pack}.${name}`,
    name,
    fields,
    always,
    isTopLevel: text.startsWith("+meta/v1.TypeMeta"),
  };
  // Known before its fields are, for structs that contain themselves.
  structs.set(struct.key, struct);
  for (const part of text === "" ? [] : text.split(" ")) addField(pack, part, fields);
  // Protobuf carries kind and apiVersion beside the object.
  for (const field of fields.values()) if (isAlwaysWritten(field)) always.push(field);
  return struct;
}

function addField(pack: string, part: string, fields: Map<string, GoField>): void {
  const [rest = "", number] = part.split("#");
  const numbers = number === undefined ? [] : [Number(number)];
  if (rest.startsWith("+")) {
    const key = qualify(pack, rest.slice(1));
    const inner = structOf(key);
    for (const field of inner.fields.values()) {
      const through = numbers.length === 0 ? field.numbers : [...numbers, ...field.numbers];
      const embedded = key === "meta/v1.TypeMeta" ? `TypeMeta.${field.embedded}` : `${inner.name}.${field.embedded}`;
      fields.set(field.name, { ...field, embedded, numbers: key === "meta/v1.TypeMeta" ? [] : through });
    }
    return;
  }
  const colon = rest.indexOf(":");
  const mark = rest[colon - 1];
  const goType = rest.slice(colon + 1);
  const pointer = goType.startsWith("*");
  const name = rest.slice(0, mark === "?" || mark === "!" ? colon - 1 : colon);
  let type: GoType | undefined;
  fields.set(name, {
    name,
    // Compiled at first use: most requests touch few types.
    get type() {
      return type ??= typeOf(pack, pointer ? goType.slice(1) : goType);
    },
    embedded: "",
    numbers,
    pointer,
    omitEmpty: mark === "?" || mark === "!",
    omitZero: mark === "!",
  });
}

function qualify(pack: string, name: string): string {
  return name.includes(".") ? name : `${pack}.${name}`;
}

/** The type a Go expression names, as seen from a package. */
function typeOf(pack: string, text: string): GoType {
  const plain = basic[text];
  if (plain !== undefined) return plain;
  const key = `${pack} ${text}`;
  let type = types.get(key);
  if (type === undefined) types.set(key, type = compileType(pack, text));
  return type;
}

function compileType(pack: string, text: string): GoType {
  if (text.startsWith("*")) return { ...typeOf(pack, text.slice(1)) };
  if (text.startsWith("[]")) {
    const element = typeOf(pack, text.slice(2));
    return { kind: "list", text: `[]${element.text}`, element };
  }
  if (text.startsWith("map[")) {
    const close = text.indexOf("]");
    const element = typeOf(pack, text.slice(close + 1));
    return { kind: "map", text: `map[${typeOf(pack, text.slice(4, close)).text}]${element.text}`, element };
  }
  const key = qualify(pack, text);
  const special = selfEncoding[key];
  if (special !== undefined) return special;
  const [owner = "", name = ""] = key.split(".");
  const printed = `${owner.split("/").at(-1)}.${name}`;
  const row = rowOf(owner, name);
  if (row === undefined) throw new Error(`Cannot find Go type: ${text} in ${pack}`);
  if (!row.startsWith("=")) return { kind: "struct", text: printed, struct: structOf(key) };
  const real = typeOf(owner, row.slice(1));
  return { ...real, text: printed, ...(real.kind === "list" ? { wrapped: true } : {}) };
}

function isAlwaysWritten(field: GoField): boolean {
  if (field.omitZero || field.embedded === "TypeMeta.") return false;
  if (!field.omitEmpty) return true;
  if (field.pointer) return false;
  return !["string", "bool", "int", "float", "bytes", "list", "map"].includes(field.type.kind);
}

/** What Go writes for a field nobody set. A fresh value each time. */
export function zeroOf(field: GoField): unknown {
  return field.pointer ? null : zeroOfType(field.type);
}

function zeroOfType(type: GoType): unknown {
  switch (type.kind) {
    case "string":
      return "";
    case "bool":
      return false;
    case "int":
    case "float":
    case "intOrString":
      return 0;
    case "quantity":
      return "0";
    case "duration":
      return "0s";
    case "schemaOrBool":
      return false;
    case "struct": {
      const object: Record<string, unknown> = {};
      for (const field of type.struct?.always ?? []) object[field.name] = zeroOf(field);
      return object;
    }
    default:
      return null;
  }
}
