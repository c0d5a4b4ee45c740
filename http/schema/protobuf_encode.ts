/** Values as JSON has them to Kubernetes' protobuf encoding. What is absent is not written: readers take it as zero. */
import { Writer } from "protobufjs";
import { secondsOf } from "./go_time.ts";
import type { GoStruct, GoType } from "./go_types.ts";
import { isWrappedList, magic, type Message, messageOf } from "./protobuf_messages.ts";
import { parseDuration } from "./go_duration.ts";

const utf8 = new TextEncoder();

/** An envelope around an object of a struct. @throws Error when a value does not fit its type. */
export function encodeProtobufObject(struct: GoStruct, object: Record<string, unknown>): Uint8Array {
  return inEnvelope(String(object.apiVersion), String(object.kind), encodeStruct(struct, object));
}

/** The magic bytes, then runtime.Unknown around a message. */
export function inEnvelope(apiVersion: string, kind: string, message: Uint8Array): Uint8Array {
  const header = Writer.create().uint32(10).string(apiVersion).uint32(18).string(kind).finish();
  const unknown = Writer.create().uint32(10).bytes(header).uint32(18).bytes(message);
  const body = unknown.uint32(26).string("").uint32(34).string("").finish();
  const out = new Uint8Array(magic.length + body.length);
  out.set(magic);
  out.set(body, magic.length);
  return out;
}

export function encodeStruct(struct: GoStruct, object: Record<string, unknown>): Uint8Array {
  return encodeMessage(messageOf(struct), object);
}

function encodeMessage(message: Message, object: Record<string, unknown>): Uint8Array {
  const writer = Writer.create();
  for (const [number, slot] of message.slots) {
    if ("embedded" in slot) {
      const inner = encodeMessage(slot.embedded, object);
      if (inner.length > 0) writer.uint32(number << 3 | 2).bytes(inner);
      continue;
    }
    const { name, type } = slot.field;
    const value = object[name];
    if (value === undefined || value === null) continue;
    if (type.kind === "list" && !isWrappedList(type)) {
      for (const item of value as unknown[]) writeField(writer, number, type.element as GoType, item);
    } else if (type.kind === "map") {
      const map = value as Record<string, unknown>;
      // In order, as Go's are: the same object is the same bytes.
      for (const key of Object.keys(map).sort()) {
        const item = map[key];
        const entry = Writer.create().uint32(10).string(key);
        writeField(entry, 2, type.element as GoType, item);
        writer.uint32(number << 3 | 2).bytes(entry.finish());
      }
    } else writeField(writer, number, type, value);
  }
  return writer.finish();
}

function writeField(writer: Writer, number: number, type: GoType, value: unknown): void {
  switch (type.kind) {
    case "int":
      writer.uint32(number << 3).int64(value as number);
      return;
    case "bool":
      writer.uint32(number << 3).bool(value as boolean);
      return;
    case "float":
      writer.uint32(number << 3 | 1).double(value as number);
      return;
    case "string":
      writer.uint32(number << 3 | 2).string(value as string);
      return;
    default:
      writer.uint32(number << 3 | 2).bytes(encodeValue(type, value));
  }
}

function encodeValue(type: GoType, value: unknown): Uint8Array {
  switch (type.kind) {
    case "bytes":
      return Uint8Array.fromBase64(value as string);
    case "struct":
      return encodeStruct(type.struct as GoStruct, value as Record<string, unknown>);
    case "list":
      return encodeItems(type.element as GoType, 1, value as unknown[]);
    case "quantity":
      return Writer.create().uint32(10).string(value as string).finish();
    case "any":
      return Writer.create().uint32(10).bytes(utf8.encode(JSON.stringify(value))).finish();
    case "time":
    case "microTime":
      return encodeTime(value as string);
    case "duration":
      return Writer.create().uint32(8).int64(parseDuration(value as string) ?? 0).finish();
    case "intOrString":
      return typeof value === "number"
        ? Writer.create().uint32(8).int64(0).uint32(16).int32(value).finish()
        : Writer.create().uint32(8).int64(1).uint32(26).string(value as string).finish();
    default:
      return encodeAlternatives(type, value);
  }
}

function encodeItems(element: GoType, number: number, items: readonly unknown[]): Uint8Array {
  const writer = Writer.create();
  for (const item of items) writeField(writer, number, element, item);
  return writer.finish();
}

function encodeTime(text: string): Uint8Array {
  const fraction = /\.(\d+)Z$/.exec(text)?.[1] ?? "";
  const nanos = Number(fraction.padEnd(9, "0").slice(0, 9) || "0");
  return Writer.create().uint32(8).int64(secondsOf(text)).uint32(16).int32(nanos).finish();
}

function encodeAlternatives(type: GoType, value: unknown): Uint8Array {
  const forms = type.alternatives?.();
  if (forms === undefined) throw new Error(`Cannot encode protobuf: unknown Go type ${type.text}`);
  const isBool = type.kind === "schemaOrBool";
  if (typeof value === "boolean") return Writer.create().uint32(8).bool(value).finish();
  if (Array.isArray(value)) return encodeItems(forms.many?.element as GoType, 2, value);
  const writer = Writer.create();
  if (isBool) writer.uint32(8).bool(true);
  writeField(writer, isBool ? 2 : 1, forms.one, value);
  return writer.finish();
}
