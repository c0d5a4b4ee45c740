/**
 * Partial-order reduction: where some actor's moves have nothing to do with what all others may do before it, that
 * actor goes first, and the other orders are not tried.
 *
 * Expanding a state only by such an ample set is sound for rules about states, for wanted states, for dead ends and for
 * errors of machines under four conditions (D. Peled, "All from one, one for all", 1993; Clarke, Grumberg and Peled,
 * "Model Checking", chapter 10). An ample set here is the set of all moves of one actor: deliveries to it, losses and
 * doublings of messages to it, its timers, answers, events, its crash and its new start.
 *
 * - C0, it is empty only if nothing can happen: it has a move that is no fault and changes something. So a state from
 *   which only faults lead on is found too.
 * - C1, nothing that depends on it happens before one of it does. Moves of two actors commute: each changes its own
 *   actor, takes a message to it and adds messages to others. What could come between is (a) a message to the actor
 *   that is not there yet, and (b) a budget that both spend. So (a) nobody else may send it anything before it has
 *   moved: neither at once nor later, whatever else they get, except by its own messages that are not sent yet
 *   (`WhoMaySend`); and (b) a budget that one of its moves spends is spent by nobody else. Both are learned while
 *   searching. If what was learned has grown behind somebody's back, the search begins again and knows it
 *   (`mustRepeat`): a search that is not repeated has seen every transition that any actor can make in the whole state
 *   space, since the first unknown one on some run would have been brought forward by C1 and reached by C3.
 * - C2, if others are put off, rules do not see it: rules look only at the actors in the model's `reads` (the view that
 *   is given to them refuses everything else), and none of the moves changes what they see of its actor.
 * - C3, nobody is put off for ever: one of the moves, no fault, leads to a state that is not expanded yet. In a breadth-first
 *   search that is the condition of SPIN for safety (D. Bosnacki, G. Holzmann, "Improving Spin's partial-order
 *   reduction for breadth-first search", 2005): going on so ends in a state that is expanded completely, since each is
 *   expanded after the one before. If it fails, the next actor's moves are added, in the end everybody's.
 *
 * It is off (`whyNotReduced`) where the conditions say nothing: rules about steps or about what happens in the end and
 * fairness (they see the order of moves or classes of them), histories, symmetry, processes (they look at everybody),
 * partitions (moves of the network concern everybody), and networks in which sending commutes with nothing.
 */
import type { Composition } from "./composition.ts";
import { stays } from "./local_states.ts";
import { hasLiveness } from "./liveness_graph.ts";
import { stateKey } from "./state_key.ts";
import type { SystemModel } from "./system_model.ts";
import { WhoMaySend } from "./who_may_send.ts";

/** Actors are bits of a number. */
const mostActors = 31;

/** Why a model's states are all looked at; undefined: they need not be. */
export function whyNotReduced(model: SystemModel): string | undefined {
  const { actors, reads, network = {}, history, eachStep = {}, processes = [], symmetry } = model;
  const { order, delivery, losses, duplicates, partitions = [] } = network;
  const isRepeated = delivery === "repeated";
  if (reads === undefined) return "the model does not declare what its rules read";
  if (hasLiveness(model)) return "rules about what happens in the end";
  if (Object.keys(eachStep).length > 0) return "rules about steps";
  if (history !== undefined) return "a history";
  if (symmetry !== undefined) return "symmetry";
  if (processes.length > 0) return "processes";
  if (partitions.length > 0) return "partitions";
  if (order === "ordered" && (duplicates || isRepeated)) return "messages that come twice in an ordered network";
  if (isRepeated && (losses || duplicates)) return "messages that are a set and may be lost";
  if (actors.length > mostActors) return `more than ${mostActors} actors`;
  return undefined;
}

export class AmpleSets {
  readonly #who: WhoMaySend;
  /** For each budget, the actors that spend it: a bit for each; and for whom it was relied on that nobody else does. */
  readonly #spenders: number[] = [];
  readonly #reliedSpenders: number[] = [];
  /** Whose local states were asked for what they may spend. */
  readonly #asked: boolean[] = [];
  #areSpendersBroken = false;
  /** A bit for each actor that rules look at. */
  readonly #read: number;
  /** For each local state: a number for what rules see of it. */
  readonly #seen: number[] = [];
  readonly #seenIds = new Map<string, number>();
  readonly #everybody: number;
  /** Whose messages are under way to each actor: a bit for each. */
  readonly #senders: Int32Array;
  readonly #isRepeated: boolean;
  readonly #losses: number;
  readonly #duplicates: number;

  constructor(readonly composition: Composition) {
    const { actors, reads = [] } = composition.model;
    this.#who = new WhoMaySend(composition);
    this.#read = reads.reduce((bits, actor) => {
      const place = actors.indexOf(actor);
      if (place < 0) throw new Error(`Cannot read "${actor.name}": it is no actor of this model`);
      return bits | 1 << place;
    }, 0);
    this.#everybody = 2 ** actors.length - 1 | 0;
    this.#senders = new Int32Array(actors.length);
    this.#isRepeated = composition.model.network?.delivery === "repeated";
    this.#losses = composition.budgets.get("losses") ?? -1;
    this.#duplicates = composition.budgets.get("duplicates") ?? -1;
  }

  /** Somebody went first who would not have, had it been known what is known now. */
  get mustRepeat(): boolean {
    return this.#who.isBroken || this.#areSpendersBroken;
  }

  begin(): void {
    this.#who.isBroken = false;
    this.#areSpendersBroken = false;
  }

  /** The actors that may go first from a row, those with fewest moves before others. */
  firsts(row: Int32Array, at: number, length: number): number[] {
    const count = this.#senders.length;
    this.#learn(row, at, length);
    let waiting = 0;
    for (let actor = 0; actor < count; actor++) {
      waiting |= this.#who.mayReach(row[at + actor]!, this.#senders[actor]!) & ~(1 << actor);
    }
    const found: { readonly actor: number; readonly moves: number }[] = [];
    for (let actor = 0; actor < count; actor++) {
      if ((waiting >>> actor & 1) === 1) continue;
      const moves = this.#movesOf(actor, row, at, length);
      if (moves > 0) found.push({ actor, moves });
    }
    return found.sort((a, b) => a.moves - b.moves).map(({ actor }) => actor);
  }

  /** All but those actors; the bits of `Composition.only`. */
  others(actors: number): number {
    return this.#everybody & ~actors;
  }

  /** Remembers what is relied on when others are put off for this actor. */
  rely(first: number, row: Int32Array, at: number): void {
    for (let actor = 0; actor < this.#senders.length; actor++) {
      if (actor !== first) this.#who.rely(row[at + actor]!, 1 << first, this.#senders[actor]!);
    }
    const moves = this.composition.locals.all[row[at + first]!]!.moves!;
    for (const { spends } of moves) {
      if (spends >= 0) this.#reliedSpenders[spends] = (this.#reliedSpenders[spends] ?? 0) | 1 << first;
    }
  }

  /** Makes everything that may come next known before anything is concluded from what is not. */
  #learn(row: Int32Array, at: number, length: number): void {
    const { locals, header, budgetAt } = this.composition;
    const { sender, receiver } = locals.messages;
    this.#senders.fill(0);
    for (let from = at + header; from < at + length; from++) {
      const message = row[from]!;
      const to = receiver[message]!;
      this.#senders[to]! |= 1 << sender[message]!;
      if (this.#isNext(row, at, from)) locals.deliver(row[at + to]!, message);
    }
    for (let actor = 0; actor < this.#senders.length; actor++) {
      const local = locals.all[row[at + actor]!]!;
      this.#learnSpenders(local.id, actor);
      for (const move of locals.movesOf(local)) {
        if (move.spends >= 0 && row[at + budgetAt + move.spends] === 0) continue;
        if (move.transition < 0) locals.make(local, move);
      }
    }
  }

  /** Whether nothing in its channel is before it. */
  #isNext(row: Int32Array, at: number, from: number): boolean {
    const { channel, ordered } = this.composition.locals.messages;
    return !ordered || from === at + this.composition.header || channel[row[from - 1]!] !== channel[row[from]!];
  }

  #learnSpenders(id: number, actor: number): void {
    if (this.#asked[id]) return;
    this.#asked[id] = true;
    const { locals } = this.composition;
    for (const { spends } of locals.movesOf(locals.all[id]!)) {
      if (spends < 0) continue;
      const before = this.#spenders[spends] ?? 0;
      this.#spenders[spends] = before | 1 << actor;
      const relied = this.#reliedSpenders[spends] ?? 0;
      if (before !== this.#spenders[spends] && (relied & ~(1 << actor)) !== 0) this.#areSpendersBroken = true;
    }
  }

  /** How many moves an actor has if C0 (but for what is new), C1 (b) and C2 hold for them; 0: they do not. */
  #movesOf(actor: number, row: Int32Array, at: number, length: number): number {
    const { locals, header, budgetAt } = this.composition;
    const { receiver } = locals.messages;
    const id = row[at + actor]!;
    const left = (budget: number) => budget < 0 ? 0 : row[at + budgetAt + budget]!;
    let moves = 0;
    let isMoving = false;
    for (let from = at + header; from < at + length; from++) {
      const message = row[from]!;
      if (receiver[message] !== actor) continue;
      if (left(this.#losses) > 0 || left(this.#duplicates) > 0) return 0;
      if (!this.#isNext(row, at, from)) continue;
      const transition = locals.deliver(id, message);
      if (transition === stays) continue;
      if (!this.#isUnseen(actor, id, transition)) return 0;
      moves++;
      isMoving ||= !this.#isRepeated || this.#changes(id, transition);
    }
    const local = locals.all[id]!;
    for (const move of locals.movesOf(local)) {
      const { spends, fault } = move;
      if (spends >= 0) {
        if (left(spends) === 0) continue;
        if (this.#spenders[spends] !== 1 << actor) return 0;
      }
      if (move.transition === stays) continue;
      if (!this.#isUnseen(actor, id, move.transition)) return 0;
      moves++;
      isMoving ||= !fault && (spends >= 0 || this.#changes(id, move.transition));
    }
    return isMoving ? moves : 0;
  }

  #changes(id: number, transition: number): boolean {
    const { next, sends } = this.composition.locals.transitions[transition]!;
    return next !== id || sends.length > 0;
  }

  #isUnseen(actor: number, before: number, transition: number): boolean {
    if ((this.#read >>> actor & 1) === 0) return true;
    return this.#seenOf(before) === this.#seenOf(this.composition.locals.transitions[transition]!.next);
  }

  #seenOf(id: number): number {
    let seen = this.#seen[id];
    if (seen === undefined) {
      const { actor, view, key } = this.composition.locals.all[id]!;
      const hasView = this.composition.model.actors[actor]!.options.view !== undefined;
      const text = `${actor} ${hasView ? stateKey(view) : key}`;
      seen = this.#seenIds.get(text) ?? this.#seenIds.size;
      this.#seenIds.set(text, seen);
      this.#seen[id] = seen;
    }
    return seen;
  }
}
