/** What members are called and where they are reached, as of each configuration in the log. */
import { ByteReader, ByteWriter } from "../../../machines/raft/bytes.ts";
import { readConfiguration, writeConfiguration } from "../../../machines/raft/log_format.ts";
import { membersOf } from "../../../machines/raft/membership.ts";
import type { LogEntry } from "../../../machines/raft/message.ts";
import {
  type MemberRecord,
  readRoster,
  type Roster,
  rosterOf,
  withRecord,
  writeRoster,
} from "../../../machines/raft/roster.ts";
import { bytesCarriedBy } from "./payloads.ts";
import type { Replica } from "./replica.ts";

const maxGone = 16;

export class RosterLog {
  /** Rising; the first is as of the last snapshot. */
  #known: { readonly index: number; readonly roster: Roster }[] = [{ index: 0, roster: [] }];

  /** Removed, as far as this member has seen it happen: they are told so when they ask to be elected. */
  #gone = new Map<string, MemberRecord>();

  constructor(readonly replica: Replica) {}

  /** Members, those who are being removed, and those who were and may not have heard of it. */
  get reachable(): Iterable<MemberRecord> {
    const all = [...this.#gone.values(), ...this.#known.flatMap(({ roster }) => roster)];
    return new Map(all.map((record) => [record.id, record])).values();
  }

  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  /** A configuration is committed: whoever is not in it, is a member no more. */
  committed({ index, configuration }: LogEntry): void {
    const members = membersOf(configuration!);
    for (const { roster } of this.#known.filter((each) => each.index <= index)) {
      for (const record of roster) if (!members.includes(record.id)) this.#gone.set(record.id, record);
    }
    this.forgetBefore(index);
    for (const id of [...this.#gone.keys()].slice(0, -maxGone)) this.#gone.delete(id);
    this.#tell();
  }

  get current(): Roster {
    return this.#known.at(-1)!.roster;
  }

  asOf(index: number): Roster {
    return (this.#known.findLast((each) => each.index <= index) ?? this.#known[0]!).roster;
  }

  /** The log begins anew here. */
  begin(index: number, roster: Roster): void {
    this.#known = [{ index, roster }];
    this.#tell();
  }

  /** A snapshot has everything up to here. */
  forgetBefore(index: number): void {
    const first = this.#known.findLastIndex((each) => each.index <= index);
    if (first > 0) this.#known.splice(0, first);
  }

  /** These are in the log from now on; what was there from the first of them on is gone. */
  note(entries: readonly LogEntry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const before = this.current;
    while (this.#known.length > 1 && this.#known.at(-1)!.index >= first.index) this.#known.pop();
    for (const entry of entries) {
      if (entry.configuration === null) continue;
      const reader = new ByteReader(bytesCarriedBy(entry));
      readConfiguration(reader);
      this.#known.push({ index: entry.index, roster: readRoster(reader) });
    }
    if (this.current !== before) this.#tell();
  }

  /** Of a configuration that this member, as leader, has just added. */
  payloadFor({ configuration }: LogEntry, record: MemberRecord | undefined): Uint8Array {
    const roster = record === undefined ? this.current : withRecord(this.current, record);
    return encodeMembers(configuration!, rosterOf(configuration!, roster));
  }

  #tell(): void {
    this.replica.rosterChanged();
  }
}

/** The payload of an entry that says who the members are. */
export function encodeMembers(configuration: Parameters<typeof writeConfiguration>[1], roster: Roster): Uint8Array {
  const out = new ByteWriter(256);
  writeConfiguration(out, configuration);
  writeRoster(out, roster);
  return out.copy();
}
