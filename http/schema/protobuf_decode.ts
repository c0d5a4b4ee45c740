/** Kubernetes' protobuf encoding to values as JSON has them. Unknown field numbers are passed over. */
import { Reader } from "protobufjs";
import { secondsText } from "./go_time.ts";
import { findStruct, type GoStruct, type GoType } from "./go_types.ts";
import { setOwn } from "./json_text.ts";
import { isWrappedList, magic, type Message, messageOf } from "./protobuf_messages.ts";
import { durationText } from "./go_duration.ts";

export interface ProtobufBody {
  readonly apiVersion: string;
  readonly kind: string;
  readonly value: Record<string, unknown>;
}

const utf8 = new TextDecoder();

export function hasProtobufMagic(bytes: Uint8Array): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/**
 * @param structOf Tells the Go struct of what the envelope names.
 * @throws Error (RangeError among them) when the bytes are no such message.
 */
export function decodeProtobuf(
  bytes: Uint8Array,
  structOf: (header: { apiVersion: string; kind: string }) => string,
): ProtobufBody {
  let apiVersion = "";
  let kind = "";
  let raw: Uint8Array = new Uint8Array();
  let contentType = "";
  forEachField(bytes.subarray(magic.length), (number, reader) => {
    if (number === 1) {
      forEachField(reader.bytes(), (part, inner) => {
        if (part === 1) apiVersion = inner.string();
        else if (part === 2) kind = inner.string();
        else return false;
        return true;
      });
    } else if (number === 2) raw = reader.bytes();
    else if (number === 4) contentType = reader.string();
    else return false;
    return true;
  });
  const key = structOf({ apiVersion, kind });
  if (contentType === "application/json") return { apiVersion, kind, value: JSON.parse(utf8.decode(raw)) };
  const struct = findStruct(key);
  if (struct === undefined) throw new Error(`Cannot decode protobuf: no struct ${key}`);
  return { apiVersion, kind, value: decodeStruct(struct, raw) };
}

export function decodeStruct(struct: GoStruct, bytes: Uint8Array): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  decodeInto(object, messageOf(struct), bytes);
  return object;
}

/** Reads a message's fields; those that `read` does not take are skipped. */
function forEachField(bytes: Uint8Array, read: (number: number, reader: Reader, wire: number) => boolean): void {
  const reader = Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (!read(tag >>> 3, reader, tag & 7)) reader.skipType(tag & 7);
  }
}

function decodeInto(object: Record<string, unknown>, message: Message, bytes: Uint8Array): void {
  forEachField(bytes, (number, reader, wire) => {
    const slot = message.slots.get(number);
    if (slot === undefined) return false;
    if ("embedded" in slot) {
      decodeInto(object, slot.embedded, reader.bytes());
      return true;
    }
    const { name, type } = slot.field;
    if (type.kind === "list" && !isWrappedList(type)) readRepeated(object, name, type.element as GoType, reader, wire);
    else if (type.kind === "map") readEntry(object, name, type.element as GoType, reader.bytes());
    else object[name] = readValue(type, reader);
    return true;
  });
}

function readRepeated(object: Record<string, unknown>, name: string, element: GoType, reader: Reader, wire: number) {
  const list = (object[name] ??= []) as unknown[];
  const packable = element.kind === "int" || element.kind === "bool" || element.kind === "float";
  if (wire !== 2 || !packable) {
    list.push(readValue(element, reader));
    return;
  }
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) list.push(readValue(element, reader));
}

function readEntry(object: Record<string, unknown>, name: string, element: GoType, bytes: Uint8Array): void {
  const map = (object[name] ??= {}) as Record<string, unknown>;
  let key = "";
  let value: unknown = null;
  forEachField(bytes, (number, reader) => {
    if (number === 1) key = reader.string();
    else if (number === 2) value = readValue(element, reader);
    else return false;
    return true;
  });
  setOwn(map, key, value);
}

function readInt64(reader: Reader): number {
  const value: unknown = reader.int64();
  return Number(value);
}

function readValue(type: GoType, reader: Reader): unknown {
  switch (type.kind) {
    case "string":
      return reader.string();
    case "bool":
      return reader.bool();
    case "int":
      return readInt64(reader);
    case "float":
      return reader.double();
    case "bytes":
      return reader.bytes().toBase64();
    case "struct":
      return decodeStruct(type.struct as GoStruct, reader.bytes());
    case "list":
      return readWrapped(type.element as GoType, reader.bytes());
    default:
      return readSpecial(type, reader.bytes());
  }
}

function readWrapped(element: GoType, bytes: Uint8Array): unknown[] {
  const items: unknown[] = [];
  forEachField(bytes, (number, reader) => number === 1 && items.push(readValue(element, reader)) > 0);
  return items;
}

/** Message -> its fields by number, for the types that encode themselves. */
function readSpecial(type: GoType, bytes: Uint8Array): unknown {
  switch (type.kind) {
    case "quantity":
      return firstBytes(bytes, utf8) ?? "0";
    case "any": {
      const text = firstBytes(bytes, utf8);
      return text === undefined || text === "" ? null : JSON.parse(text);
    }
    case "time":
    case "microTime":
      return bytes.length === 0 ? null : readTimestamp(bytes, type.kind === "microTime");
    case "duration":
      return durationText(readInts(bytes)[1] ?? 0);
    case "intOrString":
      return readIntOrString(bytes);
    default:
      return readAlternatives(type, bytes);
  }
}

function firstBytes(bytes: Uint8Array, decoder: TextDecoder): string | undefined {
  let text: string | undefined;
  forEachField(bytes, (number, reader) => {
    if (number !== 1) return false;
    text = decoder.decode(reader.bytes());
    return true;
  });
  return text;
}

function readInts(bytes: Uint8Array): Record<number, number> {
  const numbers: Record<number, number> = {};
  forEachField(bytes, (number, reader, wire) => {
    if (wire !== 0) return false;
    numbers[number] = readInt64(reader);
    return true;
  });
  return numbers;
}

function readTimestamp(bytes: Uint8Array, micro: boolean): string {
  const { 1: seconds = 0, 2: nanos = 0 } = readInts(bytes);
  const text = secondsText(seconds);
  return micro ? `${text}.${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z` : `${text}Z`;
}

function readIntOrString(bytes: Uint8Array): number | string {
  let text = "";
  forEachField(bytes, (number, reader) => {
    if (number !== 3) return false;
    text = reader.string();
    return true;
  });
  const { 1: type = 0, 2: int = 0 } = readInts(bytes);
  return type === 1 ? text : int;
}

function readAlternatives(type: GoType, bytes: Uint8Array): unknown {
  const forms = type.alternatives?.();
  if (forms === undefined) throw new Error(`Cannot decode protobuf: unknown Go type ${type.text}`);
  const schemaNumber = type.kind === "schemaOrBool" ? 2 : 1;
  let one: unknown;
  let allows = false;
  const many: unknown[] = [];
  forEachField(bytes, (number, reader) => {
    if (number === schemaNumber) one = readValue(forms.one, reader);
    else if (number === 1) allows = reader.bool();
    else if (number === 2 && forms.many?.element !== undefined) many.push(readValue(forms.many.element, reader));
    else return false;
    return true;
  });
  if (many.length > 0) return many;
  return one ?? (type.kind === "schemaOrBool" ? allows : null);
}
