/**
 * The type of a field, as far as patches and field ownership need it. Who knows the schemas implements it; the patch
 * functions here only walk it. An unknown type (`undefined`) is treated as free-form JSON: maps merge, lists are atomic.
 */
export interface FieldType {
  /** "struct": declared fields; "map": any key, values of type `items`; "list": elements of type `items`. */
  readonly kind: "struct" | "map" | "list" | "scalar" | "any";
  /** The type of a struct's field; undefined: not declared. */
  field(name: string): FieldType | undefined;
  /** The type of a map's values or of a list's elements. */
  readonly items?: FieldType;
  /** Strategic merge patch: "merge", "replace", "retainKeys". */
  readonly patchStrategies: readonly string[];
  /** Strategic merge patch: the field that tells a list's elements apart. */
  readonly patchMergeKey?: string;
  /** Server-side apply: how a list is owned. */
  readonly listType?: "atomic" | "set" | "map";
  readonly listMapKeys: readonly string[];
  /** Server-side apply: a struct or map that is owned as a whole. */
  readonly atomic: boolean;
  /** What an absent value of this type counts as where the API's encoding always writes the field; else undefined. */
  readonly zero?: "struct" | "null";
  /** The default of a list element's key field when it is absent (protocol of a port: "TCP"). */
  readonly keyDefaults?: Readonly<Record<string, unknown>>;
}
