/**
 * All owners' rules together, and what has changed since the last time they were taken. A change costs in proportion
 * to what it touches, not to the number of services.
 *
 * Two owners may want the same address and port (an external IP used twice). One of them has it: the one whose name
 * sorts first, so that every host decides alike.
 */
import type { Fragment } from "./fragment.ts";

/** Differences of one kind: what comes or becomes different (by name), and what goes. */
export interface Difference<Value> {
  readonly set: ReadonlyMap<string, Value>;
  readonly removed: readonly string[];
  /** Of `set`: names that were there before, with another value. */
  readonly replaced: readonly string[];
}

export interface RulesetChanges {
  readonly chains: Difference<readonly string[]>;
  readonly services: Difference<string>;
  readonly refusals: Difference<string>;
  readonly hairpins: Difference<true>;
  readonly affinities: Difference<number>;
}

/** Claims of owners on names; the effective value is that of the owner that sorts first. */
class Claims<Value> {
  readonly #claims = new Map<string, Map<string, Value>>();
  /** Names touched since the last take, with the value they had then. */
  #before = new Map<string, Value | undefined>();

  constructor(readonly same: (a: Value, b: Value) => boolean = Object.is) {}

  get size(): number {
    return this.#claims.size;
  }

  effective(name: string): Value | undefined {
    const claims = this.#claims.get(name);
    if (claims === undefined) return undefined;
    if (claims.size === 1) return claims.values().next().value;
    return claims.get([...claims.keys()].sort()[0]!);
  }

  *all(): IterableIterator<[string, Value]> {
    for (const name of this.#claims.keys()) yield [name, this.effective(name)!];
  }

  replace(owner: string, former: Iterable<string>, wanted: ReadonlyMap<string, Value>): void {
    for (const name of former) if (!wanted.has(name)) this.#withdraw(owner, name);
    for (const [name, value] of wanted) this.#claim(owner, name, value);
  }

  take(): Difference<Value> {
    const set = new Map<string, Value>();
    const removed: string[] = [];
    const replaced: string[] = [];
    for (const [name, before] of this.#before) {
      const now = this.effective(name);
      if (now === undefined) {
        if (before !== undefined) removed.push(name);
      } else if (before === undefined || !this.same(before, now)) {
        set.set(name, now);
        if (before !== undefined) replaced.push(name);
      }
    }
    this.#before = new Map();
    return { set, removed, replaced };
  }

  /** Everything there is, as if nothing had been taken before. */
  takeAll(): Difference<Value> {
    this.#before = new Map();
    return { set: new Map(this.all()), removed: [], replaced: [] };
  }

  #touch(name: string): void {
    if (!this.#before.has(name)) this.#before.set(name, this.effective(name));
  }

  #claim(owner: string, name: string, value: Value): void {
    let claims = this.#claims.get(name);
    const had = claims?.get(owner);
    if (had !== undefined && this.same(had, value)) return;
    this.#touch(name);
    if (claims === undefined) this.#claims.set(name, claims = new Map());
    claims.set(owner, value);
  }

  #withdraw(owner: string, name: string): void {
    const claims = this.#claims.get(name);
    if (claims?.has(owner) !== true) return;
    this.#touch(name);
    claims.delete(owner);
    if (claims.size === 0) this.#claims.delete(name);
  }
}

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, index) => rule === b[index]);
}

export class Ruleset {
  readonly #fragments = new Map<string, Fragment>();
  readonly #chains = new Claims<readonly string[]>(sameRules);
  readonly #services = new Claims<string>();
  readonly #refusals = new Claims<string>();
  readonly #hairpins = new Claims<true>();
  readonly #affinities = new Claims<number>();

  /** Owners that have rules, and addresses and ports that are answered. */
  get size(): { owners: number; answered: number; refused: number } {
    return { owners: this.#fragments.size, answered: this.#services.size, refused: this.#refusals.size };
  }

  owners(): IterableIterator<string> {
    return this.#fragments.keys();
  }

  /** Replaces all rules of an owner; undefined withdraws them. */
  replace(owner: string, fragment: Fragment | undefined): void {
    const former = this.#fragments.get(owner);
    if (fragment === undefined) this.#fragments.delete(owner);
    else this.#fragments.set(owner, fragment);
    const none = new Map<string, never>();
    this.#chains.replace(owner, former?.chains.keys() ?? [], fragment?.chains ?? none);
    this.#services.replace(owner, former?.services.keys() ?? [], fragment?.services ?? none);
    this.#refusals.replace(owner, former?.refusals.keys() ?? [], fragment?.refusals ?? none);
    const hairpins = new Map((fragment?.hairpins ?? []).map((address) => [address, true] as const));
    this.#hairpins.replace(owner, former?.hairpins ?? [], hairpins);
    this.#affinities.replace(owner, former?.affinities.keys() ?? [], fragment?.affinities ?? none);
  }

  /** What has changed since the last take. */
  take(): RulesetChanges {
    return this.#collect("take");
  }

  /** Everything, for a table that is made anew. */
  takeAll(): RulesetChanges {
    return this.#collect("takeAll");
  }

  #collect(how: "take" | "takeAll"): RulesetChanges {
    return {
      chains: this.#chains[how](),
      services: this.#services[how](),
      refusals: this.#refusals[how](),
      hairpins: this.#hairpins[how](),
      affinities: this.#affinities[how](),
    };
  }
}

export function isEmpty(changes: RulesetChanges): boolean {
  return Object.values(changes).every(({ set, removed }: Difference<unknown>) =>
    set.size === 0 && removed.length === 0
  );
}
