/** An answer of the engine as the bytes a client asked for. */
import { stringify as stringifyYaml } from "yaml";
import type { ApiReply } from "./api_request.ts";
import { joinedPieces, keepPieces, keptPieces, pieceBytes } from "./joined_items.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { protobufType, type Representation } from "./negotiation.ts";
import { apiVersionOf } from "./resource_registry.ts";
import type { GroupVersionKind, ProtobufForm } from "./schema_access.ts";
import type { Resource } from "./types.ts";
import { type IncludeObject, type ListMeta, partialOf, tableOf } from "./table.ts";

const encoder = new TextEncoder();

/** As Go writes it: words that YAML 1.1 reads as booleans are quoted, lists are not indented. */
const yamlStyle = { version: "1.1", lineWidth: 0, indentSeq: false } as const;

/** Lists of more than two pieces are handed out in pieces, so that nobody else waits for them. */
export type Body = Uint8Array | Generator<Uint8Array>;

type ObjectReply = Extract<ApiReply, { type: "object" }>;
type ListReply = Extract<ApiReply, { type: "list" }>;

export interface EncodingContext {
  readonly representation: Representation;
  readonly includeObject: IncludeObject;
  /** Absent: nobody asks for protobuf, since it is not offered. */
  readonly protobuf?: ProtobufForm | undefined;
  /** Wall time in ms, for ages. */
  now(): number;
  /** Calls back on a later turn of the event loop. */
  soon(callback: () => void): void;
}

/** Any value in the asked format. @throws ApiError 406 for a table in protobuf */
export function encodeValue(
  value: unknown,
  { format, pretty }: Representation,
  protobuf?: ProtobufForm | undefined,
): Uint8Array {
  if (format === "protobuf") return encodeProtobuf(value as Parameters<ProtobufForm["object"]>[0], protobuf);
  if (format === "yaml") return encoder.encode(stringifyYaml(sorted(value), yamlStyle));
  return encoder.encode(pretty ? `${JSON.stringify(value, null, 2)}\n` : `${JSON.stringify(value)}\n`);
}

function encodeProtobuf(value: Parameters<ProtobufForm["object"]>[0], protobuf: ProtobufForm | undefined): Uint8Array {
  if (value.kind === "Table") throw withoutProtobuf("*v1.Table");
  if (protobuf === undefined) throw withoutProtobuf(value.kind);
  return protobuf.object(value);
}

/** What apimachinery says of a Go type that has no protobuf encoding. */
function withoutProtobuf(type: string): ApiError {
  const why = "does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message";
  return new ApiError(406, "NotAcceptable", `object ${type} ${why}`);
}

/** YAML is written with its keys in order, as Kubernetes does. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const object = value as Record<string, unknown>;
  return Object.fromEntries(Object.keys(object).sort().map((key) => [key, sorted(object[key])]));
}

export function contentType({ format }: Representation): string {
  if (format === "json") return "application/json";
  return format === "yaml" ? "application/yaml" : protobufType;
}

export function encodeObject({ entry, resource }: ObjectReply, context: EncodingContext): Uint8Array {
  const { representation, includeObject, protobuf } = context;
  switch (representation.view) {
    case "Table": {
      const metadata = { resourceVersion: entry.object.metadata.resourceVersion };
      return encodeValue(tableOf(resource, [entry], metadata, includeObject, context.now()), representation, protobuf);
    }
    case "PartialObjectMetadata":
      return encodeValue(partialOf(entry.object), representation, protobuf);
    case "plain":
      if (representation.format === "json" && !representation.pretty) return entry.bytes();
      return encodeValue(entry.object, representation, protobuf);
  }
}

export function encodeList(reply: ListReply, context: EncodingContext): Body | Promise<Uint8Array> {
  const { resource, entries } = reply;
  const { representation, includeObject, protobuf } = context;
  const metadata: ListMeta = {
    resourceVersion: reply.resourceVersion,
    ...(reply.continue === undefined ? {} : { continue: reply.continue }),
    ...(reply.remaining === undefined ? {} : { remainingItemCount: reply.remaining }),
  };
  if (representation.view === "Table") {
    return encodeValue(tableOf(resource, entries, metadata, includeObject, context.now()), representation, protobuf);
  }
  if (representation.format === "protobuf") return protobufList(reply, metadata, context);
  if (representation.view === "PartialObjectMetadata") {
    const items = entries.map((entry) => partialOf(entry.object));
    const list = { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items };
    return encodeValue(list, representation);
  }
  const head = {
    kind: resource.listKind ?? `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    // Lists of custom resources always say whether there is more.
    metadata: resource.custom === true ? { continue: "", ...metadata } : metadata,
  };
  if (representation.format === "json" && !representation.pretty) return rawList(head, reply);
  const items = resource.custom === true
    ? entries.map(({ object }) => object)
    : entries.map(({ object: { kind: _kind, apiVersion: _version, ...item } }) => item);
  return encodeValue({ ...head, items }, representation);
}

/** Items that are written in one turn of the event loop: some milliseconds' worth. */
const itemsPerTurn = 64;
const partialKind: GroupVersionKind = { group: "meta.k8s.io", version: "v1", kind: "PartialObjectMetadata" };

/** The length stands in front of a message, so that the whole list is made before its first byte can be sent. */
async function protobufList(reply: ListReply, metadata: ListMeta, context: EncodingContext): Promise<Uint8Array> {
  const { resource, entries } = reply;
  const { protobuf, representation, soon } = context;
  if (protobuf === undefined) throw withoutProtobuf(resource.kind);
  const list = representation.view === "PartialObjectMetadata"
    ? protobuf.list({ apiVersion: "meta.k8s.io/v1", kind: `${partialKind.kind}List`, metadata }, partialKind)
    : protobuf.list(
      { apiVersion: apiVersionOf(resource), kind: resource.listKind ?? `${resource.kind}List`, metadata },
      resource,
    );
  for (let at = 0; at < entries.length; at += itemsPerTurn) {
    if (at > 0) await new Promise<void>((resolve) => soon(resolve));
    for (const { object } of entries.slice(at, at + itemsPerTurn)) list.add(object);
  }
  return list.finish();
}

/** Copies the stored bytes together; nothing is parsed or stringified. */
function rawList(head: object, { entries, resource, state }: ListReply): Body {
  const opening = encoder.encode(`${JSON.stringify(head).slice(0, -1)},"items":[`);
  const known = keptPieces(state, resource);
  let length = 0;
  if (known === undefined) { for (const entry of entries) length += entry.itemLength() + 1; }
  else for (const piece of known) length += piece.length;
  if (length > 2 * pieceBytes) return listPieces(opening, known ?? madePieces(entries, resource, state));
  return joined([opening, ...known ?? madePieces(entries, resource, state), closing]);
}

const closing = encoder.encode("]}\n");

function* madePieces(
  entries: ListReply["entries"],
  resource: Resource,
  state: object | undefined,
): Generator<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (const piece of joinedPieces(entries)) {
    if (state !== undefined) pieces.push(piece);
    yield piece;
  }
  keepPieces(state, resource, pieces);
}

function* listPieces(opening: Uint8Array, pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield opening;
  yield* pieces;
  yield closing;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
