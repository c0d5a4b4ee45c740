/**
 * The log on disk: segment files of batches of records. docs/store_format.md describes every byte.
 *
 * A batch is what one append and one sync made durable: whole or, after a crash, not there. It carries its own number
 * in the file, so that a damaged batch with a later one after it is known to be damage and not a torn end: the later
 * one was written only after the damaged one had been synced.
 *
 *     batch   magic u32, number u32, records u32, body bytes u32, CRC-32C of these 16 bytes u32, then the records
 *     record  body bytes u32, CRC-32C of kind and body u32, kind u8, body
 */
import { ByteReader, ByteWriter, MalformedBytes } from "./bytes.ts";
import { crc32c } from "./crc32c.ts";
import type { Configuration, Entry, EntryType, HardState, Identity, Position } from "./entry.ts";

export const formatVersion = 1;
export const batchHeaderBytes = 20;
export const recordHeaderBytes = 9;
const batchMagic = 0x42434c43;
const segmentMark = "chartroom log";

/** First record of a segment. What was removed before it is told by `before` and `hardState`. */
export interface SegmentHeader extends Identity {
  /** 1 for the first segment of a directory, one more with each. */
  readonly segment: number;
  /** The entry before the first one in this file. */
  readonly before: Position;
  readonly hardState: HardState;
}

export type LogRecord =
  | { readonly kind: "segment"; readonly header: SegmentHeader }
  | { readonly kind: "entry"; readonly entry: Entry }
  | { readonly kind: "hardState"; readonly hardState: HardState };

const kinds = { segment: 1, entry: 2, hardState: 3 } as const;
const entryTypes: readonly EntryType[] = ["command", "configuration", "empty"];

/** Builds one batch after the other in one buffer. */
export class BatchWriter {
  #out = new ByteWriter(64 << 10);
  #records = 0;

  begin(number: number): void {
    this.#out.reset();
    this.#records = 0;
    this.#out.fixed32(batchMagic);
    this.#out.fixed32(number);
    for (let i = 0; i < 3; i++) this.#out.fixed32(0);
  }

  get length(): number {
    return this.#out.length;
  }

  segment(header: SegmentHeader): void {
    this.#record(kinds.segment, (out) => {
      out.string(segmentMark);
      out.number(formatVersion);
      out.string(header.member);
      out.string(header.cluster);
      out.number(header.segment);
      out.number(header.before.index);
      out.number(header.before.term);
      writeHardState(out, header.hardState);
    });
  }

  hardState(state: HardState): void {
    this.#record(kinds.hardState, (out) => writeHardState(out, state));
  }

  /** `payload` writes the payload in place: values are copied once, into the bytes that go to disk. */
  entry(index: number, term: number, type: EntryType, payload: (out: ByteWriter) => void): void {
    this.#record(kinds.entry, (out) => {
      out.number(index);
      out.number(term);
      out.byte(entryTypes.indexOf(type));
      payload(out);
    });
  }

  /** The finished batch; a view that is good until the next `begin`. */
  finish(): Uint8Array<ArrayBuffer> {
    const out = this.#out;
    out.patch32(8, this.#records);
    out.patch32(12, out.length - batchHeaderBytes);
    out.patch32(16, crc32c(out.bytes(), 0, 16));
    return out.bytes();
  }

  #record(kind: number, body: (out: ByteWriter) => void): void {
    const out = this.#out;
    const start = out.length;
    out.fixed32(0);
    out.fixed32(0);
    out.byte(kind);
    body(out);
    out.patch32(start, out.length - start - recordHeaderBytes);
    out.patch32(start + 4, crc32c(out.bytes(), start + 8, out.length));
    this.#records++;
  }
}

export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const out = new ByteWriter(64);
  writeConfiguration(out, configuration);
  return out.copy();
}

export function writeConfiguration(out: ByteWriter, { voters, learners }: Configuration): void {
  for (const members of [voters, learners]) {
    out.number(members.length);
    for (const member of members) out.string(member);
  }
}

export function readConfiguration(reader: ByteReader): Configuration {
  const members = () => Array.from({ length: reader.number() }, () => reader.string());
  return { voters: members(), learners: members() };
}

export function writeHardState(out: ByteWriter, { term, vote, commit }: HardState): void {
  out.number(term);
  out.string(vote);
  out.number(commit);
}

export function readHardState(reader: ByteReader): HardState {
  return { term: reader.number(), vote: reader.string(), commit: reader.number() };
}

/** What a look at a batch found. `end` is where the next one begins. */
export type BatchCheck =
  | { readonly found: "batch"; readonly end: number; readonly records: readonly LogRecord[] }
  /** Never finished: it runs past the end of the file, or parts of it were never written. */
  | { readonly found: "torn" }
  /** It was whole once. */
  | { readonly found: "damage"; readonly offset: number; readonly why: string };

/** Reads the batch with this number at an offset before the end of the file. Payloads are copied out of `bytes`. */
export function readBatch(bytes: Uint8Array, offset: number, number: number): BatchCheck {
  if (offset + batchHeaderBytes > bytes.length) return { found: "torn" };
  const header = batchHeaderAt(bytes, offset);
  if (header === undefined || header.number !== number) {
    const later = laterBatch(bytes, offset, number);
    if (later !== undefined) return damage(offset, `batch ${number} is not there, but batch ${later} follows`);
    if (header !== undefined) return damage(offset, `batch ${header.number} stands where batch ${number} belongs`);
    return hasUnwrittenSector(bytes, offset, bytes.length)
      ? { found: "torn" }
      : damage(offset, `the header of batch ${number} does not have its checksum`);
  }
  const end = offset + batchHeaderBytes + header.length;
  if (end > bytes.length) return { found: "torn" };
  const records: LogRecord[] = [];
  let at = offset + batchHeaderBytes;
  for (let i = 0; i < header.records; i++) {
    const bad = recordFault(bytes, at, end);
    if (bad !== undefined) {
      const later = laterBatch(bytes, end, number);
      if (later !== undefined) return damage(at, `${bad}, and batch ${later} follows`);
      return hasUnwrittenSector(bytes, offset, end) ? { found: "torn" } : damage(at, bad);
    }
    const length = u32(bytes, at);
    try {
      records.push(readRecord(bytes.slice(at + 8, at + recordHeaderBytes + length)));
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      return damage(at, error.message);
    }
    at += recordHeaderBytes + length;
  }
  if (at !== end) return damage(at, `batch ${number} has ${end - at} bytes too many`);
  return { found: "batch", end, records };
}

function damage(offset: number, why: string): BatchCheck {
  return { found: "damage", offset, why };
}

function batchHeaderAt(bytes: Uint8Array, at: number) {
  if (at + batchHeaderBytes > bytes.length || u32(bytes, at) !== batchMagic) return undefined;
  if (crc32c(bytes, at, at + 16) !== u32(bytes, at + 16)) return undefined;
  return { number: u32(bytes, at + 4), records: u32(bytes, at + 8), length: u32(bytes, at + 12) };
}

/** The number of a batch after `from` that was written after `number`. */
function laterBatch(bytes: Uint8Array, from: number, number: number): number | undefined {
  const first = batchMagic & 0xff;
  for (let at = bytes.indexOf(first, from); at !== -1; at = bytes.indexOf(first, at + 1)) {
    const header = batchHeaderAt(bytes, at);
    if (header !== undefined && header.number > number) return header.number;
  }
  return undefined;
}

function recordFault(bytes: Uint8Array, at: number, end: number): string | undefined {
  if (at + recordHeaderBytes > end) return "a record runs past the end of its batch";
  const length = u32(bytes, at);
  if (at + recordHeaderBytes + length > end) return "a record runs past the end of its batch";
  const checksum = crc32c(bytes, at + 8, at + recordHeaderBytes + length);
  return checksum === u32(bytes, at + 4) ? undefined : "a record does not have its checksum";
}

const sectorBytes = 512;

/**
 * Whether a disk sector between the offsets is all zeros. Power loss may keep later pages of an append and not earlier
 * ones: what was not written reads as zeros. Damage to what was written does not look like that.
 */
function hasUnwrittenSector(bytes: Uint8Array, from: number, to: number): boolean {
  for (let start = from - from % sectorBytes; start < to; start += sectorBytes) {
    const low = Math.max(start, from);
    const high = Math.min(start + sectorBytes, to);
    let at = low;
    while (at < high && bytes[at] === 0) at++;
    if (at === high) return true;
  }
  return false;
}

function readRecord(bytes: Uint8Array): LogRecord {
  const reader = new ByteReader(bytes);
  const kind = reader.byte();
  switch (kind) {
    case kinds.segment:
      return { kind: "segment", header: readSegmentHeader(reader) };
    case kinds.hardState:
      return { kind: "hardState", hardState: readHardState(reader) };
    case kinds.entry: {
      const [index, term] = [reader.number(), reader.number()];
      const type = entryTypes[reader.byte()];
      if (type === undefined) throw new MalformedBytes(`Cannot read entry ${index}: its type is unknown`);
      return { kind: "entry", entry: { index, term, type, payload: reader.raw(reader.remaining) } };
    }
    default:
      throw new MalformedBytes(`Cannot read a record: its kind is ${kind}`);
  }
}

function readSegmentHeader(reader: ByteReader): SegmentHeader {
  if (reader.string() !== segmentMark) throw new MalformedBytes("Cannot read a segment: it is not a chartroom log");
  const version = reader.number();
  if (version !== formatVersion) {
    throw new MalformedBytes(`Cannot read a segment of format ${version}: this program knows ${formatVersion}`);
  }
  return {
    member: reader.string(),
    cluster: reader.string(),
    segment: reader.number(),
    before: { index: reader.number(), term: reader.number() },
    hardState: readHardState(reader),
  };
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
