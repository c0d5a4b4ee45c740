/**
 * The seats of an API server, shared out among priority levels, and within a level fairly among flows (Kubernetes docs,
 * "API Priority and Fairness"). Pure but for what it remembers: time comes with each call.
 *
 * A level may always use what it does not lend. What it lends and does not use is another's, up to what that one may
 * borrow; it comes back as requests end. Within a level each queue has a virtual time at which its next request would
 * begin if all queues were served at once, bit by bit: the one whose next request would end first is served.
 */
import type { KubeObject } from "../objects/object.ts";
import { handOf } from "./shuffle_shard.ts";

export interface PriorityLevel extends KubeObject {
  readonly spec?: {
    readonly type: "Exempt" | "Limited";
    readonly limited?: {
      readonly nominalConcurrencyShares?: number;
      readonly lendablePercent?: number;
      readonly borrowingLimitPercent?: number | null;
      readonly limitResponse?: {
        readonly type: "Queue" | "Reject";
        readonly queuing?: { readonly queues?: number; readonly handSize?: number; readonly queueLengthLimit?: number };
      };
    };
    readonly exempt?: { readonly nominalConcurrencyShares?: number; readonly lendablePercent?: number };
  };
}

export interface Seated<T> {
  readonly item: T;
  readonly seats: number;
  readonly queue: Queue<T> | undefined;
  readonly level: Level<T>;
  beganAt: number;
}

interface Queue<T> {
  readonly waiting: Seated<T>[];
  seatsWaiting: number;
  executing: number;
  /** In virtual seconds. */
  next: number;
}

export type Arrival<T> =
  | { readonly type: "run" | "wait"; readonly seated: Seated<T> }
  | { readonly type: "rejected"; readonly reason: "concurrency-limit" | "queue-full" };

/** How long a request is taken to last until it has, in seconds. */
const guessedSeconds = 0.003;
const rememberedHands = 4_096;

export class Level<T> {
  isExempt = false;
  nominal = 0;
  lendable = 0;
  /** How many seats beyond its own it may have. */
  borrowing = 0;
  executing = 0;
  waiting = 0;
  handSize = 0;
  lengthLimit = 0;
  queues: Queue<T>[] = [];
  /** Queues in which anybody waits, or of which anybody runs. */
  #active = 0;
  #virtual = 0;
  #at = 0;
  /** Dealt before; forgotten when the queues are others. */
  readonly #hands = new Map<string, readonly number[]>();

  constructor(readonly name: string) {}

  /** Virtual time goes on by what each queue gets of the seats. */
  advance(now: number): void {
    const seconds = Math.max(0, now - this.#at) / 1_000;
    this.#at = now;
    if (this.#active === 0) return;
    this.#virtual += seconds * Math.min(this.executing + this.waiting, this.nominal) / this.#active;
  }

  /** `seats` are added to what waits in the queue, or runs, or taken away. */
  count(queue: Queue<T>, waiting: number, executing: number): void {
    const before = queue.seatsWaiting + queue.executing;
    queue.seatsWaiting += waiting;
    queue.executing += executing;
    this.waiting += waiting;
    this.executing += executing;
    const after = queue.seatsWaiting + queue.executing;
    if (before === 0 && after > 0) this.#active++;
    if (before > 0 && after === 0) this.#active--;
  }

  forgetHands(): void {
    this.#hands.clear();
  }

  #hand(flow: string): readonly number[] {
    let hand = this.#hands.get(flow);
    if (hand === undefined) {
      if (this.#hands.size >= rememberedHands) this.#hands.clear();
      this.#hands.set(flow, hand = handOf(flow, this.queues.length, this.handSize));
    }
    return hand;
  }

  /** Of the flow's hand the queue with the least to do. */
  queueFor(flow: string): Queue<T> {
    let best: Queue<T> | undefined;
    for (const index of this.#hand(flow)) {
      const queue = this.queues[index]!;
      const work = queue.executing + queue.seatsWaiting;
      if (best === undefined || work < best.executing + best.seatsWaiting) best = queue;
    }
    const found = best!;
    if (found.executing + found.seatsWaiting === 0) found.next = Math.max(found.next, this.#virtual);
    return found;
  }

  /** Whose turn it is. */
  first(): Queue<T> | undefined {
    let best: Queue<T> | undefined;
    const end = ({ next, waiting }: Queue<T>) => next + guessedSeconds * waiting[0]!.seats;
    for (const queue of this.queues) {
      if (queue.waiting.length > 0 && (best === undefined || end(queue) < end(best))) best = queue;
    }
    return best;
  }
}

export class PriorityLevels<T> {
  readonly #levels = new Map<string, Level<T>>();
  readonly #total: number;

  /** `seats`: of the whole server. */
  constructor(seats: number) {
    this.#total = seats;
  }

  levels(): Iterable<Level<T>> {
    return this.#levels.values();
  }

  get(name: string): Level<T> | undefined {
    return this.#levels.get(name);
  }

  /** Shares the seats out anew. Who waits in a level stays where he is, also when its queues become others. */
  configure(objects: readonly PriorityLevel[]): void {
    const sum = objects.reduce((shares, { spec }) => shares + sharesOf(spec), 0);
    const names = new Set(objects.map(({ metadata }) => metadata.name));
    for (const { metadata, spec } of objects) {
      let level = this.#levels.get(metadata.name);
      if (level === undefined) this.#levels.set(metadata.name, level = new Level(metadata.name));
      const { lendablePercent = 0, borrowingLimitPercent, limitResponse } = spec?.limited ?? {};
      level.isExempt = spec?.type === "Exempt";
      level.nominal = Math.ceil(this.#total * sharesOf(spec) / Math.max(1, sum));
      level.lendable = Math.round(level.nominal * (spec?.exempt?.lendablePercent ?? lendablePercent) / 100);
      level.borrowing = borrowingLimitPercent === undefined || borrowingLimitPercent === null
        ? this.#total
        : Math.round(level.nominal * borrowingLimitPercent / 100);
      const isQueued = limitResponse?.type === "Queue";
      const { queues = 64, handSize = 8, queueLengthLimit = 50 } = limitResponse?.queuing ?? {};
      level.handSize = handSize;
      level.forgetHands();
      level.lengthLimit = queueLengthLimit;
      const wanted = isQueued ? queues : 0;
      while (level.queues.length < wanted) level.queues.push({ waiting: [], seatsWaiting: 0, executing: 0, next: 0 });
      if (level.queues.length > wanted && level.waiting === 0 && level.executing === 0) level.queues.length = wanted;
    }
    for (const [name, level] of this.#levels) {
      if (!names.has(name) && level.executing === 0 && level.waiting === 0) this.#levels.delete(name);
    }
  }

  /** A request of a flow comes. What is told to wait is answered by a later `next`. */
  arrive(level: Level<T>, flow: string, item: T, seats: number, now: number): Arrival<T> {
    if (level.isExempt) {
      const seated = { item, seats, queue: undefined, level, beganAt: now };
      level.executing += seats;
      return { type: "run", seated };
    }
    level.advance(now);
    if (level.queues.length === 0) {
      if (!this.#hasRoom(level, seats)) return { type: "rejected", reason: "concurrency-limit" };
      const seated = { item, seats, queue: undefined, level, beganAt: now };
      level.executing += seats;
      return { type: "run", seated };
    }
    const queue = level.queueFor(flow);
    const seated: Seated<T> = { item, seats, queue, level, beganAt: now };
    if (level.waiting === 0 && this.#hasRoom(level, seats)) {
      this.#begin(seated, now);
      return { type: "run", seated };
    }
    if (queue.waiting.length >= level.lengthLimit) return { type: "rejected", reason: "queue-full" };
    queue.waiting.push(seated);
    level.count(queue, seats, 0);
    return { type: "wait", seated };
  }

  /** A request is over. */
  finish({ seats, queue, level, beganAt }: Seated<T>, now: number): void {
    level.advance(now);
    if (queue === undefined) return void (level.executing -= seats);
    level.count(queue, 0, -seats);
    queue.next += (Math.max(0, now - beganAt) / 1_000 - guessedSeconds) * seats;
  }

  /** One that waited gives up. False: it has begun. */
  leave(seated: Seated<T>): boolean {
    const { queue, level, seats } = seated;
    const at = queue?.waiting.indexOf(seated) ?? -1;
    if (at < 0) return false;
    queue!.waiting.splice(at, 1);
    level.count(queue!, -seats, 0);
    return true;
  }

  /** Who begins now, one after the other until there is no room: of any level, since one may have lent to another. */
  next(now: number): Seated<T> | undefined {
    for (const level of this.#levels.values()) {
      if (level.waiting === 0) continue;
      level.advance(now);
      const queue = level.first();
      const seated = queue?.waiting[0];
      if (seated === undefined || !this.#hasRoom(level, seated.seats)) continue;
      queue!.waiting.shift();
      level.count(queue!, -seated.seats, 0);
      this.#begin(seated, now);
      return seated;
    }
    return undefined;
  }

  #begin(seated: Seated<T>, now: number): void {
    const { level, queue, seats } = seated;
    seated.beganAt = now;
    level.count(queue!, 0, seats);
    queue!.next += guessedSeconds * seats;
  }

  #hasRoom(level: Level<T>, seats: number): boolean {
    const own = level.nominal - this.#lentBy(level);
    if (level.executing + seats <= own) return true;
    const limit = own + Math.min(level.borrowing, this.#unusedBeside(level));
    // What is larger than all of the level's seats begins when nothing else of it runs.
    return level.executing + seats <= limit || (level.executing === 0 && limit > 0);
  }

  /** Seats of a level that others have: only of what it lends. */
  #lentBy(level: Level<T>): number {
    let borrowed = 0;
    for (const other of this.#levels.values()) {
      if (other !== level && !other.isExempt) borrowed += Math.max(0, other.executing - other.nominal);
    }
    const lendable = this.#lendableBeside(undefined);
    return lendable === 0 ? 0 : Math.min(level.lendable, Math.ceil(borrowed * level.lendable / lendable));
  }

  #lendableBeside(level: Level<T> | undefined): number {
    let sum = 0;
    for (const other of this.#levels.values()) if (other !== level && !other.isExempt) sum += other.lendable;
    return sum;
  }

  /** What the others lend, do not use, and nobody has borrowed. */
  #unusedBeside(level: Level<T>): number {
    let unused = 0, borrowed = 0;
    for (const other of this.#levels.values()) {
      if (other === level || other.isExempt) continue;
      unused += Math.max(0, Math.min(other.lendable, other.nominal - other.executing));
      borrowed += Math.max(0, other.executing - other.nominal);
    }
    return Math.max(0, unused - borrowed);
  }
}

function sharesOf(spec: PriorityLevel["spec"]): number {
  return spec?.type === "Exempt"
    ? spec.exempt?.nominalConcurrencyShares ?? 0
    : spec?.limited?.nominalConcurrencyShares ?? 30;
}
