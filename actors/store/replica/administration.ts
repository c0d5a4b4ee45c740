/** Administration of a member of a replicated store, and the size limit it enforces on whoever writes through it. */
import { SnapshotWriter } from "../../../machines/store/snapshot_format.ts";
import type { Command } from "../../../machines/store/command.ts";
import {
  type AdministeredStorage,
  AdministrationError,
  type StoreAdministration,
  type StoreAlarm,
  type StoreHash,
  type StoreHealth,
  type StoreLease,
  type StoreMemberChange,
  type StoreMembership,
} from "../../../ports/store_administration.ts";
import { endpointOf } from "../../../machines/raft/roster.ts";
import { LimitedStorage } from "../administration_limits.ts";
import { hashRecords, sizeInUse } from "../administration_records.ts";
import { turn } from "../turn.ts";
import type { ReplicatedStorage } from "./open_replicated_storage.ts";
import type { Replica } from "./replica.ts";
import { ReplicatedStorageOfMember } from "./replicated_storage.ts";

const defaultQuota = 2 * 1024 ** 3;

/** Whoever writes has to use the storage that this answers: the limit is kept there. Alarms are kept in the log. */
export function administerReplica(
  storage: ReplicatedStorage,
  { quotaBytes = defaultQuota }: { readonly quotaBytes?: number } = {},
): AdministeredStorage {
  if (!(storage instanceof ReplicatedStorageOfMember)) {
    throw new Error("Cannot administer the storage: it was not opened as that of a replicated store");
  }
  const { replica } = storage;
  const write = (command: Command) => replica.writes.submit(command, () => {});
  const limited = new LimitedStorage(storage, {
    member: storage.membership.id,
    quotaBytes,
    measure: () => sizeInUse(replica.loaded.state, replica.options.clock),
    alarms: {
      list: () => replica.loaded.state.alarms,
      raise: (alarm) => write({ type: "raiseAlarm", alarm }),
      clear: (alarm) => {
        write({ type: "clearAlarm", alarm });
        return replica.loaded.state.alarms.some((each) => each.type === alarm.type && each.member === alarm.member);
      },
    },
  });
  return { storage: limited, administration: new ReplicaAdministration(storage, replica, limited) };
}

class ReplicaAdministration implements StoreAdministration {
  constructor(
    readonly storage: ReplicatedStorageOfMember,
    readonly replica: Replica,
    readonly limited: LimitedStorage,
  ) {}

  // deno-lint-ignore require-await
  async members(): Promise<StoreMembership> {
    const { cluster } = this.storage.membership;
    return { cluster, members: this.storage.membership.records() };
  }

  async addMember(
    { peerAddresses, learner }: { peerAddresses: readonly string[]; learner: boolean },
  ): Promise<StoreMemberChange> {
    const { membership } = this.storage;
    if (!learner) {
      const message = "Cannot add a voter: a member is added as a learner, and promoted when it has caught up";
      throw new AdministrationError("notSupported", message);
    }
    checkAddresses(peerAddresses);
    const taken = membership.records().find((each) => each.peerAddresses.some((one) => peerAddresses.includes(one)));
    if (taken !== undefined) {
      const message = `Cannot add a member at ${peerAddresses.join(", ")}: member ${taken.id} is reached there`;
      throw new AdministrationError("peerAddressExists", message);
    }
    const ticket = await membership.addLearner({ name: "", peerAddresses });
    return { ...await this.members(), member: ticket.members.find(({ id }) => id === ticket.id)! };
  }

  async promoteMember(id: string): Promise<StoreMembership> {
    await this.storage.membership.promote(id);
    return await this.members();
  }

  async removeMember(id: string): Promise<StoreMembership> {
    await this.storage.membership.remove(id);
    return await this.members();
  }

  async updateMember(id: string, peerAddresses: readonly string[]): Promise<StoreMembership> {
    checkAddresses(peerAddresses);
    await this.storage.membership.update(id, { peerAddresses });
    return await this.members();
  }

  async moveLeader(id: string): Promise<void> {
    const { membership } = this.storage;
    if (!this.replica.isLeader) {
      throw new AdministrationError("notLeader", "Cannot move leadership: this member is not the leader");
    }
    if (id !== membership.id) await membership.moveLeader(id);
  }

  async health(): Promise<StoreHealth> {
    const { replica } = this;
    const { member, leader, term, appliedIndex, sizeBytes } = await this.storage.status();
    const { alarms } = replica.loaded.state;
    return {
      member,
      cluster: this.storage.membership.cluster,
      leader,
      term,
      committedIndex: replica.context?.commit ?? 0,
      appliedIndex,
      learner: this.storage.membership.records().some(({ id, learner }) => id === member && learner),
      sizeBytes,
      sizeInUseBytes: await this.limited.measured(),
      quotaBytes: this.limited.limits.quotaBytes,
      errors: [
        ...(leader === "" ? ["There is no leader"] : []),
        ...alarms.map((alarm) => `Member ${alarm.member} has the alarm "${alarm.type}"`),
      ],
    };
  }

  async hashAt(asked = 0): Promise<StoreHash> {
    const { replica } = this;
    const { state } = replica.loaded;
    const { revision, compactedRevision } = state;
    const hashRevision = asked === 0 ? revision : asked;
    // etcd refuses the compacted revision itself: what was deleted at it is known to none for sure.
    const refusal = state.refusalAt(hashRevision) ??
      (asked > 0 && asked <= compactedRevision ? state.refusalAt(compactedRevision - 1) : undefined);
    if (refusal !== undefined) throw replica.refused(refusal);
    const hash = await hashRecords(state, replica.options.clock, hashRevision);
    return { hash, revision, hashRevision, compactedRevision };
  }

  async *snapshot(): AsyncGenerator<Uint8Array, void> {
    const { replica } = this;
    const writer = new SnapshotWriter(replica.loaded.state, replica.snapshotHeader());
    try {
      for (let frame = writer.next(); frame !== undefined; frame = writer.next()) {
        yield frame.slice();
        await turn(replica.options.clock);
      }
    } finally {
      writer.release();
    }
  }

  /** Frees all that is compacted. Its files are rewritten without it by the next snapshot. */
  async defragment(): Promise<void> {
    while (this.replica.loaded.state.tidy(10_000)) await turn(this.replica.options.clock);
    await this.limited.remeasure();
  }

  // deno-lint-ignore require-await
  async alarms(): Promise<readonly StoreAlarm[]> {
    return this.limited.alarms;
  }

  async raiseAlarm(alarm: StoreAlarm): Promise<void> {
    await this.#write({ type: "raiseAlarm", alarm });
  }

  async clearAlarm(alarm: StoreAlarm): Promise<boolean> {
    const was = this.limited.alarms.some(({ type, member }) => type === alarm.type && member === alarm.member);
    if (was) await this.#write({ type: "clearAlarm", alarm });
    return was;
  }

  // deno-lint-ignore require-await
  async leases(): Promise<readonly number[]> {
    return this.replica.loaded.state.leases.all().map(({ id }) => id);
  }

  async lease(id: number): Promise<StoreLease | undefined> {
    const lease = this.replica.loaded.state.leases.get(id);
    if (lease === undefined) return undefined;
    const remainingSeconds = await this.storage.remainingSeconds(id);
    return { id, ttlSeconds: lease.ttlSeconds, remainingSeconds, keys: [...lease.keys].sort() };
  }

  #write(command: Command): Promise<void> {
    const { replica } = this;
    return new Promise((resolve, reject) => {
      // An alarm is cleared on a member that serves nothing because of it: the others' leader takes it.
      replica.writes.submit(command, (outcome) => {
        if (outcome.type === "refused") reject(replica.refused(outcome.refusal));
        else resolve();
      }, { evenRefused: true });
    });
  }
}

function checkAddresses(addresses: readonly string[]): void {
  const bad = addresses.length === 0 ? "" : addresses.find((each) => endpointOf(each) === undefined);
  if (bad === undefined) return;
  throw new AdministrationError("badAddress", `Cannot use peer address "${bad}": it must be https://host:port`);
}
