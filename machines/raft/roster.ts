/**
 * What members are called and where they are reached. The log carries it with every configuration, and a snapshot with
 * its header, so that whoever knows who the members are knows how to talk to them. It decides nothing.
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { Configuration, MemberId } from "./entry.ts";
import { membersOf } from "./membership.ts";

export interface MemberRecord {
  readonly id: MemberId;
  /** The common name of its certificate between members; empty: not known yet. */
  readonly name: string;
  /** `https://host:port`; the first one counts. */
  readonly peerAddresses: readonly string[];
  readonly clientAddresses: readonly string[];
}

/** By rising id, each once. */
export type Roster = readonly MemberRecord[];

export function writeRoster(out: ByteWriter, roster: Roster): void {
  out.number(roster.length);
  for (const { id, name, peerAddresses, clientAddresses } of roster) {
    out.string(id);
    out.string(name);
    for (const addresses of [peerAddresses, clientAddresses]) {
      out.number(addresses.length);
      for (const each of addresses) out.string(each);
    }
  }
}

/** What follows a configuration; logs that were written by a single member without a name have nothing there. */
export function readRoster(reader: ByteReader): Roster {
  if (reader.remaining === 0) return [];
  const strings = () => Array.from({ length: reader.number() }, () => reader.string());
  return Array.from({ length: reader.number() }, () => ({
    id: reader.string(),
    name: reader.string(),
    peerAddresses: strings(),
    clientAddresses: strings(),
  }));
}

/** With this record in place of the one with its id. */
export function withRecord(roster: Roster, record: MemberRecord): Roster {
  return [...roster.filter(({ id }) => id !== record.id), record].sort((a, b) => a.id < b.id ? -1 : 1);
}

/** Those of the members, and no others. */
export function rosterOf(configuration: Configuration, roster: Roster): Roster {
  const members = membersOf(configuration);
  return roster.filter(({ id }) => members.includes(id));
}

/** Host and port of an address. undefined: it is none. */
export function endpointOf(peerAddress: string | undefined): { host: string; port: number } | undefined {
  const found = /^(?:[a-z]+:\/\/)?(\[[^\]]+\]|[^:/\s]+):(\d{1,5})\/?$/.exec(peerAddress ?? "");
  if (found === null) return undefined;
  const [, host = "", port = ""] = found;
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}
