/** Administration of a store of a single member, and the size limit it enforces on whoever writes. */
import { SnapshotWriter } from "../../machines/store/snapshot_format.ts";
import {
  type AdministeredStorage,
  AdministrationError,
  type StoreAdministration,
  type StoreAlarm,
  type StoreHash,
  type StoreHealth,
  type StoreLease,
  type StoreMemberChange,
  type StoreMemberInfo,
  type StoreMembership,
} from "../../ports/store_administration.ts";
import { LimitedStorage } from "./administration_limits.ts";
import { hashRecords, sizeInUse } from "./administration_records.ts";
import { type MemberStorage, SingleMemberStorage } from "./open_storage.ts";
import { storageError, type StoreMember } from "./store_member.ts";
import { turn } from "./turn.ts";

export interface AdministrationOptions {
  readonly name: string;
  /** Where its etcd endpoint is reached, if it has one; asked each time, since it is known only once it listens. */
  readonly clientAddresses?: () => readonly string[];
  /** Bytes in use at which writes are refused; etcd's 2 GiB unless told; 0: no limit. */
  readonly quotaBytes?: number;
}

const defaultQuota = 2 * 1024 ** 3;

/**
 * The store with its administration. Whoever writes has to use the storage that this answers: the limit is kept there.
 * Alarms do not outlive the process: a store that is too large raises its own again at the next write.
 */
export function administerSingleMember(storage: MemberStorage, options: AdministrationOptions): AdministeredStorage {
  if (!(storage instanceof SingleMemberStorage)) {
    throw new Error("Cannot administer the storage: it was not opened as that of a single member");
  }
  const { member } = storage;
  const limited = new LimitedStorage(storage, {
    member: member.store.identity.member,
    quotaBytes: options.quotaBytes ?? defaultQuota,
    measure: () => sizeInUse(member.store.state, member.options.clock),
  });
  return { storage: limited, administration: new SingleMemberAdministration(member, limited, options) };
}

class SingleMemberAdministration implements StoreAdministration {
  constructor(
    readonly member: StoreMember,
    readonly limited: LimitedStorage,
    readonly options: AdministrationOptions,
  ) {}

  // deno-lint-ignore require-await
  async members(): Promise<StoreMembership> {
    return this.#membership();
  }

  addMember(): Promise<StoreMemberChange> {
    return this.#refuse("add a member");
  }

  promoteMember(id: string): Promise<StoreMembership> {
    if (id !== this.#self.id) return unknownMember(id);
    return Promise.reject(new AdministrationError("notLearner", `Cannot promote member ${id}: it is a voter already`));
  }

  removeMember(id: string): Promise<StoreMembership> {
    return id === this.#self.id ? this.#refuse("remove the only member") : unknownMember(id);
  }

  updateMember(id: string): Promise<StoreMembership> {
    return id === this.#self.id ? this.#refuse("change where peers reach it") : unknownMember(id);
  }

  moveLeader(id: string): Promise<void> {
    if (id === this.#self.id) return Promise.resolve();
    const message = `Cannot move leadership to ${id}: it is no member`;
    return Promise.reject(new AdministrationError("badTransferee", message));
  }

  async health(): Promise<StoreHealth> {
    const { identity, log, snapshots } = this.member.store;
    const index = this.member.applied.index;
    return {
      member: identity.member,
      cluster: identity.cluster,
      leader: identity.member,
      term: log.hardState.term,
      committedIndex: index,
      appliedIndex: index,
      learner: false,
      sizeBytes: log.bytes + snapshots.bytes,
      sizeInUseBytes: await this.limited.measured(),
      quotaBytes: this.limited.limits.quotaBytes,
      errors: this.limited.alarms.map(({ type, member }) => `Member ${member} has the alarm "${type}"`),
    };
  }

  async hashAt(asked = 0): Promise<StoreHash> {
    const { state } = this.member.store;
    const { revision, compactedRevision } = state;
    const hashRevision = asked === 0 ? revision : asked;
    // etcd refuses the compacted revision itself: what was deleted at it is known to none for sure.
    const refusal = state.refusalAt(hashRevision) ??
      (asked > 0 && asked <= compactedRevision ? state.refusalAt(compactedRevision - 1) : undefined);
    if (refusal !== undefined) throw storageError(refusal);
    const hash = await hashRecords(state, this.member.options.clock, hashRevision);
    return { hash, revision, hashRevision, compactedRevision };
  }

  async *snapshot(): AsyncGenerator<Uint8Array, void> {
    const { identity, state } = this.member.store;
    const configuration = { voters: [identity.member], learners: [] };
    const writer = new SnapshotWriter(state, { ...identity, ...this.member.applied, configuration });
    try {
      for (let frame = writer.next(); frame !== undefined; frame = writer.next()) {
        yield frame.slice();
        await turn(this.member.options.clock);
      }
    } finally {
      writer.release();
    }
  }

  /** Frees all that is compacted. Its files are rewritten without it by the next snapshot. */
  async defragment(): Promise<void> {
    while (this.member.store.state.tidy(10_000)) await turn(this.member.options.clock);
    await this.limited.remeasure();
  }

  // deno-lint-ignore require-await
  async alarms(): Promise<readonly StoreAlarm[]> {
    return this.limited.alarms;
  }

  // deno-lint-ignore require-await
  async raiseAlarm(alarm: StoreAlarm): Promise<void> {
    this.limited.raise(alarm);
  }

  // deno-lint-ignore require-await
  async clearAlarm(alarm: StoreAlarm): Promise<boolean> {
    return this.limited.clear(alarm);
  }

  // deno-lint-ignore require-await
  async leases(): Promise<readonly number[]> {
    return this.member.store.state.leases.all().map(({ id }) => id);
  }

  // deno-lint-ignore require-await
  async lease(id: number): Promise<StoreLease | undefined> {
    const { member } = this;
    const lease = member.store.state.leases.get(id);
    if (lease === undefined) return undefined;
    const due = member.lessor.dueAt(id);
    const remainingSeconds = due === undefined
      ? -1
      : Math.max(0, Math.floor((due - member.options.clock.now()) / 1_000));
    return { id, ttlSeconds: lease.ttlSeconds, remainingSeconds, keys: [...lease.keys].sort() };
  }

  get #self(): StoreMemberInfo {
    const { name, clientAddresses } = this.options;
    const id = this.member.store.identity.member;
    return { id, name, peerAddresses: [], clientAddresses: clientAddresses?.() ?? [], learner: false };
  }

  #membership(): StoreMembership {
    return { cluster: this.member.store.identity.cluster, members: [this.#self] };
  }

  #refuse(what: string): Promise<never> {
    const message = `Cannot ${what}: the store was opened for a single member`;
    return Promise.reject(new AdministrationError("notSupported", message));
  }
}

function unknownMember(id: string): Promise<never> {
  return Promise.reject(new AdministrationError("memberNotFound", `Cannot change member ${id}: there is none`));
}
