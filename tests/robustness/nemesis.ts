/** What strikes a store. Each seed has only some kinds of accidents (swarm testing). */
import type { Random } from "../../ports/random.ts";
import type { JoinTicket } from "../../ports/store_membership.ts";
import { calm, leaderOf, type Membership, type Stage } from "./stage.ts";

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
  #replaced = 0;

  constructor(readonly stage: Stage, readonly random: Random, kinds?: readonly Accident[]) {
    const drawn = accidents.filter(() => random.next() < 0.4);
    this.kinds = kinds ?? (drawn.length > 0 ? drawn : accidents);
  }

  async run(): Promise<void> {
    const { stage, random } = this;
    while (!this.isOver) {
      await stage.sleep(100 + random.next() * 1_400);
      if (this.isOver) break;
      if (this.kinds.length === 0) continue;
      await this.#strike(this.#pick(this.kinds));
      if (random.next() < 0.8) await this.#mend();
    }
  }

  /** Everything is well again from now on. */
  async restore(): Promise<void> {
    this.#calm();
    await this.#mend();
  }

  #calm(): void {
    const { stage } = this;
    stage.network.heal();
    stage.network.setFaults(calm);
    for (const name of stage.names) stage.resume(name);
  }

  /** Starts whoever does not run, also those that stopped by themselves: their disks had failed. */
  async #mend(): Promise<void> {
    const { stage } = this;
    await stage.sleep(this.random.next() * 800);
    for (const name of stage.running()) if (await this.#hasFailed(name)) await stage.kill(name);
    for (const name of [...stage.names]) if (!stage.running().includes(name)) await this.#start(name);
  }

  async #hasFailed(name: string): Promise<boolean> {
    return (await this.stage.standing(name))?.failed !== undefined;
  }

  async #start(name: string): Promise<void> {
    this.stage.history.note(`${name} starts`);
    try {
      await this.stage.mendDisk(name);
      await this.stage.start(name);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`Cannot open the store of ${name} again: ${why}`, { cause: error });
    }
  }

  async #strike(accident: Accident): Promise<void> {
    const { stage, random } = this;
    const names = stage.running();
    if (names.length === 0) return;
    // Those who lead have the most to lose.
    const victim = random.next() < 0.5 ? await leaderOf(stage) ?? this.#pick(names) : this.#pick(names);
    const others = [...stage.names].filter((name) => name !== victim);
    this.counts.set(accident, (this.counts.get(accident) ?? 0) + 1);
    const note = (what: string) => stage.history.note(what);
    switch (accident) {
      case "kill":
      case "powerLoss":
        note(`${victim}: ${accident}`);
        return await stage.kill(victim, { power: accident === "powerLoss" });
      case "everybody": {
        const power = random.next() < 0.5;
        note(`everybody: ${power ? "powerLoss" : "kill"}`);
        for (const name of names) await stage.kill(name, { power });
        return;
      }
      case "pause":
        note(`${victim} stands still`);
        stage.pause(victim);
        await stage.sleep(random.next() * 3_000);
        note(`${victim} goes on`);
        return stage.resume(victim);
      case "partition":
        note(`${victim} is cut off`);
        stage.network.partition([victim], others);
        await stage.sleep(random.next() * 3_500);
        note(`${victim} is heard again`);
        return stage.network.heal();
      case "oneWay": {
        const [from, to] = random.next() < 0.5 ? [victim, this.#pick(others)] : [this.#pick(others), victim];
        note(`${to} does not hear ${from}`);
        stage.network.cut(from, to);
        await stage.sleep(random.next() * 3_000);
        note(`${to} hears ${from} again`);
        return stage.network.heal();
      }
      case "noise":
        note("the network loses, doubles and delays");
        stage.network.setFaults({ loss: 0.1, duplication: 0.1, delayMs: [0, this.#pick([20, 150, 600])] });
        await stage.sleep(random.next() * 3_000);
        note("the network is well");
        return stage.network.setFaults(calm);
      case "diskError": {
        const trouble = this.#pick(["noSpace", "io", "crash"] as const);
        note(`${victim}: its disk fails, ${trouble}`);
        await stage.troubleDisk(victim, trouble);
        await stage.sleep(400 + random.next() * 800);
        if (stage.running().includes(victim)) await stage.kill(victim, { power: trouble === "crash" });
        return;
      }
      case "cutTail":
        return await this.#cutTail(victim);
      case "replace":
        return await this.#replace(victim);
      case "moveLeader":
        note("the leader hands over");
        await stage.membership(victim).moveLeader().catch(() => {});
    }
  }

  /** The end of a log is gone, while a majority of the others has all of it: it is repaired, or refused and replaced. */
  async #cutTail(victim: string): Promise<void> {
    const { stage } = this;
    await this.#settle();
    if (!(await this.#isLevel()) || (await leaderOf(stage)) === victim) return;
    stage.history.note(`${victim}: the end of its log is cut off`);
    await stage.kill(victim);
    await stage.cutTail(victim, 1 + Math.floor(this.random.next() * 300));
    const isBack = await stage.start(victim).then(() => true, () => false);
    await stage.sleep(1_500);
    if (isBack && !(await this.#hasFailed(victim))) return;
    stage.history.note(`${victim} does not trust its log`);
    if (isBack) await stage.kill(victim);
    await this.#exchange(victim);
  }

  /** A member is gone for good, with its disk; another one comes. */
  async #replace(victim: string): Promise<void> {
    const { stage } = this;
    await this.#settle();
    if (!(await this.#isLevel())) return;
    stage.history.note(`${victim} is lost for good`);
    await stage.kill(victim);
    await stage.sleep(this.random.next() * 2_000);
    await this.#exchange(victim);
  }

  /** What the store's administrator does about a member that is lost. */
  async #exchange(lost: string): Promise<void> {
    const { stage } = this;
    stage.network.heal();
    stage.names.delete(lost);
    const name = `n${++this.#replaced}`;
    const peerAddresses = [await stage.peerAddress(name)];
    const survivor = () => stage.membership(this.#pick(stage.running()));
    const records = async () => (await this.#tried(() => survivor().records())) ?? [];
    const { id } = await this.#found(async () => (await records()).find((record) => record.name === lost));
    // Members that lag do not know yet, so each says for itself what it has heard.
    const isGone = async (membership: Membership) => !(await membership.records()).some((record) => record.id === id);
    while (!(await this.#tried(() => isGone(survivor())))) await this.#tried(() => survivor().remove(id));
    const ticket = await this.#found(async (): Promise<JoinTicket | undefined> => {
      // A try whose answer was lost may have added it; it is removed and added again.
      const half = (await records()).find((record) => record.name === name);
      if (half !== undefined) await this.#tried(() => survivor().remove(half.id));
      return await this.#tried(() => survivor().addLearner({ name, peerAddresses }));
    });
    stage.history.note(`${name} joins instead of ${lost}`);
    stage.welcome(name, ticket);
    await this.#start(name);
    const hasVote = async () => (await records()).some((record) => record.id === ticket.id && !record.learner);
    while (!(await hasVote())) await this.#tried(() => survivor().promote(ticket.id));
    stage.history.note(`${name} has a vote`);
  }

  async #found<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 0; tries < 100; tries++) {
      const found = await look();
      if (found !== undefined) return found;
    }
    throw new Error("Cannot replace a member: the others do not answer");
  }

  async #tried<T>(act: () => Promise<T>): Promise<T | undefined> {
    const result = await act().catch(() => undefined);
    if (result === undefined) await this.stage.sleep(200);
    return result;
  }

  /** Whole and together, before something is taken away that nobody else may lack. */
  async #settle(): Promise<void> {
    this.#calm();
    await this.#mend();
    for (let tries = 0; tries < 40 && !(await this.#isLevel()); tries++) await this.stage.sleep(100);
  }

  /** Everybody follows one leader and has all that was known to be committed a moment ago. */
  async #isLevel(): Promise<boolean> {
    const { stage } = this;
    const standings = await Promise.all([...stage.names].map((name) => stage.standing(name)));
    const leader = standings.find((each) => each !== undefined && each.id === each.leader);
    const { commit = 0, term } = leader ?? {};
    return leader !== undefined && standings.every((each) => each !== undefined && each.term === term) &&
      standings.every((each) => each!.saved >= commit);
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random.next() * from.length)]!;
  }
}
