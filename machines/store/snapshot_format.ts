/**
 * The whole store as bytes: the content of a snapshot file, what a member that lags is sent, and what is hashed to
 * compare members. docs/store_format.md describes every byte.
 *
 * It is made piece by piece while writes go on, and shows the state as it was when it was begun: records are never
 * changed, new ones have later revisions, and the pin keeps old ones from being tidied away.
 *
 *     frame  body bytes u32, CRC-32C of kind and body u32, kind u8, body
 *     file   header, leases*, alarms?, base*, changes*, end
 */
import { ByteReader, ByteWriter, MalformedBytes } from "../raft/bytes.ts";
import { crc32c } from "../raft/crc32c.ts";
import type { Configuration, Identity, Position } from "../raft/entry.ts";
import { readConfiguration, writeConfiguration } from "../raft/log_format.ts";
import { readRoster, type Roster, writeRoster } from "../raft/roster.ts";
import { readAlarm, writeAlarm } from "./command_codec.ts";
import { type Change, KeyValueState, recordsOf } from "./key_value_state.ts";
import type { Alarm } from "./command.ts";
import type { KeyValue } from "./requests.ts";

export const snapshotVersion = 1;
const mark = "chartroom snapshot";
const frameHeaderBytes = 9;
const frameBytes = 256 << 10;
/** Keys looked at in one step, so that a range without anything to write does not hold the loop. */
const keysPerStep = 4_000;

/** First frame. The snapshot stands for every entry up to `index`. */
export interface SnapshotHeader extends Identity, Position {
  readonly configuration: Configuration;
  readonly roster?: Roster;
  /** It came from another member and replaces the log: entries before it are not to be looked for. */
  readonly installed?: boolean;
}

const kinds = { header: 1, leases: 2, base: 3, changes: 4, end: 5, alarms: 6 } as const;
type Kind = (typeof kinds)[keyof typeof kinds];

/** Makes a snapshot of the state as it is now, one frame at a time. */
export class SnapshotWriter {
  readonly revision: number;
  readonly compactedRevision: number;
  #state: KeyValueState;
  #pin: ReturnType<KeyValueState["pin"]>;
  #frames: Generator<Uint8Array<ArrayBuffer>, void>;
  #out = new ByteWriter(frameBytes + (64 << 10));
  #hash = new FrameHash();

  constructor(state: KeyValueState, header?: SnapshotHeader) {
    this.#state = state;
    this.#pin = state.pin();
    this.revision = state.revision;
    this.compactedRevision = state.compactedRevision;
    const leases = state.leases.all().map(({ id, ttlSeconds }) => ({ id, ttlSeconds }));
    this.#frames = this.#make(header, leases, state.alarms);
  }

  /** The next piece, good until the next call; nothing after the last. */
  next(): Uint8Array<ArrayBuffer> | undefined {
    const { value, done } = this.#frames.next();
    if (!done) return value;
    this.release();
    return undefined;
  }

  /** Lets the state tidy up again. Idempotent. */
  release(): void {
    this.#pin.release();
  }

  /** Of everything written so far, header apart: equal states have equal hashes. */
  get hash(): string {
    return this.#hash.text;
  }

  *#make(
    header: SnapshotHeader | undefined,
    leases: readonly { id: number; ttlSeconds: number }[],
    alarms: readonly Alarm[],
  ) {
    if (header !== undefined) {
      this.#begin(kinds.header);
      writeHeader(this.#out, header, this.revision, this.compactedRevision);
      yield this.#finish();
    }
    for (let at = 0; at < leases.length; at += keysPerStep) {
      this.#begin(kinds.leases);
      for (const { id, ttlSeconds } of leases.slice(at, at + keysPerStep)) {
        this.#out.number(id);
        this.#out.number(ttlSeconds);
      }
      yield this.#finish();
    }
    if (alarms.length > 0) {
      this.#begin(kinds.alarms);
      for (const alarm of alarms) writeAlarm(this.#out, alarm);
      yield this.#finish();
    }
    yield* this.#base();
    yield* this.#changes();
    const { hash } = this;
    this.#begin(kinds.end);
    this.#out.string(hash);
    yield this.#finish();
  }

  /** What was last written before the changes and is still readable. */
  *#base() {
    if (this.compactedRevision === 0) return;
    let after: string | undefined;
    this.#begin(kinds.base);
    for (;;) {
      let seen = 0;
      const from = after;
      this.#state.histories(from, (history, key) => {
        after = key;
        const record = history.recordAt(this.compactedRevision);
        if (record !== undefined && record.version > 0 && record.modRevision < this.compactedRevision) {
          writeRecord(this.#out, record);
        }
        return ++seen < keysPerStep && this.#out.length < frameBytes;
      });
      if (seen === 0) break;
      if (this.#out.length >= frameBytes) {
        yield this.#finish();
        this.#begin(kinds.base);
      }
    }
    if (this.#out.length > frameHeaderBytes) yield this.#finish();
  }

  *#changes() {
    const { changes, length } = this.#pin;
    this.#begin(kinds.changes);
    for (let at = 0; at < length; at++) {
      writeChange(this.#out, changes[at]!);
      if (this.#out.length >= frameBytes) {
        yield this.#finish();
        this.#begin(kinds.changes);
      }
    }
    if (this.#out.length > frameHeaderBytes) yield this.#finish();
  }

  #begin(kind: Kind): void {
    this.#out.reset(2 * frameBytes);
    this.#out.fixed32(0);
    this.#out.fixed32(0);
    this.#out.byte(kind);
  }

  #finish(): Uint8Array<ArrayBuffer> {
    const bytes = this.#out.bytes();
    this.#out.patch32(0, bytes.length - frameHeaderBytes);
    this.#out.patch32(4, crc32c(bytes, 8));
    this.#hash.add(bytes);
    return bytes;
  }
}

/** Of the content: of the lengths and checksums of its frames, header and end apart. */
class FrameHash {
  #crc = 0;
  #frames = 0;

  get text(): string {
    return `${this.#crc.toString(16).padStart(8, "0")}-${this.#frames}`;
  }

  /** The frame that begins at `start`, whose checksum is filled in. */
  add(bytes: Uint8Array, start = 0): void {
    const kind = bytes[start + 8];
    if (kind === kinds.header || kind === kinds.end) return;
    this.#crc = crc32c(bytes, start, start + frameHeaderBytes, this.#crc);
    this.#frames++;
  }
}

/** A hash of everything that can be read: equal on members that have applied the same entries. */
export function hashState(state: KeyValueState): string {
  const writer = new SnapshotWriter(state);
  while (writer.next() !== undefined);
  return writer.hash;
}

/** Reads a snapshot back, one frame per `step`, so that a large one does not hold the loop. */
export class SnapshotReader {
  readonly state = new KeyValueState();
  #header: SnapshotHeader & { revision: number; compactedRevision: number } | undefined;
  #restore: ReturnType<KeyValueState["restore"]> | undefined;
  #at = 0;
  #hash = new FrameHash();
  #ended = false;

  constructor(readonly bytes: Uint8Array) {}

  /** Where the next frame begins. */
  get position(): number {
    return this.#at;
  }

  get header(): SnapshotHeader {
    if (this.#header === undefined) throw new MalformedBytes("Cannot read the snapshot: it has no header");
    return this.#header;
  }

  /**
   * Takes in one frame; answers whether there are more.
   *
   * @throws MalformedBytes
   */
  step(): boolean {
    const { bytes } = this;
    const start = this.#at;
    const head = new ByteReader(bytes.subarray(start, Math.min(bytes.length, start + frameHeaderBytes)));
    const [length, checksum, kind] = [head.fixed32(), head.fixed32(), head.byte()];
    const end = start + frameHeaderBytes + length;
    if (end > bytes.length) throw new MalformedBytes(`Cannot read the snapshot: it ends inside a frame`);
    if (crc32c(bytes, start + 8, end) !== checksum) {
      throw new MalformedBytes("Cannot read the snapshot: a frame does not have its checksum");
    }
    // A copy: values are views of it, and die with their frame rather than with the whole file.
    this.#take(kind, new ByteReader(bytes.slice(start + frameHeaderBytes, end)));
    this.#hash.add(bytes, start);
    this.#at = end;
    if (this.#ended && end !== bytes.length) {
      throw new MalformedBytes("Cannot read the snapshot: it goes on after its end");
    }
    return !this.#ended;
  }

  #take(kind: number, reader: ByteReader): void {
    if (kind === kinds.header) {
      this.#header = readHeader(reader);
      this.#restore = this.state.restore(this.#header.compactedRevision);
      return;
    }
    if (this.#restore === undefined) throw new MalformedBytes("Cannot read the snapshot: it has no header");
    if (kind === kinds.end) return this.#end(reader);
    while (reader.remaining > 0) {
      if (kind === kinds.leases) this.state.leases.grant(reader.number(), reader.number());
      else if (kind === kinds.alarms) this.state.setAlarm(readAlarm(reader), true);
      else if (kind === kinds.base) this.#restore.base(readRecord(reader));
      else if (kind === kinds.changes) this.#restore.change(readChange(reader));
      else throw new MalformedBytes(`Cannot read the snapshot: a frame is of unknown kind ${kind}`);
    }
  }

  #end(reader: ByteReader): void {
    const hash = this.#hash.text;
    const written = reader.string();
    if (written !== hash) throw new MalformedBytes(`Cannot read the snapshot: its hash is ${hash}, not ${written}`);
    const { revision } = this.#header!;
    if (this.state.revision !== revision) {
      throw new MalformedBytes(`Cannot read the snapshot: it holds revision ${this.state.revision}, not ${revision}`);
    }
    this.#ended = true;
  }
}

function writeHeader(out: ByteWriter, header: SnapshotHeader, revision: number, compactedRevision: number): void {
  out.string(mark);
  out.number(snapshotVersion);
  out.string(header.member);
  out.string(header.cluster);
  out.number(header.index);
  out.number(header.term);
  writeConfiguration(out, header.configuration);
  out.number(revision);
  out.number(compactedRevision);
  out.byte(header.installed ? 1 : 0);
  writeRoster(out, header.roster ?? []);
}

/** The first frame of a snapshot with another header: who receives one keeps it as its own. */
export function replaceHeader(bytes: Uint8Array, change: (header: SnapshotHeader) => SnapshotHeader): {
  readonly header: Uint8Array;
  readonly rest: Uint8Array;
} {
  const reader = new ByteReader(bytes);
  const length = reader.fixed32();
  const end = frameHeaderBytes + length;
  const { revision, compactedRevision, ...header } = readHeader(new ByteReader(bytes.slice(frameHeaderBytes, end)));
  const out = new ByteWriter(1024);
  out.fixed32(0);
  out.fixed32(0);
  out.byte(kinds.header);
  writeHeader(out, change(header), revision, compactedRevision);
  out.patch32(0, out.length - frameHeaderBytes);
  out.patch32(4, crc32c(out.bytes(), 8));
  return { header: out.copy(), rest: bytes.subarray(end) };
}

function readHeader(reader: ByteReader) {
  if (reader.string() !== mark) throw new MalformedBytes("Cannot read the snapshot: it is not a chartroom snapshot");
  const version = reader.number();
  if (version !== snapshotVersion) {
    throw new MalformedBytes(`Cannot read a snapshot of format ${version}: this program knows ${snapshotVersion}`);
  }
  const header = {
    member: reader.string(),
    cluster: reader.string(),
    index: reader.number(),
    term: reader.number(),
    configuration: readConfiguration(reader),
    revision: reader.number(),
    compactedRevision: reader.number(),
  };
  // Older programs wrote nothing after this.
  const installed = reader.remaining > 0 && reader.byte() === 1;
  const roster = readRoster(reader);
  reader.end();
  return { ...header, installed, roster };
}

function writeRecord(out: ByteWriter, record: KeyValue): void {
  out.string(record.key);
  out.number(record.version);
  out.number(record.modRevision);
  if (record.version === 0) return;
  out.number(record.createRevision);
  out.number(record.lease);
  out.blob(record.value);
}

function readRecord(reader: ByteReader): KeyValue {
  const [key, version, modRevision] = [reader.string(), reader.number(), reader.number()];
  if (version === 0) return { key, value: reader.raw(0), createRevision: 0, modRevision, version, lease: 0 };
  const [createRevision, lease, value] = [reader.number(), reader.number(), reader.blob()];
  return { key, value, createRevision, modRevision, version, lease };
}

function writeChange(out: ByteWriter, change: Change): void {
  const records = recordsOf(change);
  out.number(records.length);
  for (const record of records) writeRecord(out, record);
}

function readChange(reader: ByteReader): KeyValue[] {
  return Array.from({ length: reader.number() }, () => readRecord(reader));
}
