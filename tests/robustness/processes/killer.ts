/** Kills processes under load, again and again: mostly whoever leads, now and then all of them at once. */
import type { Random } from "../../../ports/random.ts";
import type { Accident } from "../nemesis.ts";
import { leaderOf, type Stage } from "../stage.ts";
import type { Tormentor } from "../trial.ts";

/** So many writes are answered between one kill and the next, if the store gets to it. */
const writesBetween = 10;
const patienceMs = 5_000;

export class Killer implements Tormentor {
  readonly counts = new Map<Accident, number>();
  isOver = false;
  #kills = 0;

  constructor(readonly stage: Stage, readonly random: Random, readonly most: number) {}

  async run(): Promise<void> {
    while (!this.isOver && this.#kills < this.most) {
      await this.#untilWritten();
      const names = this.stage.running();
      const drawn = this.random.next();
      const leader = await leaderOf(this.stage);
      if (drawn < 0.1) await this.#kill("everybody", names);
      else if (drawn < 0.7 && leader !== undefined) await this.#kill("kill", [leader]);
      else await this.#kill("kill", [names[Math.floor(this.random.next() * names.length)]!]);
      await this.stage.sleep(this.random.next() * 300);
      await this.restore();
    }
  }

  async restore(): Promise<void> {
    const { stage } = this;
    await Promise.all(
      [...stage.names].filter((name) => !stage.running().includes(name)).map((name) => stage.start(name)),
    );
  }

  async #kill(accident: Accident, names: readonly string[]): Promise<void> {
    this.stage.history.note(`kill -9 ${names.join(", ")}`);
    this.#kills += names.length;
    this.counts.set(accident, (this.counts.get(accident) ?? 0) + names.length);
    await Promise.all(names.map((name) => this.stage.kill(name)));
  }

  async #untilWritten(): Promise<void> {
    const { operations } = this.stage.history;
    const from = operations.length;
    for (let left = patienceMs; left > 0; left -= 50) {
      let written = 0;
      for (let at = from; at < operations.length; at++) if (operations[at]!.answer?.came === "done") written++;
      if (written >= writesBetween) return;
      await this.stage.sleep(50);
    }
  }
}
