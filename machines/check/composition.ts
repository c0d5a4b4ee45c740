/**
 * All actors together as one row of small numbers, and every row that may come next.
 *
 * A row: the local state of each actor, the history, the cut of the network, what is left of each budget, and then the
 * messages in flight, sorted so that equal situations are equal rows.
 */
import { LocalStates, stays } from "./local_states.ts";
import { dropMessages, Processes } from "./processes.ts";
import { RowFingerprint } from "./row_fingerprint.ts";
import { amountsOf, groupsOf, HistoryTable, slotHigh, slotLow } from "./row_parts.ts";
import type { Happening, Message, Move, NetworkModel, SystemModel } from "./system_model.ts";

/**
 * Takes each row that may come next; it is in `next` and `nextLength` of the composition, or, when that is `lazy`, only
 * its fingerprint is in `low` and `high` until `make` is called.
 */
export interface Sink {
  /** The place of the move among those of the row, and whether it is a fault. */
  found(index: number, fault: boolean): void;
}

const noHappening: readonly never[] = [];
const noHistory: readonly unknown[] = [undefined];

export class Composition {
  readonly locals: LocalStates;
  readonly budgets: ReadonlyMap<string, number>;
  /** Where in a row the history, the cut and the first budget are, and where messages start. */
  readonly historyAt: number;
  readonly cutAt: number;
  readonly budgetAt: number;
  readonly header: number;
  next = new Int32Array(256);
  nextLength = 0;
  /** The move that is being made: its transition, or what the network does to a message. */
  transition = 0;
  #special: Move = { do: "heal" };
  /** The message or the local move that is being tried. */
  #message = -1;
  #move: Move | undefined;
  #index = 0;
  /** The row that is being expanded, its fingerprint, and what the move takes out of it. */
  #row: Int32Array = new Int32Array(0);
  #at = 0;
  #length = 0;
  #low = 0;
  #high = 0;
  #without = -1;
  #spends = -1;
  /** A bit for each actor whose moves are handed over; the others' keep their places and are left out. */
  only = -1;
  /** Rows are only made on demand; whether the next one was. */
  lazy = false;
  #made = false;
  readonly #actors: number;
  /** Of the budgets, at the start. */
  readonly #amounts: readonly number[];
  readonly #network: NetworkModel;
  readonly #repeated: boolean;
  readonly #inFlight: number;
  readonly #losses: number;
  readonly #duplicates: number;
  readonly #history: HistoryTable | undefined;
  /** For each cut: the group of each actor; -1: sees everybody. */
  readonly #groups: readonly (readonly number[])[];
  readonly #processes: Processes;
  readonly #print: RowFingerprint;

  /** `byContent`: fingerprints are the same in every composition of the model. */
  constructor(readonly model: SystemModel<unknown>, byContent = false) {
    const { actors, network = {} } = model;
    const names = actors.map(({ name }) => name);
    const doubled = names.find((name, index) => names.indexOf(name) !== index);
    if (doubled !== undefined) throw new Error(`Cannot compose: two actors are named "${doubled}"`);
    const amounts = amountsOf(model);
    this.budgets = new Map(Object.keys(amounts).map((name, index) => [name, index]));
    this.locals = new LocalStates(actors, network, this.budgets, model.processes, byContent);
    this.#actors = actors.length;
    this.historyAt = actors.length;
    this.cutAt = this.historyAt + 1;
    this.budgetAt = this.cutAt + 1;
    this.header = this.budgetAt + this.budgets.size;
    this.#amounts = Object.values(amounts);
    this.#network = network;
    this.#repeated = network.delivery === "repeated";
    this.#inFlight = this.header + (network.inFlight ?? 64);
    this.#losses = network.losses === "any" ? -1 : this.budgets.get("losses") ?? -2;
    this.#duplicates = this.budgets.get("duplicates") ?? -2;
    if (model.history !== undefined) this.#history = new HistoryTable(model.history);
    this.#print = new RowFingerprint(this.locals, this.#actors, this.header, byContent ? this.#history : undefined);
    this.#groups = groupsOf(model);
    this.#processes = new Processes(this, model);
    this.next = new Int32Array(this.#inFlight + 64);
  }

  /** Every row to start with: all combinations of inputs. */
  initialRows(): Int32Array[] {
    let started: number[][] = [[]];
    for (let actor = 0; actor < this.#actors; actor++) {
      const starts = this.locals.starts(actor);
      started = started.flatMap((before) => starts.map((start) => [...before, start]));
    }
    return started.map((starts) => {
      const transitions = starts.map((start) => this.locals.transitions[start]!);
      this.next.set(transitions.map(({ next }) => next));
      this.next[this.historyAt] = 0;
      this.next[this.cutAt] = 0;
      this.next.set(this.#amounts, this.budgetAt);
      this.nextLength = this.header;
      for (const start of starts) this.#apply(start);
      return this.next.slice(0, this.nextLength);
    });
  }

  /** What happened in the move that is being made. */
  happening(): Happening {
    if (this.transition !== stays) return this.locals.transitions[this.transition]!;
    return { move: this.#special, orders: noHappening, sent: noHappening };
  }

  /** The move that is being tried, also when it throws. */
  tried(): Move {
    if (this.#move !== undefined) return this.#move;
    if (this.#message < 0) return this.#special;
    const message = this.locals.messages.all[this.#message]!;
    return { do: "deliver", actor: message.to, message };
  }

  /** Hands every row that may come after the one at `at` to the sink, always in the same order. */
  expand(row: Int32Array, at: number, length: number, sink: Sink): void {
    this.#index = 0;
    this.#move = undefined;
    this.#row = row;
    this.#at = at;
    this.#length = length;
    if (this.lazy) {
      this.fingerprint(row, at, length);
      this.#low = this.low;
      this.#high = this.high;
    }
    const end = at + length;
    const { receiver, channel, ordered, all } = this.locals.messages;
    const cut = row[at + this.cutAt]!;
    for (let from = at + this.header; from < end; from++) {
      const message = row[from]!;
      if (from > at + this.header) {
        const previous = row[from - 1]!;
        if (ordered ? channel[previous] === channel[message] : previous === message) continue;
      }
      const to = receiver[message]!;
      const isWanted = (this.only >>> to & 1) === 1;
      if (cut === 0 || !this.#crosses(cut, message)) {
        this.#message = message;
        this.#move = undefined;
        const transition = this.locals.deliver(row[at + to]!, message);
        if (transition !== stays && isWanted) {
          this.transition = transition;
          this.#ready(this.#repeated ? -1 : from, -1);
          sink.found(this.#index, false);
        }
        this.#index++;
      }
      this.transition = stays;
      this.#message = -1;
      if (this.#losses !== -2 && (this.#losses === -1 || row[at + this.budgetAt + this.#losses]! > 0)) {
        this.#special = { do: "lose", actor: all[message]!.to, message: all[message]! };
        if (isWanted) {
          this.#ready(from, this.#losses);
          sink.found(this.#index, true);
        }
        this.#index++;
      }
      if (this.#duplicates !== -2 && row[at + this.budgetAt + this.#duplicates]! > 0) {
        this.#special = { do: "duplicate", actor: all[message]!.to, message: all[message]! };
        if (isWanted) {
          this.#copy(-1);
          this.next[this.budgetAt + this.#duplicates]!--;
          this.#insert(message);
          this.#found(sink, true);
        } else this.#index++;
      }
    }
    this.#expandLocals(row, at, sink);
    if (this.#groups.length > 0) this.#expandCuts(row, at, sink);
    if (this.#processes.size > 0) this.#expandProcesses(row, at, length, sink);
  }

  #expandProcesses(row: Int32Array, at: number, length: number, sink: Sink): void {
    const budget = this.budgets.get("crashes");
    const left = budget === undefined ? 0 : row[at + this.budgetAt + budget]!;
    for (const { move, members, transitions } of this.#processes.steps(row, at, length, left)) {
      this.transition = stays;
      this.#move = undefined;
      this.#message = -1;
      this.#special = move;
      this.#copy(-1);
      this.nextLength = dropMessages(this.next, this.header, this.nextLength, members, this.locals.messages);
      for (const transition of transitions) this.#apply(transition);
      this.#settle(members);
      if (move.do === "crash") this.next[this.budgetAt + budget!]!--;
      this.#found(sink, move.do === "crash");
    }
  }

  #expandLocals(row: Int32Array, at: number, sink: Sink): void {
    const { all } = this.locals;
    for (let actor = 0; actor < this.#actors; actor++) {
      const local = all[row[at + actor]!]!;
      const moves = local.moves ?? this.locals.movesOf(local);
      const isWanted = (this.only >>> actor & 1) === 1;
      for (let index = 0; index < moves.length; index++) {
        const move = moves[index]!;
        const { spends } = move;
        if (spends >= 0 && row[at + this.budgetAt + spends]! === 0) continue;
        this.#move = move.move;
        if (move.transition < 0) this.locals.make(local, move);
        if (move.transition === stays) continue;
        if (isWanted) {
          this.transition = move.transition;
          this.#ready(-1, spends);
          sink.found(this.#index, move.fault);
        }
        this.#index++;
      }
    }
  }

  #expandCuts(row: Int32Array, at: number, sink: Sink): void {
    const budget = this.budgetAt + this.budgets.get("cuts")!;
    this.transition = stays;
    this.#move = undefined;
    this.#message = -1;
    if (row[at + this.cutAt] !== 0) {
      this.#special = { do: "heal" };
      this.#copy(-1);
      this.next[this.cutAt] = 0;
      this.#found(sink, false);
    } else if (row[at + budget]! > 0) {
      for (let cut = 1; cut <= this.#groups.length; cut++) {
        this.#special = { do: "cut", groups: this.#network.partitions![cut - 1]! };
        this.#copy(-1);
        this.next[budget]!--;
        this.next[this.cutAt] = cut;
        this.#found(sink, true);
      }
    }
  }

  /** Delivers what the actors of a process that starts tell each other: nothing comes from outside before. */
  #settle(members: ReadonlySet<number>): void {
    const { sender, receiver } = this.locals.messages;
    for (let at = this.header; at < this.nextLength; at++) {
      const message = this.next[at]!;
      if (!members.has(sender[message]!) || !members.has(receiver[message]!)) continue;
      this.next.copyWithin(at, at + 1, this.nextLength--);
      const transition = this.locals.deliver(this.next[receiver[message]!]!, message);
      if (transition !== stays) this.#apply(transition);
      at = this.header - 1;
    }
  }

  #crosses(cut: number, message: number): boolean {
    const groups = this.#groups[cut - 1]!;
    const from = groups[this.locals.messages.sender[message]!]!;
    const to = groups[this.locals.messages.receiver[message]!]!;
    return from >= 0 && to >= 0 && from !== to;
  }

  /** Makes the next row out of the move, or only its fingerprint. */
  #ready(without: number, spends: number): void {
    this.#without = without;
    this.#spends = spends;
    if (!this.lazy) {
      this.make();
      return;
    }
    const { low: localLow, high: localHigh, messages } = this.locals;
    let low = this.#low;
    let high = this.#high;
    if (without >= 0) {
      low -= messages.low[this.#row[without]!]!;
      high -= messages.high[this.#row[without]!]!;
    }
    if (spends >= 0) {
      const at = this.budgetAt + spends;
      const left = this.#row[this.#at + at]!;
      low += slotLow(at, left - 1) - slotLow(at, left);
      high += slotHigh(at, left - 1) - slotHigh(at, left);
    }
    if (this.transition !== stays) {
      const { next, sends } = this.locals.transitions[this.transition]!;
      const before = this.#row[this.#at + this.locals.all[next]!.actor]!;
      low += localLow[next]! - localLow[before]!;
      high += localHigh[next]! - localHigh[before]!;
      for (let index = 0; index < sends.length; index++) {
        low = low + messages.low[sends[index]!]! | 0;
        high = high + messages.high[sends[index]!]! | 0;
      }
    }
    this.low = low | 0;
    this.high = high | 0;
    this.#made = false;
  }

  /** Makes the next row, if it is not there yet. */
  make(): void {
    if (this.#made && this.lazy) return;
    this.#copy(this.#without);
    if (this.#spends >= 0) this.next[this.budgetAt + this.#spends]!--;
    if (this.transition !== stays) this.#apply(this.transition);
  }

  /** Hands over a row that is there already. */
  #found(sink: Sink, fault: boolean): void {
    this.#made = true;
    if (this.lazy) this.fingerprint(this.next, 0, this.nextLength);
    sink.found(this.#index++, fault);
  }

  #copy(without: number): void {
    const { next } = this;
    const row = this.#row;
    const end = this.#at + this.#length;
    let to = 0;
    for (let from = this.#at; from < end; from++) if (from !== without) next[to++] = row[from]!;
    this.nextLength = to;
  }

  /** Lets a transition's actor move, in the row that is being made. */
  #apply(id: number): void {
    const transition = this.locals.transitions[id]!;
    const { next } = this;
    next[this.locals.all[transition.next]!.actor] = transition.next;
    const { sends } = transition;
    for (let index = 0; index < sends.length; index++) {
      const message = sends[index]!;
      const cut = next[this.cutAt]!;
      if (cut === 0 || this.#network.across !== "lost" || !this.#crosses(cut, message)) this.#insert(message);
    }
    if (this.#history !== undefined) next[this.historyAt] = this.#history.after(next[this.historyAt]!, id, transition);
  }

  #insert(message: number): void {
    const { next } = this;
    const { rank } = this.locals.messages;
    const mine = rank[message]!;
    let to = this.nextLength;
    while (to > this.header && rank[next[to - 1]!]! > mine) to--;
    if (this.#repeated && to > this.header && next[to - 1] === message) return;
    if (this.nextLength >= this.#inFlight) {
      const most = this.#inFlight - this.header;
      throw new Error(`Cannot send "${this.locals.messages.all[message]!.event.type}": ${most} messages are in flight`);
    }
    for (let at = this.nextLength; at > to; at--) next[at] = next[at - 1]!;
    next[to] = message;
    this.nextLength++;
  }

  /** Every history that came about, by its number. */
  get histories(): readonly unknown[] {
    return this.#history?.all ?? noHistory;
  }

  internHistory(history: unknown): number {
    return this.#history?.intern(history) ?? 0;
  }

  /** Whether fingerprints of next rows come from that of the row before: they are sums of what is in it. */
  get addsUp(): boolean {
    return !this.locals.messages.ordered && !this.#repeated && this.#history === undefined &&
      this.#network.across !== "lost";
  }

  /** Both lanes of the fingerprint of the row at `at`, in `low` and `high`. */
  fingerprint(row: Int32Array, at: number, length: number): void {
    const print = this.#print;
    print.take(row, at, length);
    this.low = print.low;
    this.high = print.high;
  }

  low = 0;
  high = 0;

  messagesOf(row: Int32Array, length: number): Message[] {
    return Array.from(row.subarray(this.header, length), (id) => this.locals.messages.all[id]!);
  }
}
