/** Writes of one member in the order they were ordered: whatever waits goes into one batch with one sync. */
import type { InstallSnapshot, SaveEntries } from "../../../machines/raft/turn.ts";
import { writeCommand } from "../../../machines/store/command_codec.ts";
import { typeOf } from "../../../machines/store/peer_message.ts";
import { replaceHeader } from "../../../machines/store/snapshot_format.ts";
import type { RaftEvent } from "../../../machines/raft/raft_member.ts";
import type { LogEntry } from "../../../machines/raft/message.ts";
import { carriedBy } from "./payloads.ts";
import type { Replica } from "./replica.ts";
import type { Received } from "./snapshot_transfers.ts";

/** The part of an order that its performer needs. */
interface Answerable {
  answer(fact: RaftEvent): void;
  fail(error: unknown): void;
}

type Task =
  | { readonly kind: "save"; readonly params: SaveEntries; readonly order: Answerable }
  | {
    readonly kind: "install";
    readonly params: InstallSnapshot;
    readonly received: Received;
    readonly order: Answerable;
  }
  | { readonly kind: "other"; readonly act: () => Promise<void> };

type Save = Extract<Task, { kind: "save" }>;

/** A batch that is larger makes everybody behind it wait. */
const batchBytes = 8 << 20;

export class DiskQueue {
  #tasks: Task[] = [];
  #running: Promise<void> | undefined;
  /** The end of the log is not known any more: nothing may be written after it. */
  #broken: { readonly error: unknown } | undefined;

  constructor(readonly replica: Replica) {}

  get isIdle(): boolean {
    return this.#running === undefined;
  }

  save(params: SaveEntries, order: Answerable): void {
    this.replica.roster.note(params.entries);
    this.#push({ kind: "save", params, order });
  }

  install(params: InstallSnapshot, order: Answerable): void {
    this.#push({ kind: "install", params, received: this.replica.transfers.take(params.snapshot), order });
  }

  /** Something else that must not happen beside a write. */
  run(act: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#push({ kind: "other", act: () => act().then(resolve, reject) });
    });
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #push(task: Task): void {
    this.#tasks.push(task);
    this.#running ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      const group = task.kind === "save" ? this.#takeSaves(task) : [];
      try {
        if (task.kind === "other") {
          await task.act();
          continue;
        }
        if (this.#broken !== undefined) throw this.#broken.error;
        if (task.kind === "save") await this.#write(group);
        else await this.#install(task.params, task.received);
      } catch (error) {
        this.#broken ??= { error };
        for (const each of task.kind === "save" ? group : [task]) if (each.kind !== "other") each.order.fail(error);
        continue;
      }
      for (const { kind, params, order } of task.kind === "save" ? group : [task]) {
        const { hardState: { term, vote }, last, thenSend } = params;
        if (thenSend.length > 0) this.replica.link.sendRaft(thenSend);
        order.answer({ type: kind === "save" ? "entries.saved" : "snapshot.installed", term, vote, last });
      }
    }
    this.#running = undefined;
    this.replica.writes.pump();
  }

  #takeSaves(first: Save): Save[] {
    const group = [first];
    let bytes = sizeOf(first);
    while (this.#tasks[0]?.kind === "save" && bytes < batchBytes) {
      const next = this.#tasks.shift() as Save;
      bytes += sizeOf(next);
      group.push(next);
    }
    return group;
  }

  async #write(group: readonly Save[]): Promise<void> {
    const { log } = this.replica.loaded;
    const { hardState } = group.at(-1)!.params;
    const isNew = hardState.term !== log.hardState.term || hardState.vote !== log.hardState.vote;
    // What all of them wait for is durable already: writes are carried out in order.
    if (!isNew && group.every(({ params }) => params.entries.length === 0)) return;
    await log.begin(hardState);
    for (const { params } of group) for (const entry of params.entries) this.#add(entry);
    await log.write();
  }

  #add(entry: LogEntry): void {
    const { log } = this.replica.loaded;
    const type = typeOf(entry);
    if (type === "empty") return void log.addAt(entry.index, entry.term, type, () => {});
    const { payload, command } = carriedBy(entry);
    log.addAt(entry.index, entry.term, type, (out) => {
      if (payload !== undefined) out.raw(payload);
      else writeCommand(out, command!);
    });
  }

  /** The snapshot first: a crash in between finds it, and a log that it replaces. */
  async #install({ snapshot, hardState }: InstallSnapshot, { bytes, state, roster }: Received): Promise<void> {
    const { replica } = this;
    const { log, snapshots, identity } = replica.loaded;
    const { header, rest } = replaceHeader(bytes, (header) => ({ ...header, ...identity, installed: true }));
    await snapshots.install(snapshot, [header, rest]);
    await log.beginAnew(snapshot, hardState);
    await snapshots.removeOld();
    replica.takeState(snapshot, state, roster, bytes.length);
  }
}

function sizeOf({ params }: Save): number {
  let bytes = 0;
  for (const { size } of params.entries) bytes += size;
  return bytes;
}
