/**
 * What the actor of a store member has in its hands: the files, the state, the queue, the watches. How its orders are
 * carried out is in store_orders.ts; what it decides is in machines/store/store_member_machine.ts.
 */
import type { Identity, Position } from "../../machines/raft/entry.ts";
import type { Command } from "../../machines/store/command.ts";
import type { KeyValueState } from "../../machines/store/key_value_state.ts";
import { Lessor } from "../../machines/store/lessor.ts";
import type { Outcome, Refusal } from "../../machines/store/requests.ts";
import type { Clock, Wake } from "../../ports/clock.ts";
import type { Disk, DiskLock } from "../../ports/disk.ts";
import type { Random } from "../../ports/random.ts";
import { StorageError } from "../../ports/storage.ts";
import type { LogWriter } from "./log_writer.ts";
import { ProposalQueue } from "./proposal_queue.ts";
import type { StoredLog } from "./read_log.ts";
import type { SnapshotFiles } from "./snapshot_files.ts";
import { WatchHub } from "./watch_hub.ts";

export interface StoreMemberOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  /** Within the disk. */
  readonly directory: string;
  /** Of a directory that is new; drawn when absent. */
  readonly identity?: Identity;
  readonly segmentBytes: number;
  readonly queue: { readonly proposals: number; readonly bytes: number };
}

/** What exists once the log has been read. */
export interface OpenStore {
  readonly identity: Identity;
  readonly state: KeyValueState;
  readonly log: LogWriter;
  readonly snapshots: SnapshotFiles;
  readonly hub: WatchHub;
  readonly stored: StoredLog;
}

export class StoreMember {
  readonly lessor = new Lessor();
  readonly queue: ProposalQueue;
  lock: DiskLock | undefined;
  applied: Position = { index: 0, term: 0 };
  /** Set when requests are refused. */
  refusal: Refusal | undefined = { code: "unavailable", message: "The store is opening" };
  /** The machine has been told that proposals wait, or is writing. */
  awake = false;
  /** The machine's actor; set by the opener. */
  actor: { readonly alive: boolean; send(event: { type: "proposals.waiting" }): void } | undefined;
  /** Resolves when it serves, rejects when it cannot. */
  readonly opened = Promise.withResolvers<void>();
  readonly closed = Promise.withResolvers<void>();
  /** Orders that are being carried out; an order called off may still be at it. */
  #tasks = new Set<Promise<unknown>>();
  #store: OpenStore | undefined;
  #expiry: { readonly at: number; readonly wake: Wake } | undefined;

  constructor(readonly options: StoreMemberOptions) {
    this.queue = new ProposalQueue(options.queue);
    this.opened.promise.catch(() => {}); // Whoever opens the store hears of it; others need not.
  }

  /** @throws StorageError when requests are refused. */
  get store(): OpenStore {
    if (this.refusal !== undefined) throw storageError(this.refusal);
    return this.loaded;
  }

  /** What was loaded, also while nothing is served. */
  get loaded(): OpenStore {
    if (this.#store === undefined) throw new Error("Cannot use the store: its log has not been read");
    return this.#store;
  }

  /** Notes an order's work until it is done. */
  track<T>(task: Promise<T>): Promise<T> {
    this.#tasks.add(task);
    const done = () => void this.#tasks.delete(task);
    task.then(done, done);
    return task;
  }

  /** Resolves when all the work has ended that is going on now. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#tasks);
  }

  load(store: OpenStore): void {
    this.#store = store;
    this.applied = store.stored.applied;
  }

  /** As it was before the directory was opened; what was held is let go of. */
  async reset(): Promise<void> {
    this.disarm();
    this.queue.refuse({ code: "unavailable", message: "The store is opened anew" });
    await this.#store?.log.close();
    this.#store?.hub.closeAll(new StorageError("unavailable", "The store is opened anew"));
    this.#store = undefined;
    await this.lock?.release();
    this.lock = undefined;
    this.awake = false;
  }

  /** Answers whoever waits, and whoever comes, with this. */
  refuse(refusal: Refusal): void {
    this.refusal = refusal;
    this.disarm();
    this.queue.refuse(refusal);
    const error = storageError(refusal);
    this.#store?.hub.closeAll(error);
    this.opened.reject(error);
  }

  /** Lets go of everything when the actor was stopped from outside and can carry out no order any more. */
  async abandon(): Promise<void> {
    this.refuse({ code: "closed", message: "The store is closed" });
    await this.settled();
    await this.reset();
    this.closed.resolve();
  }

  propose(command: Command, settle: (outcome: Outcome) => void): void {
    if (this.refusal === undefined && !this.actor?.alive) {
      this.refuse({ code: "closed", message: "The store was stopped" });
    }
    if (this.refusal !== undefined) return settle({ type: "refused", refusal: this.refusal });
    if (this.queue.isFull) {
      const message = `Cannot take the request: ${this.queue.length} others wait for the disk`;
      return settle({ type: "refused", refusal: { code: "tooManyRequests", message } });
    }
    this.queue.push(command, settle);
    if (this.awake) return;
    this.awake = true;
    this.actor?.send({ type: "proposals.waiting" });
  }

  /** Applies a committed command. Watches have seen all that a compaction is about to drop. */
  apply(command: Command, position: Position): Outcome {
    const { state, hub } = this.loaded;
    if (command.type === "compact") hub.flush();
    const outcome = state.apply(command);
    this.applied = position;
    this.#followLeases(command, outcome);
    return outcome;
  }

  /** Gives every lease its full time, from now on. */
  startLeases(): void {
    const now = this.options.clock.now();
    for (const { id, ttlSeconds } of this.loaded.state.leases.all()) this.lessor.renew(id, ttlSeconds, now);
    this.armExpiry();
  }

  /** Sees to it that the next lease to run out is noticed. */
  armExpiry(): void {
    const next = this.lessor.nextDue;
    if (next === undefined || this.refusal !== undefined) return;
    if (this.#expiry !== undefined && this.#expiry.at <= next) return;
    this.#expiry?.wake.cancel();
    this.#expiry = { at: next, wake: this.options.clock.wakeAt(next, () => this.#expire()) };
  }

  disarm(): void {
    this.#expiry?.wake.cancel();
    this.#expiry = undefined;
  }

  #followLeases(command: Command, outcome: Outcome): void {
    if (outcome.type !== "done") return;
    const { lessor, options: { clock } } = this;
    if (command.type === "grantLease") {
      lessor.renew(command.id, command.ttlSeconds, clock.now());
      this.armExpiry();
    } else if (command.type === "revokeLease") lessor.forget(command.id);
  }

  #expire(): void {
    this.#expiry = undefined;
    const { clock } = this.options;
    const ids = this.lessor.takeExpired(clock.now());
    if (ids.length > 0) {
      this.propose({ type: "expireLeases", ids }, (outcome) => {
        // Too much waits: the leases are looked at again in a second.
        if (outcome.type === "refused") { for (const id of ids) this.lessor.renew(id, 1, clock.now()); }
        this.armExpiry();
      });
    }
    this.armExpiry();
  }
}

export function storageError({ code, message, compactedRevision }: Refusal): StorageError {
  return new StorageError(code, message, compactedRevision);
}
