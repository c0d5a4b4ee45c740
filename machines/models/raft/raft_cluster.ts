/**
 * A cluster of members as one row of small numbers, and everything that may happen to it: messages are delivered in any
 * order, lost and doubled; timers fire; members crash and come back with what is on their disks; clients ask.
 *
 * A row is a string of one character per number: locals, ghost, budgets, then the messages in flight, sorted. It is its
 * own key, exactly.
 */
import { stateKey } from "../../check/state_key.ts";
import type { Configuration } from "../../raft/entry.ts";
import { logOf } from "../../raft/log.ts";
import type { LogEntry, Message } from "../../raft/message.ts";
import type { RaftEvent } from "../../raft/raft_member.ts";
import {
  checkMember,
  checkPair,
  checkQuorumLog,
  type Ghost,
  isLeader,
  nothingPromised,
  promisesAfter,
} from "./raft_ghost.ts";
import { type Disk, type Local, type LocalOptions, Locals, type Outcome } from "./raft_local.ts";

/** What may happen besides messages, as often as its budget says. */
export interface Possibility {
  readonly name: string;
  readonly budget: string;
  /** undefined: not to this member now. */
  readonly event: (local: Local, ghost: Ghost) => RaftEvent | { readonly timer: string } | undefined;
}

export interface ClusterModel extends LocalOptions {
  readonly members: readonly string[];
  readonly disks: Readonly<Record<string, Disk>>;
  /** Done first, each in peace: all messages are delivered before the next. */
  readonly prelude?: readonly { readonly member: string; readonly event: RaftEvent }[];
  readonly budgets: Readonly<Record<string, number>>;
  readonly possibilities: readonly Possibility[];
  readonly maxTerm: number;
  readonly maxStates: number;
  /** More messages in flight than this are not looked at: any of them may be late. Default: no bound. */
  readonly maxInFlight?: number;
  /** Messages that change nothing any more stay in flight: for machines that may not know that they do not. */
  readonly keepsDead?: boolean;
  readonly sometimes: Readonly<Record<string, (locals: readonly Local[], ghost: Ghost) => boolean>>;
}

interface Row {
  readonly locals: number[];
  ghost: number;
  readonly budgets: number[];
  readonly messages: number[];
}

interface Move {
  readonly name: () => string;
  readonly row: Row | undefined;
}

export class Cluster {
  readonly locals: Locals;
  readonly ghosts: Ghost[] = [];
  readonly budgets: readonly string[];
  readonly #ghostIds = new Map<string, number>();
  readonly #checkedMembers = new Set<number>();
  readonly #checkedDisks = new Set<string>();
  readonly #checkedPairs = new Set<number>();
  readonly #count: number;

  constructor(readonly model: ClusterModel) {
    this.locals = new Locals(model);
    this.budgets = Object.keys(model.budgets);
    this.#count = model.members.length;
  }

  first(): string {
    const outcomes = this.model.members.map((member) => this.locals.start(member, this.model.disks[member]!));
    const row: Row = {
      locals: outcomes.map(({ next }) => next.id),
      ghost: this.#ghost(nothingPromised),
      budgets: Object.values(this.model.budgets),
      messages: outcomes.flatMap(({ sent }) => sent),
    };
    for (const at of row.locals.keys()) this.#promise(row, at, outcomes[at]!);
    return encode(this.#prelude(row));
  }

  #prelude(first: Row): Row {
    let row = first;
    const follow = ({ name, row: next }: Move) => {
      if (next === undefined) throw new Error(`Cannot begin: ${name()} leads nowhere`);
      row = next;
    };
    const settle = () => {
      for (;;) {
        const writer = row.locals.findIndex((id) => this.locals.all[id]!.writes.length > 0);
        const local = this.locals.all[row.locals[writer] ?? 0]!;
        if (writer !== -1) {
          follow(this.#moved(row, writer, () => "write", this.locals.write(local), row.messages, row.budgets));
        } else if (row.messages.length > 0) follow(this.#deliver(row, row.messages[0]!, row.messages.slice(1)));
        else return;
      }
    };
    for (const { member, event } of this.model.prelude ?? []) {
      const at = this.model.members.indexOf(member);
      const outcome = this.locals.tell(this.locals.all[row.locals[at]!]!, event);
      follow(this.#moved(row, at, () => `${event.type} ${member}`, outcome, row.messages, row.budgets));
      settle();
    }
    return row;
  }

  /** Hands every row that may come next to `found`, always in the same order; `wanted`: the only move to be named. */
  expand(text: string, found: (next: string, index: number, name: () => string) => void): void {
    const row = this.#decode(text);
    let index = 0;
    const take = (make: () => Move) => {
      const { name, row: next } = make();
      if (next !== undefined) found(encode(next), index, name);
      index++;
    };
    const { messages, budgets } = row;
    for (const [at, message] of messages.entries()) {
      if (at > 0 && messages[at - 1] === message) continue;
      const rest = messages.toSpliced(at, 1);
      take(() => this.#deliver(row, message, rest));
      if (this.#has(row, "losses")) {
        take(() => ({
          name: () => `lose ${this.#said(message)}`,
          row: { ...row, messages: rest, budgets: this.#spend(row, "losses") },
        }));
      }
      if (this.#has(row, "duplicates")) {
        const doubled = [...messages, message];
        take(() => ({
          name: () => `double ${this.#said(message)}`,
          row: { ...row, messages: doubled, budgets: this.#spend(row, "duplicates") },
        }));
      }
    }
    for (let at = 0; at < this.#count; at++) {
      const local = this.locals.all[row.locals[at]!]!;
      if (this.#has(row, "crashes")) {
        take(() =>
          this.#moved(
            row,
            at,
            () => `crash ${local.member}`,
            this.locals.restart(local),
            messages,
            this.#spend(row, "crashes"),
          )
        );
      }
      if (local.writes.length > 0) {
        take(() => this.#moved(row, at, () => `write ${local.member}`, this.locals.write(local), messages, budgets));
      }
      for (const { name, budget, event } of this.model.possibilities) {
        if (!this.#has(row, budget)) continue;
        const ghost = this.ghosts[row.ghost]!;
        const happens = event(local, ghost);
        if (happens === undefined) continue;
        take(() => {
          const outcome = "timer" in happens
            ? this.locals.fire(local, happens.timer)
            : this.locals.tell(local, happens);
          let from = row;
          if ("type" in happens && happens.type === "reads.wanted") {
            const needed = Object.fromEntries(happens.ids.map((id) => [id, ghost.committed.length]));
            from = { ...row, ghost: this.#ghost({ ...ghost, reads: { ...ghost.reads, ...needed } }) };
          }
          return this.#moved(from, at, () => `${name} ${local.member}`, outcome, messages, this.#spend(row, budget));
        });
      }
    }
  }

  /** Everything that must hold in a state, each part looked at once. */
  check(text: string): void {
    const { locals, ghost } = this.#decode(text);
    const all = locals.map((id) => this.locals.all[id]!);
    for (const [at, local] of all.entries()) {
      const key = ghost * 65536 + local.id;
      if (!this.#checkedMembers.has(key)) {
        checkMember(this.ghosts[ghost]!, local, isLeader(local));
        this.#checkedMembers.add(key);
      }
      for (const other of all.slice(at + 1)) {
        const pair = local.id * 65536 + other.id;
        if (this.#checkedPairs.has(pair)) continue;
        checkPair(local, other);
        this.#checkedPairs.add(pair);
      }
    }
    const disks = `${ghost}/${locals.join()}`;
    if (this.#checkedDisks.has(disks)) return;
    checkQuorumLog(this.ghosts[ghost]!, all);
    this.#checkedDisks.add(disks);
  }

  look(text: string): { locals: readonly Local[]; ghost: Ghost } {
    const { locals, ghost } = this.#decode(text);
    return { locals: locals.map((id) => this.locals.all[id]!), ghost: this.ghosts[ghost]! };
  }

  #deliver(row: Row, message: number, rest: readonly number[]): Move {
    const words = this.locals.messages[message]!;
    const at = this.model.members.indexOf(words.to);
    const name = () => `deliver ${this.#said(message)}`;
    if (at === -1) return { name, row: { ...row, messages: [...rest] } };
    const outcome = this.locals.deliver(this.locals.all[row.locals[at]!]!, message);
    return this.#moved(row, at, name, outcome, rest, row.budgets);
  }

  #moved(
    row: Row,
    at: number,
    name: () => string,
    outcome: Outcome,
    messages: readonly number[],
    budgets: number[],
  ): Move {
    if (outcome.thrown !== undefined) throw new Thrown(name(), outcome.thrown);
    const { next, sent } = outcome;
    if (next.snapshot.context.term > this.model.maxTerm) return { name, row: undefined };
    if (messages.length + sent.length > (this.model.maxInFlight ?? Infinity)) return { name, row: undefined };
    const locals = row.locals.with(at, next.id);
    const flying: number[] = [];
    const hasChanged = row.locals[at] !== next.id;
    for (const id of messages) {
      // Nobody else has changed: what is under way to others is as it was.
      const isOwn = hasChanged && this.locals.messages[id]!.to === next.member;
      if (!isOwn || !this.#isDead(id, locals)) flying.push(id);
    }
    for (const id of sent) if (!this.#isDead(id, locals)) flying.push(id);
    const made: Row = { locals, ghost: row.ghost, budgets, messages: flying };
    try {
      this.#promise(made, at, outcome);
    } catch (error) {
      throw new Thrown(name(), error);
    }
    return { name, row: made };
  }

  #promise(row: Row, at: number, { next, served }: Outcome): void {
    const before = this.ghosts[row.ghost]!;
    if (served.length === 0 && !isLeader(next) && next.snapshot.context.commit <= before.committed.length) return;
    const peers = row.locals.map((id) => this.locals.all[id]!);
    const after = promisesAfter(before, next, served, peers.with(at, next));
    if (after !== before) row.ghost = this.#ghost(after);
  }

  #ghost(ghost: Ghost): number {
    const key = stateKey(ghost);
    let id = this.#ghostIds.get(key);
    if (id === undefined) {
      id = this.ghosts.push(ghost) - 1;
      this.#ghostIds.set(key, id);
    }
    return id;
  }

  #has(row: Row, budget: string): boolean {
    const at = this.budgets.indexOf(budget);
    return at !== -1 && row.budgets[at]! > 0;
  }

  #spend(row: Row, budget: string): number[] {
    const at = this.budgets.indexOf(budget);
    return row.budgets.with(at, row.budgets[at]! - 1);
  }

  /** Whoever gets it, now or later, does nothing: it is as good as not there. */
  #isDead(message: number, locals: readonly number[]): boolean {
    if (this.model.keepsDead) return false;
    const words = this.locals.messages[message]!;
    const { disk, snapshot } = this.locals.all[locals[this.model.members.indexOf(words.to)]!]!;
    const { term } = disk.hardState;
    switch (words.type) {
      case "vote.requested":
      case "preVote.refused":
        return words.term < term;
      case "preVote.granted":
        return words.term <= term;
      // Nobody stands, or leads, twice in a term.
      case "vote.granted":
      case "vote.refused":
        return words.term < term || (words.term === term && !snapshot.matches({ member: "candidate" }));
      case "append.accepted":
      case "append.refused":
      case "heartbeat.answered":
        return words.term < term || (words.term === term && !snapshot.matches({ member: "leader" }));
      default:
        return false;
    }
  }

  #said(message: number): string {
    const { type, from, to, ...rest } = this.locals.messages[message] as Message & Record<string, unknown>;
    return `${from} -> ${to} ${type} ${JSON.stringify(rest)}`;
  }

  #decode(text: string): Row {
    const numbers = new Array<number>(text.length);
    for (let at = 0; at < text.length; at++) numbers[at] = text.charCodeAt(at);
    const ghostAt = this.#count;
    const messagesAt = ghostAt + 1 + this.budgets.length;
    return {
      locals: numbers.slice(0, ghostAt),
      ghost: numbers[ghostAt]!,
      budgets: numbers.slice(ghostAt + 1, messagesAt),
      messages: numbers.slice(messagesAt),
    };
  }
}

/** What a step broke. */
export class Thrown extends Error {
  constructor(readonly move: string, override readonly cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause));
  }
}

function encode({ locals, ghost, budgets, messages }: Row): string {
  messages.sort((a, b) => a - b);
  const numbers = [...locals, ghost, ...budgets, ...messages];
  for (const number of numbers) {
    if (number > 0xffff) throw new Error("Cannot encode a row: more than 65,536 of something");
  }
  return String.fromCharCode.apply(undefined, numbers);
}

/** A disk with a log whose first entry names the members, as a first member writes it. */
export function diskOf(
  configuration: Configuration,
  terms: readonly number[] = [],
  term = Math.max(0, ...terms),
): Disk {
  const nobody = { index: 0, term: 0, configuration: { voters: [], learners: [] } };
  const first: LogEntry = { index: 1, term: 0, size: 1, configuration };
  const more = terms.map((term, at) => ({ index: at + 2, term, size: 1, configuration: null }));
  return { hardState: { term, vote: "", commit: 1 }, base: nobody, log: logOf(nobody, [first, ...more]) };
}

/** The disk of a member that has nothing yet. */
export function emptyDisk(): Disk {
  const nobody = { index: 0, term: 0, configuration: { voters: [], learners: [] } };
  return { hardState: { term: 0, vote: "", commit: 0 }, base: nobody, log: logOf(nobody, []) };
}
