/**
 * What the actors of one member of a replicated store have in their hands: the files, the state, the chart of the log,
 * and the parts that wait for it. How orders are carried out is in replica_orders.ts; what is decided is in
 * machines/store/replica_machine.ts and machines/raft/raft_machine.ts.
 */
import type { Identity, Position } from "../../../machines/raft/entry.ts";
import { entryAt } from "../../../machines/raft/log.ts";
import type { LogEntry } from "../../../machines/raft/message.ts";
import type { raftMachine } from "../../../machines/raft/raft_machine.ts";
import type { RaftContext } from "../../../machines/raft/raft_member.ts";
import type { Roster } from "../../../machines/raft/roster.ts";
import type { KeyValueState } from "../../../machines/store/key_value_state.ts";
import type { ReplicaEvent, replicaMachine } from "../../../machines/store/replica_machine.ts";
import type { Refusal } from "../../../machines/store/requests.ts";
import type { SnapshotHeader } from "../../../machines/store/snapshot_format.ts";
import type { Amount } from "../../../machines/store/store_member_machine.ts";
import type { DiskLock } from "../../../ports/disk.ts";
import { StorageError } from "../../../ports/storage.ts";
import type { ActorHandle } from "../../system.ts";
import type { LogWriter } from "../log_writer.ts";
import type { StoredLog } from "../read_log.ts";
import type { SnapshotFiles } from "../snapshot_files.ts";
import type { WatchHub } from "../watch_hub.ts";
import { Applier } from "./applier.ts";
import { DiskQueue } from "./disk_queue.ts";
import { Hashes } from "./hashes.ts";
import { Leases } from "./leases.ts";
import type { ReplicaSettings } from "./open_replicated_storage.ts";
import { PeerLink } from "./peer_link.ts";
import { Reads } from "./reads.ts";
import { RosterLog } from "./roster_log.ts";
import { SnapshotTransfers } from "./snapshot_transfers.ts";
import { Writes } from "./writes.ts";

/** What exists once the log has been read. */
export interface LoadedReplica {
  readonly identity: Identity;
  readonly log: LogWriter;
  readonly snapshots: SnapshotFiles;
  readonly hub: WatchHub;
  readonly stored: StoredLog;
  /** Another one after a snapshot of another member has been put in place. */
  state: KeyValueState;
}

export class Replica {
  readonly disk = new DiskQueue(this);
  readonly applier = new Applier(this);
  readonly writes: Writes;
  readonly reads: Reads;
  readonly leases = new Leases(this);
  readonly roster = new RosterLog(this);
  readonly link: PeerLink;
  readonly transfers: SnapshotTransfers;
  readonly hashes: Hashes;
  lock: DiskLock | undefined;
  applied: Position = { index: 0, term: 0 };
  /** Set when requests are refused. */
  refusal: Refusal | undefined = { code: "unavailable", message: "The store is opening" };
  /** The actor of this member's life; set by the opener. */
  actor: ActorHandle<typeof replicaMachine> | undefined;
  /** The actor of the log's chart. */
  raft: ActorHandle<typeof raftMachine> | undefined;
  /** Resolves when it serves, rejects when it cannot. */
  readonly opened = Promise.withResolvers<void>();
  readonly closed = Promise.withResolvers<void>();
  /** Told when the leader, the term or the members have changed. */
  readonly watchers = new Set<() => void>();
  /** What is to be called off when this member stops. */
  readonly endings = new Set<() => void>();
  #tasks = new Set<Promise<unknown>>();
  #loaded: LoadedReplica | undefined;
  #seen = { term: -1, leader: "" };
  #isReady = false;
  #isAlarmed = false;

  constructor(readonly options: ReplicaSettings) {
    this.opened.promise.catch(() => {}); // Whoever opens the store hears of it; others need not.
    this.link = new PeerLink(this, options.transport);
    this.reads = new Reads(this);
    this.writes = new Writes(this);
    this.transfers = new SnapshotTransfers(this);
    this.hashes = new Hashes(this);
    this.link.handlers.set("propose", (from, head, payloads) => {
      const refused = this.writes.takeForwarded(from, head as { term: number; origin: number; call: number }, payloads);
      return refused === undefined ? { taken: true } : { refused };
    });
  }

  /** What was loaded, also while nothing is served. */
  get loaded(): LoadedReplica {
    if (this.#loaded === undefined) throw new Error("Cannot use the store: its log has not been read");
    return this.#loaded;
  }

  /** Neither closed nor failed. */
  get isOpen(): boolean {
    return this.raft?.alive === true;
  }

  /** What the log's chart knows; nothing while there is none. */
  get context(): RaftContext | undefined {
    return (this.raft?.getSnapshot() as { context?: RaftContext } | undefined)?.context;
  }

  get isLeader(): boolean {
    const { context } = this;
    return context !== undefined && context.leader === context.id;
  }

  /** It is the only voter, leads, and has applied all that was ever answered: it need not ask anybody. */
  get isAlone(): boolean {
    const { context } = this;
    if (context === undefined || context.leader !== context.id) return false;
    const { index, configuration: { voters } } = context.log.configurations.at(-1)!;
    return voters.length === 1 && voters[0] === context.id && index <= context.commit &&
      this.applied.term === context.term;
  }

  entry(index: number): LogEntry | undefined {
    return this.context === undefined ? undefined : entryAt(this.context.log, index);
  }

  /** Of a snapshot of the state as it is at this moment. */
  snapshotHeader(): SnapshotHeader {
    const { applied, roster, loaded: { identity } } = this;
    const { configurations } = this.context!.log;
    const { configuration } = configurations.findLast(({ index }) => index <= applied.index)!;
    return { ...identity, ...applied, configuration, roster: roster.asOf(applied.index) };
  }

  refused({ code, message, compactedRevision }: Refusal): StorageError {
    return new StorageError(code, message, compactedRevision);
  }

  /** A fact for the actor of this member's life. */
  tell(event: ReplicaEvent): void {
    if (this.actor?.alive) this.actor.send(event);
  }

  /** Notes an order's work until it is done. */
  track<T>(task: Promise<T>): Promise<T> {
    this.#tasks.add(task);
    const done = () => void this.#tasks.delete(task);
    task.then(done, done);
    return task;
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#tasks);
    await this.disk.settled();
  }

  load(loaded: LoadedReplica): void {
    this.#loaded = loaded;
    this.applied = loaded.stored.applied;
  }

  /** The chart of the log has taken a step. */
  raftStepped(snapshot: { readonly value: unknown; readonly context: RaftContext }): void {
    const { value, context: { term, leader, reason, message } } = snapshot;
    if (value === "failed") return this.tell({ type: "member.failed", reason, message });
    if (value === "removed") return this.tell({ type: "member.removed" });
    if (term === this.#seen.term && leader === this.#seen.leader) return;
    const { leader: before } = this.#seen;
    this.#seen = { term, leader };
    const { member } = this.loaded.identity;
    if (leader === member) {
      this.leases.start();
      this.hashes.start();
    } else if (before === member) {
      this.leases.stop();
      this.hashes.stop();
    }
    this.reads.leaderChanged();
    this.writes.pump();
    for (const watcher of [...this.watchers]) watcher();
  }

  afterApplying(amount: Amount): void {
    this.reads.noteApplied();
    if (amount.entries > 0) this.tell({ type: "entries.applied", ...amount });
    this.writes.pump();
    if (!this.#isReady && this.isAlone) this.becomeReady();
  }

  becomeReady(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.tell({ type: "member.ready" });
  }

  alarmsChanged(): void {
    const { state, identity: { member } } = this.loaded;
    const isAlarmed = state.alarms.some((alarm) => alarm.type === "corrupt" && alarm.member === member);
    if (isAlarmed === this.#isAlarmed) return;
    this.#isAlarmed = isAlarmed;
    this.tell({ type: isAlarmed ? "alarm.raised" : "alarm.cleared" });
  }

  rosterChanged(): void {
    const { begin } = this.options;
    const known = this.roster.current;
    // Who joins knows from its ticket whom to listen to, until the log tells.
    if (known.length === 0 && begin !== undefined) this.link.know("join" in begin ? begin.join.records : []);
    else this.link.know(this.roster.reachable);
  }

  /** A configuration is committed and applied. */
  membershipApplied(entry: LogEntry): void {
    this.roster.committed(entry);
    for (const watcher of [...this.watchers]) watcher();
  }

  /** A snapshot of another member is in place, on the disk. */
  takeState(position: Position, state: KeyValueState, roster: Roster, bytes: number): void {
    this.applier.clear();
    this.loaded.state = state;
    this.applied = { index: position.index, term: position.term };
    this.roster.begin(position.index, roster);
    this.writes.skipped(position.index, position.term);
    this.loaded.hub.rebase(state);
    this.reads.noteApplied();
    this.alarmsChanged();
    this.tell({ type: "snapshot.received", bytes });
  }

  /** Answers whoever waits, and whoever comes, with this. */
  refuse(refusal: Refusal): void {
    this.refusal = refusal;
    const error = this.refused(refusal);
    this.leases.stop();
    this.writes.refuseAll(refusal);
    this.reads.refuseAll(error);
    this.#loaded?.hub.closeAll(error);
    this.opened.reject(error);
  }

  serve(): void {
    this.refusal = undefined;
    if (this.isLeader) this.leases.start();
  }

  /** Lets go of what the directory's opening has taken. */
  async release(): Promise<void> {
    await this.#loaded?.log.close();
    await this.lock?.release();
    this.lock = undefined;
  }
}
