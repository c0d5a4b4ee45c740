/**
 * Whether one order explains what clients saw of something that they share: each operation takes effect at one moment
 * between its call and its answer (Wing and Gong's search, with Lowe's memory of where it has been).
 */
import { stateKey } from "./state_key.ts";

export interface Operation<Call, Answer> {
  readonly call: Call;
  /** Places in the history, all different; the answer's is absent while the operation is open: it may have happened. */
  readonly calledAt: number;
  readonly answer?: Answer;
  readonly answeredAt?: number;
}

/** What operations do one after the other. States, calls and answers are plain data. */
export interface SequentialSpec<State, Call, Answer> {
  readonly init: State;
  /** The given state is never modified. */
  apply(state: State, call: Call): { readonly state: State; readonly answer: Answer };
  /** Operations on different parts never touch each other, and are looked at alone: much faster. */
  part?(call: Call): string;
}

export interface Linearization {
  /** "unknown": there were more possibilities than `maxSteps`. */
  readonly verdict: "linearizable" | "impossible" | "unknown";
  /** Of each part, the operations in an order that explains them; of a part that none explains, the longest tried. */
  readonly orders: readonly (readonly number[])[];
}

export function linearize<State, Call, Answer>(
  operations: readonly Operation<Call, Answer>[],
  spec: SequentialSpec<State, Call, Answer>,
  maxSteps = 1_000_000,
): Linearization {
  const parts = new Map<string, number[]>();
  for (const [index, { call }] of operations.entries()) {
    const part = spec.part?.(call) ?? "";
    parts.set(part, [...parts.get(part) ?? [], index]);
  }
  const orders: (readonly number[])[] = [];
  let verdict: Linearization["verdict"] = "linearizable";
  for (const indexes of parts.values()) {
    const search = new PartSearch(operations, indexes, spec, maxSteps);
    const found = search.run(spec.init);
    orders.push(search.longest);
    if (found === "impossible") return { verdict: found, orders };
    if (found === "unknown") verdict = found;
  }
  return { verdict, orders };
}

class PartSearch<State, Call, Answer> {
  longest: readonly number[] = [];
  readonly #been = new Set<string>();
  readonly #order: number[] = [];
  readonly #left: Set<number>;
  #steps = 0;

  constructor(
    readonly operations: readonly Operation<Call, Answer>[],
    indexes: readonly number[],
    readonly spec: SequentialSpec<State, Call, Answer>,
    readonly maxSteps: number,
  ) {
    this.#left = new Set(indexes);
  }

  run(state: State): Linearization["verdict"] {
    if (this.#order.length > this.longest.length) this.longest = [...this.#order];
    const before = Math.min(...[...this.#left].map((index) => this.operations[index]!.answeredAt ?? Infinity));
    // Operations that are still open need not have happened.
    if (before === Infinity) return "linearizable";
    const place = `${[...this.#left].sort((a, b) => a - b).join()} ${stateKey(state)}`;
    if (this.#been.has(place)) return "impossible";
    this.#been.add(place);
    if (++this.#steps > this.maxSteps) return "unknown";
    for (const index of [...this.#left]) {
      const { call, calledAt, answer, answeredAt } = this.operations[index]!;
      if (calledAt > before) continue; // Another one had ended before it began.
      const after = this.spec.apply(state, call);
      if (answeredAt !== undefined && stateKey(after.answer) !== stateKey(answer)) continue;
      this.#left.delete(index);
      this.#order.push(index);
      const verdict = this.run(after.state);
      if (verdict !== "impossible") return verdict;
      this.#order.pop();
      this.#left.add(index);
    }
    return "impossible";
  }
}
