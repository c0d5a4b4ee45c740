/**
 * One member of a modelled cluster: the shipped machine, its disk, and the writes under way. Local states and messages
 * are interned, and each step of the machine is worked out once.
 */
import type { SnapshotFrom } from "xstate";
import { MachineCoverage } from "../../check/machine_coverage.ts";
import { stateKey } from "../../check/state_key.ts";
import type { HardState } from "../../raft/entry.ts";
import { append, compact, entriesFrom, logOf, type RaftLog, truncate } from "../../raft/log.ts";
import type { Message, SnapshotPosition } from "../../raft/message.ts";
import { raftMachine } from "../../raft/raft_machine.ts";
import type { RaftEvent, RaftInput, RaftSettings } from "../../raft/raft_member.ts";
import type { OrderParams } from "../../raft/turn.ts";
import { firstStep, type Order, type Step, step } from "../../step.ts";

export type RaftMachine = typeof raftMachine;

export interface Disk {
  readonly hardState: HardState;
  readonly base: SnapshotPosition;
  readonly log: RaftLog;
}

export interface Local {
  readonly id: number;
  readonly member: string;
  readonly snapshot: SnapshotFrom<RaftMachine>;
  readonly disk: Disk;
  /** Writes that are ordered and not done; only where the model looks at slow disks. */
  readonly writes: readonly Order[];
  readonly timers: Readonly<Record<string, { readonly type: string }>>;
}

/** What a step of one member brought about. */
export interface Outcome {
  readonly next: Local;
  readonly sent: readonly number[];
  readonly served: readonly OrderParams<"serveReads">[];
  /** What the step threw, which is a broken rule. */
  readonly thrown?: unknown;
}

export interface LocalOptions {
  readonly machine?: RaftMachine;
  readonly settings: RaftSettings;
  /** Writes end at some later moment; else at once. */
  readonly slowDisk?: boolean;
  /** What a restarted member finds; for mutants. */
  readonly found?: (disk: Disk) => Disk;
}

export class Locals {
  readonly all: Local[] = [];
  readonly messages: Message[] = [];
  readonly machine: RaftMachine;
  readonly coverage: MachineCoverage;
  readonly #localIds = new Map<string, number>();
  readonly #messageIds = new Map<string, number>();
  readonly #deliveries = new Map<number, Outcome>();
  readonly #steps = new Map<number, Map<string, Outcome>>();
  /** Steps of the machine that were really made. */
  made = 0;

  constructor(readonly options: LocalOptions) {
    this.machine = options.machine ?? raftMachine;
    this.coverage = new MachineCoverage(this.machine);
  }

  start(member: string, disk: Disk): Outcome {
    const input: RaftInput = {
      id: member,
      settings: this.options.settings,
      hardState: disk.hardState,
      base: disk.base,
      entries: entriesFrom(disk.log, disk.log.base.index + 1),
      snapshot: disk.base,
      applied: disk.base.index,
      drawnMs: 0,
    };
    const first = firstStep(this.machine, input);
    return this.#settle({ member, disk, writes: [], timers: {} }, first);
  }

  restart(local: Local): Outcome {
    return this.#memo(local, "restart", () => this.start(local.member, (this.options.found ?? same)(local.disk)));
  }

  deliver(local: Local, message: number): Outcome {
    const known = this.#deliveries.get(local.id * 65536 + message);
    if (known !== undefined) return known;
    const outcome = this.#memo(local, `m${message}`, () => this.#step(local, this.messages[message]!));
    this.#deliveries.set(local.id * 65536 + message, outcome);
    return outcome;
  }

  tell(local: Local, event: RaftEvent): Outcome {
    return this.#memo(local, `e${stateKey(event)}`, () => {
      const outcome = this.#step(local, event);
      if (event.type !== "snapshot.made") return outcome;
      const disk = compacted(local.disk, outcome.next.snapshot.context.snapshot);
      return { ...outcome, next: this.#intern({ ...outcome.next, disk }) };
    });
  }

  fire(local: Local, timer: string): Outcome {
    return this.#memo(local, `t${timer}`, () => {
      const { [timer]: event, ...timers } = local.timers;
      return this.#step({ ...local, timers }, event as RaftEvent);
    });
  }

  /** The first write under way ends. */
  write(local: Local): Outcome {
    return this.#memo(local, "write", () => {
      const [order, ...writes] = local.writes;
      const { disk, messages, answer } = written(local.disk, order!);
      return this.#step({ ...local, disk, writes }, answer, messages);
    });
  }

  message(message: Message): number {
    const key = stateKey(message);
    let id = this.#messageIds.get(key);
    if (id === undefined) {
      id = this.messages.push(message) - 1;
      this.#messageIds.set(key, id);
    }
    return id;
  }

  #memo(local: Local, key: string, make: () => Outcome): Outcome {
    let steps = this.#steps.get(local.id);
    if (steps === undefined) this.#steps.set(local.id, steps = new Map());
    let outcome = steps.get(key);
    if (outcome === undefined) {
      try {
        outcome = make();
      } catch (thrown) {
        outcome = { next: local, sent: [], served: [], thrown };
      }
      steps.set(key, outcome);
    }
    return outcome;
  }

  #step(local: Omit<Local, "id">, event: RaftEvent, messages: readonly Message[] = []): Outcome {
    this.made++;
    return this.#settle(local, step(this.machine, local.snapshot, event), messages);
  }

  /** Carries out what was ordered, and tells the answers, until nothing is left to do. */
  #settle(
    before: Omit<Local, "id" | "snapshot">,
    first: Step<RaftMachine>,
    messages: readonly Message[] = [],
  ): Outcome {
    const sent = [...messages];
    const served: OrderParams<"serveReads">[] = [];
    let { disk, writes, timers } = before;
    let made = first;
    const answers: RaftEvent[] = [];
    for (;;) {
      this.coverage.note(made);
      for (const { id, event } of made.timers) {
        const { [id]: _, ...others } = timers;
        timers = event === undefined ? others : { ...others, [id]: event };
      }
      for (const order of made.orders) {
        switch (order.type) {
          case "saveEntries":
          case "installSnapshot": {
            if (this.options.slowDisk) {
              writes = [...writes, order];
              break;
            }
            const done = written(disk, order);
            disk = done.disk;
            sent.push(...done.messages);
            answers.push(done.answer);
            break;
          }
          case "sendMessages":
            sent.push(...(order.params as OrderParams<"sendMessages">).messages);
            break;
          case "sendSnapshot": {
            const { to, message } = order.params as OrderParams<"sendSnapshot">;
            sent.push(message);
            answers.push({ type: "snapshot.sent", to });
            break;
          }
          case "serveReads":
            served.push(order.params as OrderParams<"serveReads">);
        }
      }
      const answer = answers.shift();
      if (answer === undefined) break;
      this.made++;
      made = step(this.machine, made.snapshot, answer);
    }
    const next = this.#intern({ member: before.member, snapshot: made.snapshot, disk, writes, timers });
    return { next, sent: sent.map((message) => this.message(message)), served };
  }

  #intern(local: Omit<Local, "id">): Local {
    const { settings: _, ...context } = local.snapshot.context;
    const { member, disk, writes } = local;
    const key = stateKey([member, local.snapshot.value, context, disk, writes, Object.keys(local.timers).sort()]);
    const known = this.#localIds.get(key);
    if (known !== undefined) return this.all[known]!;
    const made = { ...local, id: this.all.length };
    this.all.push(made);
    this.#localIds.set(key, made.id);
    return made;
  }
}

/** What the disk has once a write is done, what may be said then, and the answer. */
export function written(disk: Disk, order: Order): { disk: Disk; messages: readonly Message[]; answer: RaftEvent } {
  if (order.type === "installSnapshot") {
    const { hardState, snapshot, last, thenSend } = order.params as OrderParams<"installSnapshot">;
    return {
      disk: { hardState, base: snapshot, log: logOf(snapshot, []) },
      messages: thenSend,
      answer: { type: "snapshot.installed", term: hardState.term, vote: hardState.vote, last },
    };
  }
  const { hardState, entries, last, thenSend } = order.params as OrderParams<"saveEntries">;
  const log = entries.length === 0 ? disk.log : append(truncate(disk.log, entries[0]!.index), entries);
  return {
    disk: { ...disk, hardState, log },
    messages: thenSend,
    answer: { type: "entries.saved", term: hardState.term, vote: hardState.vote, last },
  };
}

/** The disk after a snapshot was made of what is applied. */
export function compacted(disk: Disk, snapshot: SnapshotPosition): Disk {
  return { ...disk, base: snapshot, log: compact(disk.log, snapshot.index) };
}

function same(disk: Disk): Disk {
  return disk;
}
