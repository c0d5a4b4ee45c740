/** What strikes a simulated store. Each seed has only some kinds of accidents (swarm testing). */
import { StorageError } from "../../../ports/storage.ts";
import type { Random } from "../../../ports/random.ts";
import { peerAddress, type SimulatedWorld } from "./simulated_world.ts";

export const accidents = [
  "kill",
  "powerLoss",
  "everybody",
  "pause",
  "partition",
  "oneWay",
  "noise",
  "diskError",
  "cutTail",
  "replace",
  "moveLeader",
] as const;
export type Accident = (typeof accidents)[number];

export class Nemesis {
  readonly counts = new Map<Accident, number>();
  readonly kinds: readonly Accident[];
  isOver = false;
  readonly #random: Random;
  #replaced = 0;

  constructor(readonly world: SimulatedWorld, kinds?: readonly Accident[]) {
    this.#random = world.chance();
    const drawn = accidents.filter(() => this.#random.next() < 0.4);
    this.kinds = kinds ?? (drawn.length > 0 ? drawn : accidents);
  }

  async run(): Promise<void> {
    const { world } = this;
    while (!this.isOver && this.kinds.length > 0) {
      await world.sleep(100 + this.#random.next() * 1_400);
      if (this.isOver) break;
      await this.#strike(this.#pick(this.kinds));
      if (this.#random.next() < 0.8) await this.#mend();
    }
  }

  /** Everything is well again from now on. */
  async restore(): Promise<void> {
    this.world.network.heal();
    this.world.network.setFaults({ loss: 0, duplication: 0, delayMs: [0, 2] });
    for (const name of this.world.names) this.world.resume(name);
    await this.#mend();
  }

  /** Starts whoever does not run; whoever cannot, is replaced. */
  async #mend(): Promise<void> {
    const { world } = this;
    await world.sleep(this.#random.next() * 800);
    for (const name of world.failed) {
      // It stopped by itself: an error of its disk.
      await world.kill(name);
    }
    for (const name of [...world.names]) {
      if (!world.running.has(name)) await this.#start(name);
    }
  }

  async #start(name: string): Promise<void> {
    this.world.history.note(`${name} starts`);
    try {
      await this.world.start(name);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      throw new Error(`Cannot open the store of ${name} again: ${error.message}`, { cause: error });
    }
  }

  async #strike(accident: Accident): Promise<void> {
    const { world } = this;
    const names = [...world.running.keys()];
    if (names.length === 0) return;
    // Those who lead have the most to lose.
    const victim = this.#random.next() < 0.5 ? world.leader ?? this.#pick(names) : this.#pick(names);
    const others = [...world.names].filter((name) => name !== victim);
    this.counts.set(accident, (this.counts.get(accident) ?? 0) + 1);
    const note = (what: string) => world.history.note(what);
    switch (accident) {
      case "kill":
      case "powerLoss":
        note(`${victim}: ${accident}`);
        return await world.kill(victim, { power: accident === "powerLoss" });
      case "everybody": {
        const power = this.#random.next() < 0.5;
        note(`everybody: ${power ? "powerLoss" : "kill"}`);
        for (const name of names) await world.kill(name, { power });
        return;
      }
      case "pause":
        note(`${victim} stands still`);
        world.pause(victim);
        await world.sleep(this.#random.next() * 3_000);
        note(`${victim} goes on`);
        return world.resume(victim);
      case "partition":
        note(`${victim} is cut off`);
        world.network.partition([victim], others);
        await world.sleep(this.#random.next() * 3_500);
        note(`${victim} is heard again`);
        return world.network.heal();
      case "oneWay": {
        const [from, to] = this.#random.next() < 0.5 ? [victim, this.#pick(others)] : [this.#pick(others), victim];
        note(`${to} does not hear ${from}`);
        world.network.cut(from, to);
        await world.sleep(this.#random.next() * 3_000);
        note(`${to} hears ${from} again`);
        return world.network.heal();
      }
      case "noise":
        note("the network loses, doubles and delays");
        world.network.setFaults({ loss: 0.1, duplication: 0.1, delayMs: [0, this.#pick([20, 150, 600])] });
        await world.sleep(this.#random.next() * 3_000);
        note("the network is well");
        return world.network.setFaults({ loss: 0, duplication: 0, delayMs: [0, 2] });
      case "diskError": {
        const fault = this.#pick(["noSpace", "io", "crash"] as const);
        note(`${victim}: its disk fails, ${fault}`);
        const disk = world.disk(victim);
        disk.failAt(disk.operations + 1 + Math.floor(this.#random.next() * 8), fault);
        await world.sleep(400);
        if (world.running.has(victim)) await world.kill(victim, { power: fault === "crash" });
        return;
      }
      case "cutTail":
        return await this.#cutTail(victim);
      case "replace":
        return await this.#replace(victim);
      case "moveLeader":
        note("the leader hands over");
        await world.running.get(victim)?.storage.membership.moveLeader().catch(() => {});
    }
  }

  /** The end of a log is gone, while a majority of the others has all of it: it is repaired, or refused and replaced. */
  async #cutTail(victim: string): Promise<void> {
    const { world } = this;
    await this.#settle();
    if (!this.#isLevel() || world.leader === victim) return;
    world.history.note(`${victim}: the end of its log is cut off`);
    await world.kill(victim);
    const disk = world.disk(victim);
    const segment = (await disk.list("store")).filter((name) => name.endsWith(".log")).at(-1)!;
    const { length } = await disk.read(`store/${segment}`);
    disk.cut(`store/${segment}`, Math.max(0, length - 1 - Math.floor(this.#random.next() * 300)));
    const isBack = await world.start(victim).then(() => true, (error) => {
      if (!(error instanceof StorageError)) throw error;
      return false;
    });
    await world.sleep(1_500);
    if (isBack && !world.failed.includes(victim)) return;
    world.history.note(`${victim} does not trust its log`);
    if (isBack) await world.kill(victim);
    await this.#exchange(victim);
  }

  /** A member is gone for good, with its disk; another one comes. */
  async #replace(victim: string): Promise<void> {
    const { world } = this;
    await this.#settle();
    if (!this.#isLevel()) return;
    world.history.note(`${victim} is lost for good`);
    await world.kill(victim);
    await world.sleep(this.#random.next() * 2_000);
    await this.#exchange(victim);
  }

  /** What the store's administrator does about a member that is lost. */
  async #exchange(lost: string): Promise<void> {
    const { world } = this;
    world.network.heal();
    world.names.delete(lost);
    const name = `n${++this.#replaced}`;
    const survivor = () => this.#pick([...world.running.values()]).storage.membership;
    const records = survivor().records();
    const { id } = records.find((record) => record.name === lost)!;
    const isMember = (whose: string) => survivor().records().some((record) => record.id === whose && !record.learner);
    while (survivor().records().some((record) => record.id === id)) await this.#tried(() => survivor().remove(id));
    let ticket: Awaited<ReturnType<ReturnType<typeof survivor>["addLearner"]>> | undefined;
    while (ticket === undefined) {
      // A try whose answer was lost may have added it; it is removed and added again.
      const half = survivor().records().find((record) => record.name === name);
      if (half !== undefined) await this.#tried(() => survivor().remove(half.id));
      ticket = await this.#tried(() => survivor().addLearner({ name, peerAddresses: [peerAddress(name)] }));
    }
    world.history.note(`${name} joins instead of ${lost}`);
    world.welcome(name, { join: ticket });
    await this.#start(name);
    while (!isMember(ticket.id)) await this.#tried(() => survivor().promote(ticket.id));
    world.history.note(`${name} has a vote`);
  }

  async #tried<T>(act: () => Promise<T>): Promise<T | undefined> {
    const result = await act().catch(() => undefined);
    await this.world.sleep(200);
    return result;
  }

  /** Whole and together, before something is taken away that nobody else may lack. */
  async #settle(): Promise<void> {
    const { world } = this;
    world.network.heal();
    world.network.setFaults({ loss: 0, duplication: 0, delayMs: [0, 2] });
    for (const name of world.names) world.resume(name);
    await this.#mend();
    for (let tries = 0; tries < 40 && !this.#isLevel(); tries++) await world.sleep(100);
  }

  #isLevel(): boolean {
    const { running, names } = this.world;
    const commits = [...running.values()].map(({ storage }) => storage.log.getSnapshot().context);
    const least = Math.min(...commits.map(({ saved }) => saved));
    const leader = commits.find(({ id, leader }) => id === leader);
    return running.size === names.size && leader !== undefined && commits.every(({ term }) => term === leader.term) &&
      // Under load nobody is level for long: whoever is cut off later has what was known here.
      least >= leader.commit;
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random.next() * from.length)]!;
  }
}
