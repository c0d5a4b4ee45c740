/** Who a member of a new directory is, and whom it founds the store with. */
import { crc32c } from "../../../machines/raft/crc32c.ts";
import type { Configuration, Identity, MemberId } from "../../../machines/raft/entry.ts";
import { type MemberRecord, type Roster, withRecord } from "../../../machines/raft/roster.ts";
import type { Random } from "../../../ports/random.ts";
import type { NewStoreMember } from "../../../ports/store_membership.ts";
import type { ReplicaSettings } from "./open_replicated_storage.ts";

export interface Founding {
  readonly identity: Identity;
  /** Without voters: the log of the others will tell. */
  readonly configuration: Configuration;
  readonly records: Roster;
}

/** The same on every member that is given the same: founders agree without having spoken. */
export function founding(options: ReplicaSettings, drawn?: Identity): Founding {
  const { begin, name, random } = options;
  if (begin === undefined) {
    const identity = drawn ?? { member: drawId(random), cluster: drawId(random) };
    return foundedBy(identity, [recordOf(identity.member, options)]);
  }
  if ("join" in begin) {
    const { id, cluster } = begin.join;
    return { identity: { member: id, cluster }, configuration: { voters: [], learners: [] }, records: [] };
  }
  const { cluster, members } = begin.found;
  const own = members.find((member) => member.name === name);
  if (own === undefined) {
    throw new Error(`Cannot found a store: "${name}" is not among [${members.map((each) => each.name).join(", ")}]`);
  }
  const records = members.map((member) => recordOf(founderId(cluster, member.name), member));
  return foundedBy({ member: founderId(cluster, name), cluster }, records);
}

export function recordOf(id: MemberId, { name, peerAddresses, clientAddresses }: NewStoreMember): MemberRecord {
  return { id, name, peerAddresses, clientAddresses: clientAddresses ?? [] };
}

function foundedBy(identity: Identity, records: readonly MemberRecord[]): Founding {
  const voters = records.map(({ id }) => id).sort();
  const roster = records.reduce<Roster>(withRecord, []);
  return { identity, configuration: { voters, learners: [] }, records: roster };
}

/** 16 hexadecimal digits from the names of cluster and member. */
function founderId(cluster: string, name: string): MemberId {
  const bytes = new TextEncoder().encode(`${cluster}/${name}`);
  const high = crc32c(bytes, 0, bytes.length);
  const low = crc32c(bytes, 0, bytes.length, high);
  return hex(high) + hex(low);
}

export function drawId(random: Random): string {
  return Array.from(random.bytes(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
