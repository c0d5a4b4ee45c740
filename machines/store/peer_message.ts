/**
 * What members of a store send each other, as bytes: messages of the replicated log with the payloads that belong to
 * them, and calls with their replies. Every message says which protocol and which cluster it belongs to and who speaks.
 *
 *     message  u8 version, string cluster, string from, u8 kind, body
 *     raft     string JSON of the message without entries, list of (number index, number term, u8 type, blob payload)
 *     call     number id, string name, string JSON, list of blob
 *     reply    number id, string JSON, list of blob
 */
import { ByteReader, ByteWriter, MalformedBytes } from "../raft/bytes.ts";
import type { EntryType } from "../raft/entry.ts";
import { readConfiguration } from "../raft/log_format.ts";
import type { LogEntry, Message } from "../raft/message.ts";

export const peerProtocol = 1;

const kinds = ["raft", "call", "reply"] as const;
const entryTypes: readonly EntryType[] = ["command", "configuration", "empty"];

export interface PeerEnvelope {
  readonly cluster: string;
  readonly from: string;
}

export type PeerMessage =
  | { readonly kind: "raft"; readonly message: Message; readonly payloads: readonly Uint8Array[] }
  | {
    readonly kind: "call";
    readonly id: number;
    readonly name: string;
    readonly head: unknown;
    readonly blobs: readonly Uint8Array[];
  }
  | { readonly kind: "reply"; readonly id: number; readonly head: unknown; readonly blobs: readonly Uint8Array[] };

/** What an entry is, as its machine sees it: only empty ones have no size, and only configurations have one. */
export function typeOf({ configuration, size }: LogEntry): EntryType {
  if (configuration !== null) return "configuration";
  return size === 0 ? "empty" : "command";
}

/** An entry as a machine sees it. */
export function logEntryOf(index: number, term: number, type: EntryType, payload: Uint8Array): LogEntry {
  const configuration = type === "configuration" ? readConfiguration(new ByteReader(payload)) : null;
  return { index, term, size: type === "empty" ? 0 : Math.max(1, payload.length), configuration };
}

const scratch = new ByteWriter(64 << 10);

export function encodePeerMessage({ cluster, from }: PeerEnvelope, message: PeerMessage): Uint8Array<ArrayBuffer> {
  const out = scratch;
  out.reset();
  out.byte(peerProtocol);
  out.string(cluster);
  out.string(from);
  out.byte(kinds.indexOf(message.kind));
  switch (message.kind) {
    case "raft":
      writeRaft(out, message.message, message.payloads);
      break;
    case "call":
      out.number(message.id);
      out.string(message.name);
      out.string(JSON.stringify(message.head));
      writeBlobs(out, message.blobs);
      break;
    case "reply":
      out.number(message.id);
      out.string(JSON.stringify(message.head));
      writeBlobs(out, message.blobs);
  }
  return out.copy();
}

function writeRaft(out: ByteWriter, message: Message, payloads: readonly Uint8Array[]): void {
  if (message.type !== "append.requested") {
    out.string(JSON.stringify(message));
    out.number(0);
    return;
  }
  const { entries, ...rest } = message;
  out.string(JSON.stringify(rest));
  out.number(entries.length);
  for (const [at, entry] of entries.entries()) {
    out.number(entry.index);
    out.number(entry.term);
    out.byte(entryTypes.indexOf(typeOf(entry)));
    out.blob(payloads[at]!);
  }
}

function writeBlobs(out: ByteWriter, blobs: readonly Uint8Array[]): void {
  out.number(blobs.length);
  for (const blob of blobs) out.blob(blob);
}

/** Payloads and blobs are copies. @throws MalformedBytes, also for another protocol. */
export function decodePeerMessage(bytes: Uint8Array): PeerEnvelope & { readonly said: PeerMessage } {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== peerProtocol) {
    throw new MalformedBytes(`Cannot read a member's message: it is of protocol ${version}, not ${peerProtocol}`);
  }
  const cluster = reader.string();
  const from = reader.string();
  const kind = kinds[reader.byte()];
  if (kind === undefined) throw new MalformedBytes("Cannot read a member's message: its kind is unknown");
  const said = kind === "raft" ? readRaft(reader) : readCall(reader, kind);
  reader.end();
  return { cluster, from, said };
}

function readCall(reader: ByteReader, kind: "call" | "reply"): PeerMessage {
  const id = reader.number();
  if (kind === "reply") return { kind, id, head: json(reader), blobs: readBlobs(reader) };
  return { kind, id, name: reader.string(), head: json(reader), blobs: readBlobs(reader) };
}

function readRaft(reader: ByteReader): PeerMessage {
  const message = json(reader) as Message;
  const payloads: Uint8Array[] = [];
  const entries: LogEntry[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const [index, term] = [reader.number(), reader.number()];
    const type = entryTypes[reader.byte()];
    if (type === undefined) throw new MalformedBytes(`Cannot read entry ${index}: its type is unknown`);
    const payload = reader.blob().slice();
    payloads.push(payload);
    entries.push(logEntryOf(index, term, type, payload));
  }
  const whole = message.type === "append.requested" ? { ...message, entries } : message;
  return { kind: "raft", message: whole, payloads };
}

function readBlobs(reader: ByteReader): Uint8Array[] {
  return Array.from({ length: reader.number() }, () => reader.blob().slice());
}

function json(reader: ByteReader): unknown {
  try {
    return JSON.parse(reader.string());
  } catch (error) {
    throw new MalformedBytes(`Cannot read a member's message: ${error instanceof Error ? error.message : error}`);
  }
}
