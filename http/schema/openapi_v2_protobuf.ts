/**
 * The document of `/openapi/v2` in the protobuf form that client-go asks for (field numbers of gnostic's
 * OpenAPIv2.proto). Clients accept `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`, which is no valid media
 * type; the answer's content type is `application/com.github.proto-openapi.spec.v2.v1.0+protobuf`.
 */
import { Writer } from "protobufjs";
import { openapiV2 } from "./openapi_v2.ts";

type Json = Readonly<Record<string, unknown>>;

/** The number of each text field, list of texts and flag; what has a shape of its own is written by hand below. */
interface Plain {
  readonly texts?: Readonly<Record<string, number>>;
  readonly lists?: Readonly<Record<string, number>>;
  readonly flags?: Readonly<Record<string, number>>;
}

const info: Plain = { texts: { title: 1, version: 2 } };
const schemaFields: Plain = {
  texts: { $ref: 1, format: 2, description: 4 },
  lists: { required: 19 },
};
const operationFields: Plain = {
  texts: { description: 3, operationId: 5 },
  lists: { tags: 1, produces: 6, consumes: 7, schemes: 10 },
};
const bodyFields: Plain = { texts: { description: 1, name: 2, in: 3 }, flags: { required: 4 } };
const queryFields: Plain = { texts: { in: 2, description: 3, name: 4, type: 6 }, flags: { uniqueItems: 20 } };
const pathFields: Plain = {
  texts: { in: 2, description: 3, name: 4, type: 5 },
  flags: { required: 1, uniqueItems: 19 },
};
const keyFields: Plain = { texts: { type: 1, name: 2, in: 3, description: 4 } };
const methods: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, options: 6, head: 7, patch: 8 };

let encoded: Uint8Array<ArrayBuffer> | undefined;

export function openapiV2Protobuf(): Uint8Array<ArrayBuffer> {
  return encoded ??= new Uint8Array(encodeDocument(openapiV2() as Json));
}

function encodeDocument(document: Json): Uint8Array {
  const writer = Writer.create();
  text(writer, 1, String(document.swagger));
  message(writer, 2, plain(document.info as Json, info));
  message(writer, 8, named(document.paths as Json, 2, encodePathItem));
  message(writer, 9, named(document.definitions as Json, 1, encodeSchema));
  for (const requirement of document.security as Json[]) message(writer, 12, named(requirement, 1, () => empty));
  message(writer, 13, named(document.securityDefinitions as Json, 1, (key) => wrapped(2, plain(key, keyFields))));
  return writer.finish();
}

const empty = new Uint8Array();

function text(writer: Writer, number: number, value: string): void {
  writer.uint32(number << 3 | 2).string(value);
}

function message(writer: Writer, number: number, bytes: Uint8Array): void {
  writer.uint32(number << 3 | 2).bytes(bytes);
}

/** A message with one message in it. */
function wrapped(number: number, bytes: Uint8Array): Uint8Array {
  const writer = Writer.create();
  message(writer, number, bytes);
  return writer.finish();
}

/** A map, as gnostic has it: messages of name and value. */
function named(map: Json, number: number, encode: (value: Json) => Uint8Array): Uint8Array {
  const writer = Writer.create();
  for (const [name, value] of Object.entries(map)) {
    const entry = Writer.create();
    text(entry, 1, name);
    message(entry, 2, encode(value as Json));
    message(writer, number, entry.finish());
  }
  return writer.finish();
}

function plain(value: Json, fields: Plain, extend?: (writer: Writer) => void): Uint8Array {
  const writer = Writer.create();
  for (const [name, number] of Object.entries(fields.texts ?? {})) {
    if (typeof value[name] === "string") text(writer, number, value[name]);
  }
  for (const [name, number] of Object.entries(fields.lists ?? {})) {
    for (const item of value[name] as string[] ?? []) text(writer, number, item);
  }
  for (const [name, number] of Object.entries(fields.flags ?? {})) {
    if (value[name] === true) writer.uint32(number << 3).bool(true);
  }
  extend?.(writer);
  return writer.finish();
}

/** Values of any shape are carried as YAML, which JSON is. */
function anyValue(value: unknown): Uint8Array {
  const writer = Writer.create();
  text(writer, 2, JSON.stringify(value));
  return writer.finish();
}

function extensions(writer: Writer, number: number, value: Json): void {
  for (const [name, item] of Object.entries(value)) {
    if (!name.startsWith("x-")) continue;
    const entry = Writer.create();
    text(entry, 1, name);
    message(entry, 2, anyValue(item));
    message(writer, number, entry.finish());
  }
}

function encodeSchema(schema: Json): Uint8Array {
  return plain(schema, schemaFields, (writer) => {
    for (const item of schema.enum as unknown[] ?? []) message(writer, 20, anyValue(item));
    const { additionalProperties, type, items, properties } = schema;
    if (additionalProperties !== undefined) message(writer, 21, wrapped(1, encodeSchema(additionalProperties as Json)));
    if (type !== undefined) {
      const types = Writer.create();
      text(types, 1, String(type));
      message(writer, 22, types.finish());
    }
    if (items !== undefined) message(writer, 23, wrapped(1, encodeSchema(items as Json)));
    if (properties !== undefined) message(writer, 25, named(properties as Json, 1, encodeSchema));
    extensions(writer, 31, schema);
  });
}

function encodePathItem(item: Json): Uint8Array {
  const writer = Writer.create();
  for (const [method, number] of Object.entries(methods)) {
    if (item[method] !== undefined) message(writer, number, encodeOperation(item[method] as Json));
  }
  for (const parameter of item.parameters as Json[] ?? []) message(writer, 9, encodeParameter(parameter));
  return writer.finish();
}

function encodeOperation(operation: Json): Uint8Array {
  return plain(operation, operationFields, (writer) => {
    for (const parameter of operation.parameters as Json[] ?? []) message(writer, 8, encodeParameter(parameter));
    message(writer, 9, named(operation.responses as Json, 1, encodeResponse));
    extensions(writer, 13, operation);
  });
}

function encodeParameter(parameter: Json): Uint8Array {
  if (parameter.in === "body") {
    const body = plain(parameter, bodyFields, (writer) => message(writer, 5, encodeSchema(parameter.schema as Json)));
    return wrapped(1, wrapped(1, body));
  }
  const isPath = parameter.in === "path";
  return wrapped(1, wrapped(2, wrapped(isPath ? 4 : 3, plain(parameter, isPath ? pathFields : queryFields))));
}

function encodeResponse(response: Json): Uint8Array {
  const fields: Plain = { texts: { description: 1 } };
  const body = plain(response, fields, (writer) => {
    if (response.schema !== undefined) message(writer, 2, wrapped(1, encodeSchema(response.schema as Json)));
  });
  return wrapped(1, body);
}
