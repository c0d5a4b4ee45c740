/** Answers in Kubernetes' protobuf encoding: objects, lists and the events of a watch. */
import { Writer } from "protobufjs";
import type { GroupVersionKind, ProtobufForm, ProtobufList } from "../machinery/schema_access.ts";
import { findStruct, goKeyOf, type GoStruct } from "./go_types.ts";
import { apiVersionOf, definitionOf, parseApiVersion } from "./kinds.ts";
import { encodeStruct, inEnvelope } from "./protobuf_encode.ts";

type Fields = Record<string, unknown>;

/** Writes the message of an object, without its envelope. */
type Encode = (object: Fields) => Uint8Array;

const encoders = new Map<string, Encode>();

/** Metadata alone is no kind of the API's documents: its one field is all there is to know. */
const partial: Encode = ({ metadata }) => Writer.create().uint32(10).bytes(member("ObjectMeta", metadata)).finish();
const partialList: Encode = ({ metadata, items }) => {
  const writer = Writer.create().uint32(10).bytes(member("ListMeta", metadata));
  for (const item of items as Fields[]) writer.uint32(18).bytes(partial(item));
  return writer.finish();
};

function member(name: string, value: unknown): Uint8Array {
  return encodeStruct(findStruct(`meta/v1.${name}`) as GoStruct, (value ?? {}) as Fields);
}

function encoderOf(kind: GroupVersionKind): Encode | undefined {
  const key = `${kind.group}/${kind.version}/${kind.kind}`;
  let encode = encoders.get(key);
  if (encode !== undefined) return encode;
  encode = findEncoder(kind);
  if (encode !== undefined) encoders.set(key, encode);
  return encode;
}

function findEncoder(kind: GroupVersionKind): Encode | undefined {
  if (kind.group === "meta.k8s.io" && kind.version === "v1") {
    if (kind.kind === "PartialObjectMetadata") return partial;
    if (kind.kind === "PartialObjectMetadataList") return partialList;
  }
  const name = definitionOf(kind);
  const struct = name === undefined ? undefined : findStruct(goKeyOf(name));
  return struct === undefined ? undefined : (object) => encodeStruct(struct, object);
}

function encoder(kind: GroupVersionKind): Encode {
  const encode = encoderOf(kind);
  if (encode === undefined) throw new Error(`Cannot encode protobuf: unknown kind ${apiVersionOf(kind)} ${kind.kind}`);
  return encode;
}

class List implements ProtobufList {
  readonly #head: { readonly apiVersion: string; readonly kind: string };
  readonly #item: Encode;
  readonly #message: Writer;

  constructor(head: Parameters<ProtobufForm["list"]>[0], item: GroupVersionKind) {
    this.#head = head;
    this.#item = encoder(item);
    // ListMeta is field 1 and the items are field 2 of every list.
    this.#message = Writer.create().uint32(10).bytes(member("ListMeta", head.metadata));
  }

  add(item: object): void {
    this.#message.uint32(18).bytes(this.#item(item as Fields));
  }

  finish(): Uint8Array {
    return inEnvelope(this.#head.apiVersion, this.#head.kind, this.#message.finish());
  }
}

const utf8 = new TextEncoder();

export const protobufForm: ProtobufForm = {
  has: (kind) => encoderOf(kind) !== undefined,
  object(object) {
    const { apiVersion, kind } = object;
    const { group, version } = parseApiVersion(apiVersion) ?? { group: "", version: "" };
    return inEnvelope(apiVersion, kind, encoder({ group, version, kind })(object as unknown as Fields));
  },
  list: (head, item) => new List(head, item),
  watchEvent(type, object) {
    const raw = Writer.create().uint32(10).bytes(object).finish();
    const event = Writer.create().uint32(10).bytes(utf8.encode(type)).uint32(18).bytes(raw).finish();
    const frame = new Uint8Array(4 + event.length);
    new DataView(frame.buffer).setUint32(0, event.length);
    frame.set(event, 4);
    return frame;
  },
};
