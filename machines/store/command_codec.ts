/** Commands as bytes: the payload of a log entry of type "command". */
import { ByteReader, ByteWriter, MalformedBytes } from "../raft/bytes.ts";
import type { Alarm, Command, CommandTag } from "./command.ts";
import type { Compare, Operation, PutRequest, TxnRequest } from "./requests.ts";

const commandTypes = [
  "txn",
  "grantLease",
  "revokeLease",
  "expireLeases",
  "compact",
  "raiseAlarm",
  "clearAlarm",
  "compareHashes",
] as const;
/** In place of a command's type: a tag, and then the command. */
const tagMark = 255;
const alarms = ["noSpace", "corrupt"] as const;
const targets = ["modRevision", "createRevision", "version", "lease", "value"] as const;
const comparisons = ["=", "!=", "<", ">"] as const;
/** `putKeeping` is a put whose value or lease stays as it was. */
const operations = ["put", "delete", "range", "txn", "putKeeping"] as const;
const keeping = { value: 1, lease: 2 } as const;
/** What a comparison is with; the last two are of a range. */
const operands = { number: 0, bytes: 1, rangeNumber: 2, rangeBytes: 3 } as const;
const flags = { end: 1, revision: 2, limit: 4, keysOnly: 8, countOnly: 16, serializable: 32 } as const;

export function writeCommand(out: ByteWriter, command: Command): void {
  out.byte(commandTypes.indexOf(command.type));
  switch (command.type) {
    case "txn":
      writeTxn(out, command);
      break;
    case "grantLease":
      out.number(command.id);
      out.number(command.ttlSeconds);
      break;
    case "revokeLease":
      out.number(command.id);
      break;
    case "expireLeases":
      list(out, command.ids, (_, id) => out.number(id));
      break;
    case "compact":
      out.number(command.revision);
      break;
    case "raiseAlarm":
    case "clearAlarm":
      writeAlarm(out, command.alarm);
      break;
    case "compareHashes":
      out.number(command.check);
  }
}

export function writeAlarm(out: ByteWriter, { type, member }: Alarm): void {
  out.byte(alarms.indexOf(type));
  out.string(member);
}

export function readAlarm(reader: ByteReader): Alarm {
  return { type: named(alarms, reader.byte(), "alarm"), member: reader.string() };
}

export function encodeCommand(command: Command, tag?: CommandTag): Uint8Array {
  const out = scratch;
  out.reset(64 << 10);
  if (tag !== undefined) {
    out.byte(tagMark);
    out.number(tag.origin);
    out.number(tag.call);
  }
  writeCommand(out, command);
  return out.copy();
}

const scratch = new ByteWriter(1024);

/** The command's tag, when it came by another member. */
export function tagOf(bytes: Uint8Array): CommandTag | undefined {
  return bytes[0] === tagMark ? readTag(new ByteReader(bytes)) : undefined;
}

function readTag(reader: ByteReader): CommandTag {
  reader.byte();
  return { origin: reader.number(), call: reader.number() };
}

/**
 * The command; its values are views of `bytes`.
 *
 * @throws MalformedBytes
 */
export function decodeCommand(bytes: Uint8Array): Command {
  const reader = new ByteReader(bytes);
  if (bytes[0] === tagMark) readTag(reader);
  const command = readCommand(reader);
  reader.end();
  return command;
}

function readCommand(reader: ByteReader): Command {
  const type = named(commandTypes, reader.byte(), "command");
  switch (type) {
    case "txn":
      return { type, ...readTxn(reader) };
    case "grantLease":
      return { type, id: reader.number(), ttlSeconds: reader.number() };
    case "revokeLease":
      return { type, id: reader.number() };
    case "expireLeases":
      return { type, ids: listOf(reader, () => reader.number()) };
    case "compact":
      return { type, revision: reader.number() };
    case "raiseAlarm":
    case "clearAlarm":
      return { type, alarm: readAlarm(reader) };
    case "compareHashes":
      return { type, check: reader.number() };
  }
}

function writeTxn(out: ByteWriter, { compare, success, failure }: TxnRequest): void {
  list(out, compare, writeCompare);
  list(out, success, writeOperation);
  list(out, failure, writeOperation);
}

function readTxn(reader: ByteReader): TxnRequest {
  const compare = listOf(reader, readCompare);
  const success = listOf(reader, readOperation);
  return { compare, success, failure: listOf(reader, readOperation) };
}

function writeCompare(out: ByteWriter, { key, end, target, op, value }: Compare): void {
  out.byte(targets.indexOf(target));
  out.byte(comparisons.indexOf(op));
  out.string(key);
  const isNumber = typeof value === "number";
  if (end === undefined) out.byte(isNumber ? operands.number : operands.bytes);
  else {
    out.byte(isNumber ? operands.rangeNumber : operands.rangeBytes);
    out.string(end);
  }
  if (isNumber) out.number(value);
  else out.blob(value);
}

function readCompare(reader: ByteReader): Compare {
  const target = named(targets, reader.byte(), "comparison target");
  const op = named(comparisons, reader.byte(), "comparison");
  const key = reader.string();
  const operand = reader.byte();
  const end = operand >= operands.rangeNumber ? { end: reader.string() } : {};
  return { key, ...end, target, op, value: operand % 2 === operands.number ? reader.number() : reader.blob() };
}

function writeOperation(out: ByteWriter, operation: Operation): void {
  if (operation.type === "put" && (operation.keepValue || operation.keepLease)) return writePutKeeping(out, operation);
  out.byte(operations.indexOf(operation.type));
  if (operation.type === "txn") return writeTxn(out, operation);
  out.string(operation.key);
  if (operation.type === "put") {
    out.number(operation.lease ?? 0);
    out.blob(operation.value);
    return;
  }
  const { end } = operation;
  if (operation.type === "delete") {
    out.byte(end === undefined ? 0 : flags.end);
    if (end !== undefined) out.string(end);
    return;
  }
  const { revision = 0, limit = 0, keysOnly, countOnly, serializable } = operation;
  out.byte(
    (end === undefined ? 0 : flags.end) | (revision === 0 ? 0 : flags.revision) | (limit === 0 ? 0 : flags.limit) |
      (keysOnly ? flags.keysOnly : 0) | (countOnly ? flags.countOnly : 0) | (serializable ? flags.serializable : 0),
  );
  if (end !== undefined) out.string(end);
  if (revision !== 0) out.number(revision);
  if (limit !== 0) out.number(limit);
}

function writePutKeeping(out: ByteWriter, { key, value, lease = 0, keepValue, keepLease }: PutRequest): void {
  out.byte(operations.indexOf("putKeeping"));
  out.string(key);
  out.byte((keepValue ? keeping.value : 0) | (keepLease ? keeping.lease : 0));
  out.number(lease);
  out.blob(value);
}

function readPutKeeping(reader: ByteReader): Operation {
  const key = reader.string();
  const bits = reader.byte();
  const lease = reader.number();
  return {
    type: "put",
    key,
    value: reader.blob(),
    ...(lease === 0 ? {} : { lease }),
    ...(bits & keeping.value ? { keepValue: true } : {}),
    ...(bits & keeping.lease ? { keepLease: true } : {}),
  };
}

function readOperation(reader: ByteReader): Operation {
  const type = named(operations, reader.byte(), "operation");
  if (type === "txn") return { type, ...readTxn(reader) };
  if (type === "putKeeping") return readPutKeeping(reader);
  const key = reader.string();
  if (type === "put") {
    const lease = reader.number();
    const value = reader.blob();
    return lease === 0 ? { type, key, value } : { type, key, value, lease };
  }
  const bits = reader.byte();
  const end = bits & flags.end ? { end: reader.string() } : {};
  if (type === "delete") return { type, key, ...end };
  return {
    type,
    key,
    ...end,
    ...(bits & flags.revision ? { revision: reader.number() } : {}),
    ...(bits & flags.limit ? { limit: reader.number() } : {}),
    ...(bits & flags.keysOnly ? { keysOnly: true } : {}),
    ...(bits & flags.countOnly ? { countOnly: true } : {}),
    ...(bits & flags.serializable ? { serializable: true } : {}),
  };
}

function list<T>(out: ByteWriter, items: readonly T[], write: (out: ByteWriter, item: T) => void): void {
  out.number(items.length);
  for (const item of items) write(out, item);
}

function listOf<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const length = reader.number();
  if (length > reader.remaining) throw new MalformedBytes(`Cannot read ${length} items: the record is shorter`);
  return Array.from({ length }, () => read(reader));
}

function named<T>(names: readonly T[], code: number, what: string): T {
  const name = names[code];
  if (name === undefined) throw new MalformedBytes(`Cannot read a ${what}: its code is ${code}`);
  return name;
}
