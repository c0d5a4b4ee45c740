/**
 * The explorer: every state that a model can get into, breadth first, so that the first broken rule comes with a
 * shortest path to it.
 *
 * A model is plain data and pure functions over it, usually snapshots of the shipped machines moved by `step`.
 * Nothing is hashed: two states are one only if their keys are equal.
 */
import { stateKey } from "./state_key.ts";

/** Rules about a state, by name. */
export type Rules<S> = Readonly<Record<string, (state: S) => boolean>>;

export interface Model<S, C> {
  readonly init: S;
  /** Everything the world may do next, in a fixed order. */
  choices(state: S): readonly C[];
  /** The state after a choice; undefined when nothing changed. The given state is never modified. */
  step(state: S, choice: C): S | undefined;
  /** Covers everything that decides. Absent: `stateKey`, the whole state. */
  key?(state: S): string;
  /** One line of the story that leads to a broken rule. Absent: the choice as JSON. */
  showChoice?(choice: C): string;
  /** What the state is after a choice, for the story. Absent: the last state as JSON. */
  showState?(state: S): string;
  /** Hold in every state. */
  readonly always?: Rules<S>;
  /** Hold in some state: a rule about something that never happens proves nothing. */
  readonly sometimes?: Rules<S>;
  /** Hold for every step, also for those that lead back to a known state. */
  readonly eachStep?: Readonly<Record<string, (before: S, choice: C, after: S) => boolean>>;
  /** Whether it is fine that nothing can happen here any more. Absent: everywhere. */
  isEnd?(state: S): boolean;
  /** Reaching it is an error, never a pass. */
  readonly maxStates: number;
}

export interface Exploration {
  /** Distinct states. */
  readonly states: number;
  /** Steps tried that led somewhere, also to known states. */
  readonly steps: number;
  /** Steps from the first state to the farthest. */
  readonly depth: number;
  /** Names of `sometimes` rules that held nowhere. */
  readonly neverSeen: readonly string[];
}

/** A rule that does not hold, and the shortest way there. */
export class BrokenRule extends Error {
  override name = "BrokenRule";
  constructor(
    readonly rule: string,
    /** The place of each choice among those of its state; `replay` follows it. */
    readonly path: readonly number[],
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** There are more states than `maxStates`: what was seen proves nothing. */
export class TooManyStates extends Error {
  override name = "TooManyStates";
}

/**
 * Explores every reachable state.
 *
 * @throws BrokenRule with a numbered story when a rule does not hold or a step throws, TooManyStates at `maxStates`.
 */
export function explore<S, C>(model: Model<S, C>): Exploration {
  return new Search(model).run();
}

/** The states along a path that a BrokenRule gave, the first one included. */
export function replay<S, C>(model: Model<S, C>, path: readonly number[]): { choice: C | undefined; state: S }[] {
  let state = model.init;
  const trail: { choice: C | undefined; state: S }[] = [{ choice: undefined, state }];
  for (const [at, index] of path.entries()) {
    const choices = model.choices(state);
    if (index >= choices.length) {
      throw new Error(`Cannot replay step ${at + 1}: there are ${choices.length} choices, not choice ${index}`);
    }
    const choice = choices[index]!;
    state = model.step(state, choice) ?? state;
    trail.push({ choice, state });
  }
  return trail;
}

/** The story of a path: numbered choices and what they led to. */
export function tellStory<S, C>(model: Model<S, C>, path: readonly number[]): string {
  const trail = replay(model, path);
  const showChoice = (choice: C) => model.showChoice?.(choice) ?? JSON.stringify(choice);
  const said = trail.slice(1).map(({ choice }) => showChoice(choice as C));
  const width = Math.min(72, Math.max(0, ...said.map((line) => line.length)));
  const numbers = String(said.length).length;
  const lines = said.map((line, index) => {
    const number = `  ${String(index + 1).padStart(numbers)} `;
    if (model.showState === undefined) return number + line;
    return `${number}${line.padEnd(width)}  ${model.showState(trail[index + 1]!.state)}`.trimEnd();
  });
  if (model.showState === undefined) lines.push(`State: ${JSON.stringify(trail.at(-1)!.state)}`);
  return lines.join("\n");
}

class Search<S, C> {
  readonly #known = new Map<string, number>();
  /** States that wait to be expanded; let go of afterwards. */
  #states: (S | undefined)[] = [];
  /** For each state: the state it was found from, and the choice there. */
  readonly #parents: number[] = [];
  readonly #choices: number[] = [];
  readonly #unseen: Map<string, (state: S) => boolean>;
  readonly #always: [string, (state: S) => boolean][];
  readonly #eachStep: [string, (before: S, choice: C, after: S) => boolean][];
  #steps = 0;
  #depth = 0;

  constructor(readonly model: Model<S, C>) {
    this.#unseen = new Map(Object.entries(model.sometimes ?? {}));
    this.#always = Object.entries(model.always ?? {});
    this.#eachStep = Object.entries(model.eachStep ?? {});
  }

  run(): Exploration {
    this.#add(this.#key(this.model.init), this.model.init, -1, -1);
    let levelEnd = 1;
    for (let index = 0; index < this.#states.length; index++) {
      if (index === levelEnd) {
        this.#depth++;
        levelEnd = this.#states.length;
      }
      this.#expand(index);
    }
    return { states: this.#known.size, steps: this.#steps, depth: this.#depth, neverSeen: [...this.#unseen.keys()] };
  }

  #expand(index: number): void {
    const { model } = this;
    const state = this.#states[index] as S;
    this.#states[index] = undefined;
    const choices = this.#guarded(index, "choices", () => model.choices(state));
    let moved = false;
    for (let at = 0; at < choices.length; at++) {
      const choice = choices[at]!;
      let next: S | undefined;
      try {
        next = model.step(state, choice);
      } catch (error) {
        throw this.#broken(thrown(error), this.#pathTo(index, at), error);
      }
      if (next === undefined) continue;
      this.#steps++;
      moved = true;
      for (const [name, holds] of this.#eachStep) {
        if (!holds(state, choice, next)) {
          throw this.#broken(`Broken rule "${name}"`, this.#pathTo(index, at), undefined, name);
        }
      }
      const key = this.#key(next);
      if (!this.#known.has(key)) this.#add(key, next, index, at);
    }
    if (!moved && model.isEnd !== undefined && !model.isEnd(state)) {
      throw this.#broken("Dead end: nothing can happen any more", this.#pathTo(index));
    }
  }

  #add(key: string, state: S, parent: number, choice: number): void {
    const { maxStates } = this.model;
    if (this.#known.size >= maxStates) {
      throw new TooManyStates(
        `Cannot explore: more than maxStates (${maxStates}) states; let counters saturate or give the world less to do`,
      );
    }
    const index = this.#states.length;
    this.#known.set(key, index);
    this.#states.push(state);
    this.#parents.push(parent);
    this.#choices.push(choice);
    for (const [name, holds] of this.#always) {
      if (!this.#guarded(index, `rule "${name}"`, () => holds(state))) {
        throw this.#broken(`Broken rule "${name}"`, this.#pathTo(index), undefined, name);
      }
    }
    for (const [name, holds] of this.#unseen) if (holds(state)) this.#unseen.delete(name);
  }

  #key(state: S): string {
    return this.model.key === undefined ? stateKey(state) : this.model.key(state);
  }

  #guarded<T>(index: number, what: string, body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw this.#broken(`${what}: ${thrown(error)}`, this.#pathTo(index), error);
    }
  }

  #pathTo(index: number, ...last: number[]): number[] {
    const path = last;
    for (let at = index; this.#parents[at]! >= 0; at = this.#parents[at]!) path.unshift(this.#choices[at]!);
    return path;
  }

  #broken(what: string, path: readonly number[], cause?: unknown, rule = what): BrokenRule {
    let story: string;
    try {
      story = tellStory(this.model, path);
    } catch {
      // The last step is the one that throws: its story ends before it, and the choice is named.
      const { model } = this;
      const before = path.slice(0, -1);
      const state = replay(model, before).at(-1)!.state;
      const choice = model.choices(state)[path.at(-1)!]!;
      const last = `  ${path.length} ${model.showChoice?.(choice) ?? JSON.stringify(choice)}`;
      story = [tellStory(model, before), last].filter((part) => part !== "").join("\n");
    }
    const steps = `${path.length} ${path.length === 1 ? "step" : "steps"}`;
    return new BrokenRule(
      rule,
      path,
      `${what}, shortest path, ${steps}:\n${story}\nPath: ${path.join(".")}`,
      cause === undefined ? undefined : { cause },
    );
  }
}

function thrown(error: unknown): string {
  return `Thrown: ${error instanceof Error ? error.message : String(error)}`;
}
