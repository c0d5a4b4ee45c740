/**
 * Traffic as API servers make it: lists and watches, guarded creates, updates and deletes, linearizable and stale gets,
 * leases, now and then a compaction. Every value is written once, so that it says who wrote it.
 */
import type { Random } from "../../ports/random.ts";
import { type Call, type History, type Operation, root, rootEnd } from "./history.ts";
import { type Door, type OpenWatch, openWatch, perform } from "./recorder.ts";

/** What a workload runs against. */
export interface World {
  readonly history: History;
  readonly random: Random;
  /** Processes that are running now. */
  doors(): readonly Door[];
  sleep(ms: number): Promise<void>;
}

export interface WorkloadOptions {
  readonly clients: number;
  readonly watchers: number;
  readonly keys: number;
  /** Between two calls of a client, on average. */
  readonly pauseMs: number;
  readonly leaseSeconds: number;
  /** So many revisions are kept; 0: nothing is compacted. */
  readonly keptRevisions: number;
}

export const defaults: WorkloadOptions = {
  clients: 6,
  watchers: 5,
  keys: 8,
  pauseMs: 40,
  leaseSeconds: 3,
  keptRevisions: 0,
};

const prefixes = ["pods/", "leases/"].map((each) => root + each);

export class Workload {
  isOver = false;
  readonly archives: Archive[] = [];
  readonly #options: WorkloadOptions;
  readonly #loops: Promise<void>[] = [];
  readonly #watches = new Set<OpenWatch>();
  #leases = 0;

  constructor(readonly world: World, options: Partial<WorkloadOptions> = {}) {
    this.#options = { ...defaults, ...options };
  }

  start(): void {
    const { clients, watchers, keptRevisions } = this.#options;
    for (let number = 1; number <= 2; number++) this.archives.push(new Archive(this.world, `archive ${number}`));
    for (let number = 1; number <= clients; number++) this.#loops.push(this.#client(`client ${number}`));
    for (let number = 1; number <= watchers; number++) this.#loops.push(this.#watcher(`watcher ${number}`));
    for (const archive of this.archives) this.#loops.push(archive.run());
    if (keptRevisions > 0) this.#loops.push(this.#compactor(keptRevisions));
  }

  /** No more calls are made; watches stay open. */
  async stop(): Promise<void> {
    this.isOver = true;
    for (const archive of this.archives) archive.isOver = true;
    await Promise.all(this.#loops);
  }

  /** Asks the watches that are open how far they are, until all have told of a revision, or the time is over. */
  async drain(revision: number, limitMs: number): Promise<void> {
    const open = () =>
      [...this.#watches, ...this.archives.flatMap(({ watch }) => watch ?? [])].filter((watch) =>
        watch.closed === undefined && watch.watch.cancelled === undefined && watch.next <= revision
      );
    for (let left = limitMs; left > 0 && open().length > 0; left -= 100) {
      for (const watch of open()) watch.askProgress();
      await this.world.sleep(100);
    }
  }

  /** Ends the watches, after the judgement of what they told. */
  close(): void {
    for (const watch of [...this.#watches, ...this.archives.flatMap(({ watch }) => watch ?? [])]) watch.cancel();
  }

  async #client(name: string): Promise<void> {
    const { world, world: { random, history } } = this;
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)]!;
    /** As this client has last seen each key; 0: not there. */
    const known = new Map<string, number>();
    let values = 0;
    let leases: number[] = [];
    for (let door = this.#door(); !this.isOver; door = random.next() < 0.1 ? this.#door() : this.#same(door)) {
      if (door === undefined) {
        await world.sleep(50);
        continue;
      }
      const call = this.#draw(known, pick, () => `${name.slice(7)}.${++values}`, leases);
      const operation = await perform(history, name, door, call);
      learn(known, operation);
      if (call.do === "grant" && operation.answer?.came === "done") leases.push(call.id);
      if (call.do === "keep" && operation.answer?.came === "refused") leases = leases.filter((id) => id !== call.id);
      await world.sleep(-Math.log(1 - random.next()) * this.#options.pauseMs);
    }
  }

  #draw(
    known: ReadonlyMap<string, number>,
    pick: <T>(from: readonly T[]) => T,
    value: () => string,
    leases: readonly number[],
  ): Call {
    const { keys, leaseSeconds } = this.#options;
    const pods = Array.from({ length: keys }, (_, number) => `${prefixes[0]}${number}`);
    const key = pick(pods);
    const expected = known.get(key) ?? 0;
    const kinds: readonly [number, () => Call][] = [
      [32, () => ({ do: "put", key, value: value(), expected })],
      [10, () => expected > 0 ? { do: "delete", key, expected } : { do: "put", key, value: value(), expected }],
      [20, () => ({ do: "get", key, stale: false })],
      [12, () => ({ do: "get", key, stale: true })],
      [10, () => ({ do: "list", prefix: prefixes[0]!, stale: false })],
      [4, () => ({ do: "list", prefix: prefixes[0]!, stale: true })],
      [5, () => ({ do: "putBoth", keys: [key, pods[(pods.indexOf(key) + 1) % keys]!], value: value() })],
      [2, () => ({ do: "grant", id: ++this.#leases, seconds: leaseSeconds })],
      [3, () => {
        const lease = pick(leases.length > 0 ? leases : [0]);
        const own = `${prefixes[1]}${lease}`;
        return lease === 0
          ? { do: "get", key, stale: false }
          : { do: "put", key: own, value: value(), expected: known.get(own) ?? 0, lease };
      }],
      [2, () => leases.length > 0 ? { do: "keep", id: pick(leases) } : { do: "get", key, stale: false }],
    ];
    let drawn = this.world.random.next() * kinds.reduce((sum, [weight]) => sum + weight, 0);
    return kinds.find(([weight]) => (drawn -= weight) < 0)![1]();
  }

  /** As a reflector does: a list, a watch from it, and again from the last revision when that ends. */
  async #watcher(name: string): Promise<void> {
    const { world, world: { random, history } } = this;
    const prefix = random.next() < 0.7 ? prefixes[0]! : root;
    const one = random.next() < 0.2 ? `${prefixes[0]}${Math.floor(random.next() * this.#options.keys)}` : undefined;
    const range = one === undefined ? { key: prefix, end: prefix.slice(0, -1) + "0" } : { key: one, end: undefined };
    const previous = random.next() < 0.6;
    let next: number | undefined;
    while (!this.isOver) {
      const door = this.#door();
      if (door === undefined) {
        await world.sleep(50);
        continue;
      }
      if (next === undefined) {
        const { answer } = await perform(history, name, door, { do: "list", prefix, stale: random.next() < 0.3 });
        if (answer?.came !== "read") {
          await world.sleep(100);
          continue;
        }
        // Also the future: what comes before it must not be told.
        next = answer.revision + 1 + (random.next() < 0.1 ? Math.floor(random.next() * 10) : 0);
      }
      const watch = openWatch(history, name, door, { ...range, start: next, previous });
      this.#watches.add(watch);
      for (let patience = 5 + random.next() * 60; patience > 0 && watch.closed === undefined && !this.isOver;) {
        await world.sleep(50);
        patience--;
        if (random.next() < 0.1) watch.askProgress();
        if (!this.world.doors().some((each) => each.life === door.life && each.member === door.member)) break;
      }
      // At the end watches stay, to tell all that is left.
      if (this.isOver && watch.closed === undefined && this.#isRunning(door)) return;
      watch.cancel();
      this.#watches.delete(watch);
      next = watch.closed === "compacted" || random.next() < 0.1 ? undefined : watch.next;
    }
  }

  async #compactor(kept: number): Promise<void> {
    const { world, world: { history } } = this;
    while (!this.isOver) {
      await world.sleep(400 + world.random.next() * 800);
      const door = this.#door();
      const revision = Math.min(...this.archives.map(({ next }) => next - 1)) - Math.floor(world.random.next() * kept);
      if (door === undefined || revision < 2 || this.isOver) continue;
      await perform(history, "compactor", door, { do: "compact", revision });
    }
  }

  #door(): Door | undefined {
    const doors = this.world.doors();
    return doors[Math.floor(this.world.random.next() * doors.length)];
  }

  #same(door: Door | undefined): Door | undefined {
    return door !== undefined && this.#isRunning(door) ? door : this.#door();
  }

  #isRunning({ member, life }: Door): boolean {
    return this.world.doors().some((each) => each.member === member && each.life === life);
  }
}

/** What a client remembers of its own writes and reads. */
function learn(known: Map<string, number>, { call, answer }: Operation): void {
  if (answer?.came === "read") { for (const { key, mod } of answer.records) known.set(key, mod); }
  if (answer?.came === "read" && call.do === "get" && answer.records.length === 0) known.delete(call.key);
  if (!("key" in call)) return;
  if (answer?.came === "done") known.set(call.key, call.do === "put" ? answer.revision : 0);
  else if (answer?.came === "conflict") known.set(call.key, answer.found?.mod ?? 0);
}

/** Watches everything from the first revision on, so that all that happened is known. */
export class Archive {
  isOver = false;
  next = 2;
  watch: OpenWatch | undefined;

  constructor(readonly world: World, readonly name: string) {}

  async run(): Promise<void> {
    const { world } = this;
    while (!this.isOver) {
      const doors = world.doors();
      const door = doors[Math.floor(world.random.next() * doors.length)];
      if (door === undefined) {
        await world.sleep(50);
        continue;
      }
      const range = { key: root, end: rootEnd, start: this.next, previous: true };
      const watch = openWatch(world.history, this.name, door, range);
      this.watch = watch;
      watch.onSaid = () => void (this.next = watch.next);
      while (!this.isOver && watch.closed === undefined && this.#isRunning(door)) await world.sleep(50);
      if (this.isOver && watch.closed === undefined && this.#isRunning(door)) return;
      watch.cancel();
      this.watch = undefined;
    }
  }

  #isRunning({ member, life }: Door): boolean {
    return this.world.doors().some((each) => each.member === member && each.life === life);
  }
}
