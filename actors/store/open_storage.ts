/** The store of a single member behind the Storage port. */
import { isReadOnly, operationFault, requestFault } from "../../machines/store/transaction.ts";
import type { Command } from "../../machines/store/command.ts";
import type { Identity } from "../../machines/raft/entry.ts";
import { refused } from "../../machines/store/requests.ts";
import { SnapshotWriter } from "../../machines/store/snapshot_format.ts";
import type { Amount, storeMemberMachine } from "../../machines/store/store_member_machine.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Random } from "../../ports/random.ts";
import {
  type RangeRequest,
  type RangeResult,
  type Storage,
  StorageError,
  type TxnResult,
} from "../../ports/storage.ts";
import { type ActorHandle, ActorSystem, type Address, address } from "../system.ts";
import { drawLeaseId, rangeOf, requireWhole } from "./request_checks.ts";
import { storageError, StoreMember } from "./store_member.ts";
import { turn } from "./turn.ts";
import { storeMemberKind } from "./store_orders.ts";

export interface OpenStorageOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  /** Runs the member; absent: one of its own. */
  readonly system?: ActorSystem;
  /** Of the member's actor. */
  readonly address?: Address;
  readonly supervisor?: Address;
  /** Within the disk; "store" unless told. */
  readonly directory?: string;
  /** Of a directory that is new; drawn when absent. */
  readonly identity?: Identity;
  /** 10,000 entries, and log as long as the last snapshot up to 256 MiB, unless told. */
  readonly snapshotEvery?: Amount;
  /** A segment of the log is full at this size; 64 MiB unless told. */
  readonly segmentBytes?: number;
  /** What may wait for the disk before requests are refused with "tooManyRequests". */
  readonly queue?: { readonly proposals: number; readonly bytes: number };
}

const defaults = {
  directory: "store",
  snapshotEvery: { entries: 10_000, bytes: 256 << 20 },
  segmentBytes: 64 << 20,
  queue: { proposals: 20_000, bytes: 64 << 20 },
} as const;

/** A store with its member, for those who look inside. */
export interface MemberStorage extends Storage {
  readonly actor: ActorHandle<typeof storeMemberMachine>;
  /** What was found at opening and could be made good. */
  readonly notes: readonly string[];
  /** Of everything that can be read now; members that have applied the same entries have the same. Takes its time. */
  hash(): Promise<{ readonly appliedIndex: number; readonly hash: string }>;
}

/**
 * Opens the store of a single member, or makes it.
 *
 * @throws StorageError "unavailable" or "noSpace", saying why: another process has it open, the log is damaged, the
 * disk refuses.
 */
export async function openStorage(options: OpenStorageOptions): Promise<MemberStorage> {
  const settings = { ...defaults, ...options };
  const member = new StoreMember(settings);
  const system = options.system ?? new ActorSystem({ clock: options.clock });
  const actor = system.spawn(storeMemberKind(member), {
    address: options.address ??
      address({ node: "local", kind: "store", name: settings.directory.replaceAll("/", ".") }),
    ...(options.supervisor === undefined ? {} : { supervisor: options.supervisor }),
    input: { snapshotEvery: settings.snapshotEvery },
  });
  member.actor = actor;
  try {
    await member.opened.promise;
  } catch (error) {
    actor.send({ type: "storage.closeRequested" });
    await member.closed.promise;
    throw error;
  }
  return new SingleMemberStorage(member, actor);
}

/** Exported for its administration (administration.ts). */
export class SingleMemberStorage implements MemberStorage {
  constructor(readonly member: StoreMember, readonly actor: ActorHandle<typeof storeMemberMachine>) {}

  get notes(): readonly string[] {
    return this.member.loaded.stored.notes;
  }

  async hash(): Promise<{ appliedIndex: number; hash: string }> {
    const { member } = this;
    const appliedIndex = member.applied.index;
    const writer = new SnapshotWriter(member.store.state);
    try {
      while (writer.next() !== undefined) await turn(member.options.clock);
      return { appliedIndex, hash: writer.hash };
    } finally {
      writer.release();
    }
  }

  // The only voter is the leader for as long as it runs, and has applied all that was answered: it need not ask.
  // deno-lint-ignore require-await
  async range(request: RangeRequest): Promise<RangeResult> {
    const { state } = this.member.store;
    const fault = operationFault({ type: "range", ...request }) ??
      (request.revision ? state.refusalAt(request.revision) : undefined);
    if (fault !== undefined) throw storageError(fault);
    return state.range(request);
  }

  txn(request: Parameters<Storage["txn"]>[0]): Promise<TxnResult> {
    return new Promise((resolve, reject) => {
      const fault = requestFault(request);
      if (fault !== undefined) return reject(storageError(fault));
      const settle: Parameters<StoreMember["propose"]>[1] = (outcome) => {
        if (outcome.type === "txn") resolve(outcome.result);
        else if (outcome.type === "refused") reject(storageError(outcome.refusal));
        else reject(new Error(`Cannot answer a transaction: it came to "${outcome.type}"`));
      };
      if (isReadOnly(request) && this.member.refusal === undefined) {
        return settle(this.member.store.state.apply({ type: "txn", ...request }));
      }
      this.member.propose({ type: "txn", ...request }, settle);
    });
  }

  watch(...[request, sink]: Parameters<Storage["watch"]>): ReturnType<Storage["watch"]> {
    const { refusal, options } = this.member;
    const fault = refusal ?? operationFault({ type: "range", key: request.key, ...rangeOf(request) });
    if (fault === undefined) return this.member.store.hub.watch(request, sink);
    let cancelled = false;
    options.clock.soon(() => !cancelled && sink.closed(storageError(fault)));
    return { requestProgress() {}, cancel: () => void (cancelled = true) };
  }

  async compact(revision: number): Promise<void> {
    requireWhole("revision", revision);
    await this.#propose({ type: "compact", revision });
  }

  async grantLease(
    { ttlSeconds, id = 0 }: { ttlSeconds: number; id?: number },
  ): Promise<{ id: number; ttlSeconds: number }> {
    requireWhole("time to live", ttlSeconds);
    if (id !== 0) {
      requireWhole("lease id", id);
      await this.#propose({ type: "grantLease", id, ttlSeconds });
      return { id, ttlSeconds };
    }
    for (;;) {
      const drawn = drawLeaseId(this.member.options.random);
      if (this.member.store.state.leases.has(drawn)) continue;
      try {
        await this.#propose({ type: "grantLease", id: drawn, ttlSeconds });
        return { id: drawn, ttlSeconds };
      } catch (error) {
        // Somebody has taken the very id in the meantime: another is drawn.
        if (!(error instanceof StorageError && error.code === "leaseExists")) throw error;
      }
    }
  }

  async revokeLease(id: number): Promise<void> {
    requireWhole("lease id", id);
    await this.#propose({ type: "revokeLease", id });
  }

  // deno-lint-ignore require-await
  async keepLeaseAlive(id: number): Promise<{ ttlSeconds: number }> {
    const { member } = this;
    const lease = member.store.state.leases.get(id);
    if (lease === undefined || !member.lessor.runs(id)) {
      throw storageError(refused("leaseNotFound", `Cannot keep lease ${id} alive: it does not exist`).refusal);
    }
    member.lessor.renew(id, lease.ttlSeconds, member.options.clock.now());
    return { ttlSeconds: lease.ttlSeconds };
  }

  // deno-lint-ignore require-await
  async status(): ReturnType<Storage["status"]> {
    const { state, log, snapshots, identity } = this.member.store;
    return {
      revision: state.revision,
      compactedRevision: state.compactedRevision,
      sizeBytes: log.bytes + snapshots.bytes,
      member: identity.member,
      leader: identity.member,
      term: log.hardState.term,
      appliedIndex: this.member.applied.index,
    };
  }

  async close(): Promise<void> {
    if (this.actor.alive) this.actor.send({ type: "storage.closeRequested" });
    else await this.member.abandon();
    await this.member.closed.promise;
  }

  #propose(command: Command): Promise<void> {
    return new Promise((resolve, reject) => {
      this.member.propose(command, (outcome) => {
        if (outcome.type === "refused") reject(storageError(outcome.refusal));
        else resolve();
      });
    });
  }
}
