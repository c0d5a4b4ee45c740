/** What the machinery asks of those who know the types (`http/schema`): decoding, field types, OpenAPI documents. */
import type { FieldType } from "../../machines/objects/field_type.ts";
import type { KubeObject } from "../../machines/objects/object.ts";

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface Decoded {
  readonly object: KubeObject;
  /** Unknown and duplicate fields, in Kubernetes' words; empty under "Ignore". */
  readonly errors: readonly string[];
}

/** Kubernetes' protobuf encoding of answers (`application/vnd.kubernetes.protobuf`). */
export interface ProtobufForm {
  /** Whether objects of the kind can be written so: built-in ones can, custom resources and tables cannot. */
  has(kind: GroupVersionKind): boolean;
  /** An object that names its kind, in its envelope. @throws Error for a kind that has no such form. */
  object(object: { readonly apiVersion: string; readonly kind: string }): Uint8Array;
  /** A list in its envelope, an item at a time, so that others get their turn in between. */
  list(
    head: { readonly apiVersion: string; readonly kind: string; readonly metadata: object },
    item: GroupVersionKind,
  ): ProtobufList;
  /** One event of a watch with the length in front; `object` is in its envelope. */
  watchEvent(type: string, object: Uint8Array): Uint8Array;
}

export interface ProtobufList {
  add(item: object): void;
  finish(): Uint8Array;
}

export interface SchemaAccess {
  /** Absent: nothing is answered in protobuf. */
  readonly protobuf?: ProtobufForm | undefined;
  /** Another number whenever the documents of OpenAPI may be others; absent: they never are. */
  readonly revision?: number;
  /**
   * A request body (JSON, YAML or protobuf) as an object of `expected`'s type, which is also assumed when the body names
   * none. The object is the caller's to change.
   *
   * @throws ApiError 400 for a body that cannot be read or is of another kind, 415 for an unknown format.
   */
  decode(
    bytes: Uint8Array,
    contentType: string,
    expected: GroupVersionKind | undefined,
    validation: FieldValidation,
  ): Decoded;
  /** The same checks for a value that is parsed already (a patched object). The value may be changed or handed back. */
  decodeValue(value: unknown, expected: GroupVersionKind, validation: FieldValidation): Decoded;
  /** The type of an object of that kind; undefined: no schema is known, anything goes. */
  typeOf(gvk: GroupVersionKind): FieldType | undefined;
  openapiV2(): unknown | Promise<unknown>;
  /** The same as a gnostic `Document` in protobuf, where somebody can write it. */
  openapiV2Protobuf?(): Promise<Uint8Array<ArrayBuffer>>;
  /** `/openapi/v3`: paths to `{ serverRelativeURL }`. */
  openapiV3Index(): unknown | Promise<unknown>;
  /** `path` is "api/v1" or "apis/GROUP/VERSION"; undefined: no such document. */
  openapiV3(path: string): unknown | Promise<unknown>;
}
