/** The Storage port on an etcd v3 cluster of somebody else's (3.4 or newer). */
import type { Read, StatusResponse } from "../../machines/etcd/messages.ts";
import type { Part } from "../../machines/etcd/protobuf.ts";
import { type Method, services } from "../../machines/etcd/services.ts";
import { keyBytes } from "../../machines/etcd/keys.ts";
import { isReadOnly, operationFault, requestFault } from "../../machines/store/transaction.ts";
import type { Refusal } from "../../machines/store/requests.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import {
  type RangeRequest,
  type RangeResult,
  type Storage,
  StorageError,
  type StorageStatus,
  type StorageWatch,
  type TxnRequest,
  type TxnResult,
  type WatchRequest,
  type WatchSink,
} from "../../ports/storage.ts";
import { drawLeaseId, rangeOf, requireWhole } from "../store/request_checks.ts";
import { storageError as refusalError } from "../store/store_member.ts";
import { EtcdClient, type EtcdConnection, storageError } from "./etcd_client.ts";
import { rangeMessage, rangeResult, txnMessage, txnResult } from "./etcd_messages.ts";
import { EtcdWatch } from "./etcd_watch.ts";

export interface EtcdStorageOptions extends EtcdConnection {
  readonly clock: Clock;
  readonly random: Random;
  /** A key that the user may read, to ask for the revision with; the first of all keys unless told. */
  readonly probe?: string;
}

/** @throws StorageError "unavailable" when no endpoint answers. */
export async function openEtcdStorage(options: EtcdStorageOptions): Promise<Storage> {
  const client = new EtcdClient(options);
  try {
    const { version } = await client.call("Maintenance", "Status", services.Maintenance.Status, {}, true);
    return new EtcdStorage(client, options, isProgressSound(version));
  } catch (error) {
    client.close();
    throw error;
  }
}

/** From 3.4.31, 3.5.13 and 3.6 on, a progress request is answered only after all events before it. */
export function isProgressSound(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  if (major !== 3) return major > 3;
  return minor > 5 || (minor === 5 && patch >= 13) || (minor === 4 && patch >= 31);
}

class EtcdStorage implements Storage {
  #closed = false;
  #watches = new Set<EtcdWatch>();
  /** Watches "from now on" whose now is not settled: what is written after them has to wait, so that they see it. */
  #starting = new Set<Promise<void>>();
  /** No compaction below it is known to be missing. */
  #compacted = 0;

  constructor(readonly client: EtcdClient, readonly options: EtcdStorageOptions, readonly soundProgress: boolean) {}

  get #probe(): RangeRequest {
    return { key: this.options.probe ?? "\0", keysOnly: true };
  }

  async range(request: RangeRequest): Promise<RangeResult> {
    this.#check(operationFault({ type: "range", ...request }));
    return rangeResult(await this.#call("KV", "Range", services.KV.Range, rangeMessage(request), true));
  }

  async txn(request: TxnRequest): Promise<TxnResult> {
    this.#check(requestFault(request));
    await this.#started();
    return txnResult(await this.#call("KV", "Txn", services.KV.Txn, txnMessage(request), isReadOnly(request)));
  }

  watch(request: WatchRequest, sink: WatchSink): StorageWatch {
    const fault = this.#fault(operationFault({ type: "range", key: request.key, ...rangeOf(request) }));
    if (fault !== undefined) {
      let cancelled = false;
      this.options.clock.soon(() => !cancelled && sink.closed(fault));
      return { requestProgress() {}, cancel: () => void (cancelled = true) };
    }
    const watch: EtcdWatch = new EtcdWatch(request, sink, {
      client: this.client,
      clock: this.options.clock,
      soundProgress: this.soundProgress,
      revision: async () => (await this.range(this.#probe)).revision,
      mark: (key) => this.#mark(key),
      over: () => void this.#watches.delete(watch),
    });
    this.#watches.add(watch);
    if (!request.startRevision) {
      const started = watch.started.promise.then(() => void this.#starting.delete(started));
      this.#starting.add(started);
    }
    return watch;
  }

  async compact(revision: number): Promise<void> {
    requireWhole("revision", revision);
    this.#check(undefined);
    await this.#started();
    await this.#call("KV", "Compact", services.KV.Compact, { revision }, false);
    this.#compacted = Math.max(this.#compacted, revision);
  }

  async grantLease({ ttlSeconds, id = 0 }: { ttlSeconds: number; id?: number }) {
    requireWhole("time to live", ttlSeconds);
    if (id !== 0) requireWhole("lease id", id);
    this.#check(undefined);
    for (;;) {
      try {
        const asked = { ttl: ttlSeconds, id: id === 0 ? drawLeaseId(this.options.random) : id };
        const granted = await this.#call("Lease", "LeaseGrant", services.Lease.LeaseGrant, asked, false);
        return { id: granted.id, ttlSeconds: granted.ttl };
      } catch (error) {
        if (id !== 0 || !(error instanceof StorageError && error.code === "leaseExists")) throw error;
      }
    }
  }

  async revokeLease(id: number): Promise<void> {
    requireWhole("lease id", id);
    this.#check(undefined);
    await this.#started();
    await this.#call("Lease", "LeaseRevoke", services.Lease.LeaseRevoke, { id }, false);
  }

  async keepLeaseAlive(id: number): Promise<{ ttlSeconds: number }> {
    this.#check(undefined);
    const stream = await this.client.stream("Lease", "LeaseKeepAlive", services.Lease.LeaseKeepAlive);
    try {
      const ttlSeconds = await new Promise<number>((resolve, reject) => {
        stream.on("data", ({ ttl }) => resolve(ttl));
        stream.on("error", (error) => reject(storageError(error as Parameters<typeof storageError>[0])));
        stream.on("end", () => reject(new StorageError("unavailable", `Cannot keep lease ${id} alive: etcd hung up`)));
        stream.write({ id });
      });
      if (ttlSeconds > 0) return { ttlSeconds };
      throw new StorageError("leaseNotFound", `Cannot keep lease ${id} alive: it does not exist`);
    } finally {
      stream.cancel();
    }
  }

  async status(): Promise<StorageStatus> {
    this.#check(undefined);
    const { Status } = services.Maintenance;
    const status: Read<typeof StatusResponse> = await this.#call("Maintenance", "Status", Status, {}, true);
    const { revision } = await this.range(this.#probe);
    return {
      revision,
      compactedRevision: await this.#compactedRevision(revision),
      sizeBytes: status.dbSize,
      member: hex(status.header?.memberId ?? 0n),
      leader: status.leader === 0n ? "" : hex(status.leader),
      term: Number(status.raftTerm),
      appliedIndex: Number(status.raftAppliedIndex || status.raftIndex),
    };
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const watch of [...this.#watches]) watch.end(closedError());
    this.client.close();
  }

  #call<Request, Response>(
    service: string,
    name: string,
    method: Method<Request, Response>,
    request: Part<Request>,
    repeatable: boolean,
  ): Promise<Response> {
    return this.client.call(service, name, method, request, repeatable);
  }

  async #started(): Promise<void> {
    while (this.#starting.size > 0) await Promise.all(this.#starting);
    this.#check(undefined);
  }

  /** etcd does not tell it: the first revision that can be read is searched, from the last one found on. */
  async #compactedRevision(latest: number): Promise<number> {
    const isReadable = async (revision: number) => {
      try {
        await this.range({ ...this.#probe, revision });
        return true;
      } catch (error) {
        if (error instanceof StorageError && error.code === "compacted") return false;
        throw error;
      }
    };
    let low = Math.max(1, this.#compacted);
    if (await isReadable(low)) return this.#compacted;
    for (let high = latest; low < high;) {
      const middle = Math.floor((low + high) / 2);
      if (await isReadable(middle)) high = middle;
      else low = middle + 1;
    }
    return this.#compacted = low;
  }

  async #mark(marker: string): Promise<void> {
    const key = keyBytes(marker);
    await this.#call("KV", "Put", services.KV.Put, { key }, true);
    await this.#call("KV", "DeleteRange", services.KV.DeleteRange, { key }, true);
  }

  #fault(refusal: Refusal | undefined): StorageError | undefined {
    if (this.#closed) return closedError();
    return refusal === undefined ? undefined : refusalError(refusal);
  }

  #check(refusal: Refusal | undefined): void {
    const fault = this.#fault(refusal);
    if (fault !== undefined) throw fault;
  }
}

function closedError(): StorageError {
  return new StorageError("closed", "The store is closed");
}

function hex(id: bigint): string {
  return id.toString(16).padStart(16, "0");
}
