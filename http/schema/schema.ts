/** What the API server knows about the built-in types, as one value. */
import type { FieldType } from "../../machines/objects/field_type.ts";
import type { GroupVersionKind, ProtobufForm, SchemaAccess } from "../machinery/schema_access.ts";
import { decode, decodeValueAs } from "./decode.ts";
import { decodeUntyped, untypedValue } from "./decode_untyped.ts";
import { fieldTypeOf } from "./field_types.ts";
import { definitionOf } from "./kinds.ts";
import { protobufForm } from "./protobuf_form.ts";

export interface Schema extends SchemaAccess {
  /** Whether the kind is built in; others (custom resources) have a schema of their own elsewhere. */
  knows(gvk: GroupVersionKind): boolean;
  readonly protobuf: ProtobufForm;
  typeOf(gvk: GroupVersionKind): FieldType | undefined;
  /**
   * `/openapi/v2` for who accepts `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`; the answer's content
   * type has a dot for the @, or clients cannot parse it.
   */
  openapiV2Protobuf(): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Cheap: tables are parsed and types compiled when first used. Objects of kinds that are not built in are parsed and
 * their duplicate fields named; nothing else is known of them here.
 */
export function loadSchema(): Schema {
  return {
    decode: (bytes, contentType, expected, validation) => {
      const read = isCustom(expected) ? decodeUntyped : decode;
      return read(bytes, contentType, expected, validation);
    },
    decodeValue: (value, expected, validation) =>
      isCustom(expected) ? untypedValue(value, expected) : decodeValueAs(value, expected, validation),
    typeOf: fieldTypeOf,
    knows: (gvk) => definitionOf(gvk) !== undefined,
    protobuf: protobufForm,
    openapiV2: async () => (await import("./openapi_v2.ts")).openapiV2(),
    openapiV2Protobuf: async () => (await import("./openapi_v2_protobuf.ts")).openapiV2Protobuf(),
    openapiV3Index: async () => (await import("./openapi_v3.ts")).openapiV3Index(),
    openapiV3: async (path) => (await import("./openapi_v3.ts")).openapiV3(path),
  };
}

function isCustom(expected: GroupVersionKind | undefined): boolean {
  return expected !== undefined && definitionOf(expected) === undefined;
}
