/** One member of a replicated store behind the Storage port. */
import type { Command } from "../../../machines/store/command.ts";
import type { replicaMachine } from "../../../machines/store/replica_machine.ts";
import type { Outcome } from "../../../machines/store/requests.ts";
import { isReadOnly, operationFault, requestFault } from "../../../machines/store/transaction.ts";
import {
  type RangeRequest,
  type RangeResult,
  type Storage,
  StorageError,
  type StorageStatus,
  type TxnRequest,
  type TxnResult,
} from "../../../ports/storage.ts";
import type { StoreMembershipControl } from "../../../ports/store_membership.ts";
import type { ActorHandle } from "../../system.ts";
import { drawLeaseId, rangeOf, requireWhole } from "../request_checks.ts";
import { Announcement } from "./announcement.ts";
import { MembershipControl } from "./membership_control.ts";
import type { ReplicatedStorage } from "./open_replicated_storage.ts";
import type { Replica } from "./replica.ts";

export class ReplicatedStorageOfMember implements ReplicatedStorage {
  readonly membership: StoreMembershipControl;

  constructor(readonly replica: Replica, readonly actor: ActorHandle<typeof replicaMachine>) {
    this.membership = new MembershipControl(replica);
    new Announcement(replica, this.membership).look();
    replica.link.handlers.set("leaseTime", (_, head) => {
      return { seconds: replica.leases.remainingSeconds((head as { id: number }).id) };
    });
    replica.link.handlers.set("keepLease", async (_, head) => {
      try {
        return { ttlSeconds: (await this.#keepOwnLease((head as { id: number }).id)) ?? 0 };
      } catch {
        return { again: true };
      }
    });
  }

  get log() {
    if (this.replica.raft === undefined) throw new Error("Cannot look at the log: the member was not started");
    return this.replica.raft;
  }

  get notes(): readonly string[] {
    return this.replica.loaded.stored.notes;
  }

  hash(): Promise<{ appliedIndex: number; revision: number; hash: string }> {
    return this.replica.hashes.current();
  }

  async range(request: RangeRequest): Promise<RangeResult> {
    const { replica } = this;
    const fault = operationFault({ type: "range", ...request });
    if (fault !== undefined) throw replica.refused(fault);
    await this.#catchUp(request.serializable ?? false);
    const { state } = replica.loaded;
    const refusal = request.revision ? state.refusalAt(request.revision) : undefined;
    if (refusal !== undefined) throw replica.refused(refusal);
    return state.range(request);
  }

  async txn(request: TxnRequest): Promise<TxnResult> {
    const { replica } = this;
    const fault = requestFault(request);
    if (fault !== undefined) throw replica.refused(fault);
    if (isReadOnly(request)) {
      await this.#catchUp(false);
      return txnResult(replica, replica.loaded.state.apply({ type: "txn", ...request }));
    }
    return await new Promise((resolve, reject) => {
      replica.writes.submit({ type: "txn", ...request }, (outcome) => {
        if (outcome.type === "txn") resolve(outcome.result);
        else reject(errorOf(replica, outcome));
      });
    });
  }

  watch(...[request, sink]: Parameters<Storage["watch"]>): ReturnType<Storage["watch"]> {
    const { replica } = this;
    const fault = replica.refusal ?? operationFault({ type: "range", key: request.key, ...rangeOf(request) });
    if (fault === undefined) return replica.loaded.hub.watch(request, sink);
    let cancelled = false;
    replica.options.clock.soon(() => !cancelled && sink.closed(replica.refused(fault)));
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
      const drawn = drawLeaseId(this.replica.options.random);
      try {
        await this.#propose({ type: "grantLease", id: drawn, ttlSeconds });
        return { id: drawn, ttlSeconds };
      } catch (error) {
        // Somebody has the very id: another is drawn.
        if (!(error instanceof StorageError && error.code === "leaseExists")) throw error;
      }
    }
  }

  async revokeLease(id: number): Promise<void> {
    requireWhole("lease id", id);
    await this.#propose({ type: "revokeLease", id });
  }

  async keepLeaseAlive(id: number): Promise<{ ttlSeconds: number }> {
    const { replica } = this;
    const { clock, requestTimeoutMs } = replica.options;
    for (const deadline = clock.now() + requestTimeoutMs;;) {
      if (replica.refusal !== undefined) throw replica.refused(replica.refusal);
      const ttlSeconds = await this.#keepLease(id);
      if (ttlSeconds !== undefined && ttlSeconds > 0) return { ttlSeconds };
      if (ttlSeconds === 0) {
        throw new StorageError("leaseNotFound", `Cannot keep lease ${id} alive: it does not exist`);
      }
      if (clock.now() >= deadline) {
        throw new StorageError("unavailable", `Cannot keep lease ${id} alive: no leader has answered`);
      }
      await new Promise<void>((resolve) => clock.wakeAt(clock.now() + 50, resolve));
    }
  }

  /** As the leader's clock has it; -1: it has run out, or no leader has said. */
  async remainingSeconds(id: number): Promise<number> {
    const { replica } = this;
    const own = replica.leases.remainingSeconds(id);
    if (own !== undefined) return own;
    const { leader = "" } = replica.context ?? {};
    const reply = leader === "" ? undefined : await replica.link.call(leader, "leaseTime", { id });
    return (reply?.head as { seconds?: number } | undefined)?.seconds ?? -1;
  }

  // deno-lint-ignore require-await
  async status(): Promise<StorageStatus> {
    const { replica } = this;
    if (replica.refusal !== undefined) throw replica.refused(replica.refusal);
    const { state, log, snapshots, identity } = replica.loaded;
    const { leader = "", term = 0 } = replica.context ?? {};
    return {
      revision: state.revision,
      compactedRevision: state.compactedRevision,
      sizeBytes: log.bytes + snapshots.bytes,
      member: identity.member,
      leader,
      term,
      appliedIndex: replica.applied.index,
    };
  }

  async close(): Promise<void> {
    const { replica } = this;
    if (this.actor.alive) this.actor.send({ type: "storage.closeRequested" });
    else {
      // The actor was stopped from outside and can carry out no order any more.
      replica.refuse({ code: "closed", message: "The store is closed" });
      await replica.link.close();
      await replica.settled();
      await replica.release();
      replica.closed.resolve();
    }
    await replica.closed.promise;
  }

  /** 0: there is no such lease; undefined: nobody has said. */
  async #keepLease(id: number): Promise<number | undefined> {
    const { replica } = this;
    const { leader = "", id: self } = replica.context ?? {};
    if (leader === "") return undefined;
    if (leader === self) return await this.#keepOwnLease(id);
    const reply = await replica.link.call(leader, "keepLease", { id });
    return (reply?.head as { ttlSeconds?: number } | undefined)?.ttlSeconds;
  }

  /** As leader; another one may have let the lease run out if this one leads no more, so it makes sure that it does. */
  async #keepOwnLease(id: number): Promise<number | undefined> {
    await this.#catchUp(false);
    return this.replica.isLeader ? this.replica.leases.renew(id) ?? 0 : undefined;
  }

  /** @throws StorageError when requests are refused. */
  async #catchUp(isSerializable: boolean): Promise<void> {
    const { replica } = this;
    if (replica.refusal !== undefined) throw replica.refused(replica.refusal);
    if (!isSerializable && !replica.isAlone) await replica.reads.barrier();
  }

  #propose(command: Command): Promise<void> {
    return new Promise((resolve, reject) => {
      this.replica.writes.submit(command, (outcome) => {
        if (outcome.type === "refused") reject(this.replica.refused(outcome.refusal));
        else resolve();
      });
    });
  }
}

function txnResult(replica: Replica, outcome: Outcome): TxnResult {
  if (outcome.type === "txn") return outcome.result;
  throw errorOf(replica, outcome);
}

function errorOf(replica: Replica, outcome: Outcome): Error {
  if (outcome.type === "refused") return replica.refused(outcome.refusal);
  return new Error(`Cannot answer a transaction: it came to "${outcome.type}"`);
}
