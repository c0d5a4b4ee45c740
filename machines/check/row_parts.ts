/** Parts of a composition's row that are no actors: histories, budgets, cuts of the network. */
import { mixHigh, mixLow, PairTable, textLanes } from "./fingerprints.ts";
import { stateKey } from "./state_key.ts";
import type { Happening, HistoryModel, SystemModel } from "./system_model.ts";

/** Histories as small numbers, and what each becomes, computed once. */
export class HistoryTable {
  readonly all: unknown[] = [];
  /** For each history, what it adds to a fingerprint that does not depend on when it was met. */
  readonly low: number[] = [];
  readonly high: number[] = [];
  readonly #ids = new Map<string, number>();
  readonly #steps = new PairTable();

  constructor(readonly model: HistoryModel<unknown>) {
    this.intern(model.init);
  }

  intern(history: unknown): number {
    const key = stateKey(history);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.all.length;
      this.#ids.set(key, id);
      this.all.push(history);
      const [low, high] = id === 0 ? [0, 0] : textLanes(`history ${key}`);
      this.low.push(low);
      this.high.push(high);
    }
    return id;
  }

  /** The history after a transition of that number. */
  after(before: number, transition: number, happening: Happening): number {
    let after = this.#steps.get(before, transition);
    if (after < 0) {
      after = this.intern(this.model.next(this.all[before], happening));
      this.#steps.set(before, transition, after);
    }
    return after;
  }
}

/** What there is of each budget at the start; the built-in ones only where there is something of them. */
export function amountsOf({ network = {}, crashes = 0, budgets = {} }: SystemModel): Record<string, number> {
  const { losses, duplicates, partitions } = network;
  const amounts: Record<string, number> = { ...budgets };
  if (crashes > 0) amounts.crashes = crashes;
  if (typeof losses === "number" && losses > 0) amounts.losses = losses;
  if (duplicates) amounts.duplicates = duplicates;
  const cuts = network.cuts ?? (partitions?.length ? 1 : 0);
  if (cuts > 0) amounts.cuts = cuts;
  return amounts;
}

/** For each way to fall apart: the group of each actor; -1: it sees everybody. */
export function groupsOf({ actors, network = {} }: SystemModel): number[][] {
  return (network.partitions ?? []).map((groups) =>
    actors.map(({ name }) => groups.findIndex((group) => group.includes(name)))
  );
}

/** What a budget, the cut or the history at a place adds to a fingerprint. */
export function slotLow(place: number, value: number): number {
  return value === 0 ? 0 : mixLow(value + place * 0x01000193);
}

export function slotHigh(place: number, value: number): number {
  return value === 0 ? 0 : mixHigh(value + place * 0x01000193);
}
