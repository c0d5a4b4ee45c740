/**
 * Keeps what happens on disk, within a bound of time or bytes: a row of recordings, each complete in itself, of which
 * the oldest is thrown away first. It reads the stream as any client does, and is dropped records like one when the
 * disk is slow.
 */
import type { Clock, Wake } from "../../ports/clock.ts";
import type {
  ActorId,
  ActorRow,
  InspectionConnection,
  ServerMessage,
  TransitionRecord,
} from "../../ports/inspection.ts";
import type { Hub } from "./inspection_hub.ts";
import { Repetitions } from "./repetitions.ts";
import { RecordedSource } from "./recorded_source.ts";

/** Where recordings lie; names sort by age. */
export interface HistoryFiles {
  list(): Promise<readonly { readonly name: string; readonly bytes: number }[]>;
  append(name: string, text: string): Promise<void>;
  read(name: string): Promise<string>;
  remove(name: string): Promise<void>;
}

export interface HistoryBound {
  readonly ms?: number;
  readonly bytes?: number;
}

/** `1h`, `30m`, `200MB`. @throws Error for anything else. */
export function historyBound(text: string): HistoryBound {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)\s*(s|m|h|d|KB|MB|GB)$/.exec(text) ?? [];
  const ms: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const bytes: Readonly<Record<string, number>> = { KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };
  const amount = Number(number);
  if (!(amount > 0)) throw new Error(`Cannot keep history of "${text}": say a time (1h, 30m) or a size (200MB)`);
  return ms[unit] === undefined ? { bytes: amount * bytes[unit]! } : { ms: amount * ms[unit] };
}

/** A bound is kept by so many recordings or more: that much of it may be missing. */
const parts = 8;
/** Reading one holds the process up: no recording is larger. */
const partBytes = 2 * 2 ** 20;
const flushMs = 500;
/** Whatever the time, no more than this. */
const bytesAtMost = 2 ** 30;

export class HistoryRecorder {
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #files: HistoryFiles;
  readonly #bound: { readonly ms: number; readonly bytes: number };
  readonly #report: (problem: string) => void;
  /** Of this recording alone: each is complete in itself. */
  #repetitions = new Repetitions();
  #connection: InspectionConnection | undefined;
  #name = "";
  #since = 0;
  #written = 0;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #flush: Wake | undefined;
  #writing = Promise.resolve();
  #from: number | undefined;
  #stopped = false;

  constructor(hub: Hub, files: HistoryFiles, bound: HistoryBound, report: (problem: string) => void) {
    this.#hub = hub;
    this.#clock = hub.clock;
    this.#files = files;
    this.#bound = { ms: bound.ms ?? Infinity, bytes: Math.min(bound.bytes ?? bytesAtMost, bytesAtMost) };
    this.#report = report;
    this.#begin();
    this.#flushLater();
  }

  /** Wall time of the oldest that is kept. */
  get from(): number | undefined {
    return this.#from;
  }

  /** Messages of the recordings that overlap the time, oldest first. */
  async *messages(from: number, to: number): AsyncGenerator<ServerMessage> {
    await this.#flushNow();
    const names = (await this.#files.list()).map(({ name }) => name).sort();
    for (const [index, name] of names.entries()) {
      const next = names[index + 1];
      if (timeOf(name) > to || (next !== undefined && timeOf(next) < from)) continue;
      for (const line of (await this.#files.read(name)).split("\n")) {
        if (line !== "") yield JSON.parse(line) as ServerMessage;
      }
    }
  }

  /** Records within the time, newest last, at most so many of the newest. */
  async records(from: number, to: number, wanted: (id: ActorId) => boolean, most: number): Promise<TransitionRecord[]> {
    let found: TransitionRecord[] = [];
    for await (const message of this.messages(from, to)) {
      if (message.type !== "records") continue;
      for (const record of message.records) {
        if (record.wallTime >= from && record.wallTime <= to && wanted(record.id)) found.push(record);
      }
      if (found.length > 2 * most) found = found.slice(-most);
    }
    return found.slice(-most);
  }

  /** The rows as they were then. */
  async rowsAt(wallTime: number): Promise<readonly ActorRow[]> {
    const before: string[] = [];
    let last = 0;
    for await (const message of this.messages(wallTime, wallTime)) {
      if ("wallTime" in message) last = message.wallTime;
      if (last > wallTime && before.length > 0 && message.type !== "hello") break;
      if (message.type === "hello") before.length = 0;
      before.push(JSON.stringify(message));
    }
    return before.length === 0 ? [] : new RecordedSource("history", before.join("\n")).rows;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#flush?.cancel();
    this.#connection?.close();
    await this.#flushNow();
  }

  /** A new recording: it begins with all that is there. */
  #begin(): void {
    this.#connection?.close();
    this.#since = this.#clock.wallTime();
    this.#name = `${String(this.#since).padStart(15, "0")}.jsonl`;
    this.#from ??= this.#since;
    this.#written = 0;
    this.#repetitions = new Repetitions();
    const connection = this.#hub.connect({
      send: (text) => this.#keep(text),
      unsentBytes: 0,
      maySee: () => true,
      maySend: false,
    });
    this.#connection = connection;
    connection.receive('{"type":"watch","counts":false}');
    connection.receive('{"type":"follow","filter":{}}');
  }

  #keep(said: string): void {
    const text = said.startsWith('{"type":"records"') ? this.#newsOf(said) : said;
    if (text === undefined) return;
    if (text.startsWith('{"type":"counters"') || text.startsWith('{"type":"processes"')) return;
    this.#waiting.push(text);
    this.#waitingBytes += text.length + 1;
    // A disk that does not keep up must not fill the memory.
    if (this.#waitingBytes <= 32 * 2 ** 20) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#report("History: the disk is too slow, records were left out");
    this.#begin();
  }

  /** Without records that only repeat what is kept; undefined: nothing else is in it. */
  #newsOf(said: string): string | undefined {
    const message = JSON.parse(said) as Extract<ServerMessage, { type: "records" }>;
    const records = message.records.filter((record) => this.#repetitions.isNews(record));
    if (records.length === message.records.length) return said;
    return records.length === 0 && message.dropped === 0 ? undefined : JSON.stringify({ ...message, records });
  }

  #flushLater(): void {
    this.#flush = this.#clock.wakeAt(this.#clock.now() + flushMs, () => {
      void this.#flushNow().finally(() => {
        if (!this.#stopped) this.#flushLater();
      });
    });
  }

  #flushNow(): Promise<void> {
    if (this.#waiting.length === 0) return this.#writing;
    const name = this.#name;
    const text = `${this.#waiting.join("\n")}\n`;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#written += text.length;
    const { ms, bytes } = this.#bound;
    const isFull = this.#written > Math.min(bytes / parts, partBytes) ||
      this.#clock.wallTime() - this.#since > ms / parts;
    this.#writing = this.#writing.then(() => this.#files.append(name, text)).then(() => this.#throwAway()).catch(
      (error) => this.#report(`History cannot be kept: ${(error as Error).message}`),
    );
    if (isFull && !this.#stopped) this.#begin();
    return this.#writing;
  }

  async #throwAway(): Promise<void> {
    const { ms, bytes } = this.#bound;
    const files = [...await this.#files.list()].sort((one, other) => one.name < other.name ? -1 : 1);
    let sum = files.reduce((total, file) => total + file.bytes, 0);
    const oldest = this.#clock.wallTime() - ms;
    while (files.length > 1 && (sum > bytes || timeOf(files[1]!.name) < oldest)) {
      const gone = files.shift()!;
      sum -= gone.bytes;
      await this.#files.remove(gone.name);
    }
    this.#from = timeOf(files[0]?.name ?? this.#name);
  }
}

function timeOf(name: string): number {
  return Number.parseInt(name, 10);
}
