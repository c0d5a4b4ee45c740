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

/** @param maxSteps operations put in their place, tries included, within each part. */
export function linearize<State, Call, Answer>(
  operations: readonly Operation<Call, Answer>[],
  spec: SequentialSpec<State, Call, Answer>,
  maxSteps = 1_000_000,
): Linearization {
  const parts = new Map<string, number[]>();
  for (const [index, { call }] of operations.entries()) {
    const part = spec.part?.(call) ?? "";
    const indexes = parts.get(part);
    if (indexes === undefined) parts.set(part, [index]);
    else indexes.push(index);
  }
  const orders: (readonly number[])[] = [];
  let verdict: Linearization["verdict"] = "linearizable";
  for (const indexes of parts.values()) {
    const search = new PartSearch(operations, indexes, spec, maxSteps);
    const found = search.run();
    orders.push(search.longest);
    if (found === "impossible") return { verdict: found, orders };
    if (found === "unknown") verdict = found;
  }
  return { verdict, orders };
}

/** A call or an answer, in a list of those whose operations have no place yet. */
interface Mark {
  /** Of the operation, among those of the part. */
  readonly bit: number;
  readonly at: number;
  readonly isCall: boolean;
  /** Of a call: that of the answer; absent while the operation is open. */
  answer?: Mark;
  before: Mark;
  after: Mark;
}

class PartSearch<State, Call, Answer> {
  longest: readonly number[] = [];
  /** Operations that have a place, and the state after them: from each only once. */
  readonly #been = new Set<string>();
  readonly #placed: Uint16Array;
  readonly #expected: readonly (string | undefined)[];

  constructor(
    readonly operations: readonly Operation<Call, Answer>[],
    readonly indexes: readonly number[],
    readonly spec: SequentialSpec<State, Call, Answer>,
    readonly maxSteps: number,
  ) {
    this.#placed = new Uint16Array((indexes.length >> 4) + 1);
    this.#expected = indexes.map((index) => {
      const { answeredAt, answer } = operations[index]!;
      return answeredAt === undefined ? undefined : stateKey(answer);
    });
  }

  run(): Linearization["verdict"] {
    const { spec } = this;
    const head = this.#marks();
    const order: { readonly mark: Mark; readonly state: State; readonly key: string }[] = [];
    let [state, key] = [spec.init, stateKey(spec.init)];
    let left = this.#expected.filter((answer) => answer !== undefined).length;
    for (let steps = 0, mark = head.after; left > 0;) {
      if (mark.isCall) {
        const after = spec.apply(state, this.operations[this.indexes[mark.bit]!]!.call);
        const [expected, afterKey] = [this.#expected[mark.bit], stateKey(after.state)];
        // An open operation that changes nothing here need not have happened.
        const fits = expected === undefined ? afterKey !== key : stateKey(after.answer) === expected;
        if (fits && this.#isNew(mark.bit, afterKey)) {
          if (++steps > this.maxSteps) return "unknown";
          order.push({ mark, state, key });
          [state, key] = [after.state, afterKey];
          lift(mark);
          if (expected !== undefined) left--;
          if (order.length > this.longest.length) this.#note(order);
          mark = head.after;
        } else mark = mark.after;
        continue;
      }
      // An operation had been answered and cannot be given a place: the last one that was, is taken back.
      const last = order.pop();
      if (last === undefined) return "impossible";
      [state, key] = [last.state, last.key];
      this.#flip(last.mark.bit);
      if (last.mark.answer !== undefined) left++;
      putBack(last.mark);
      mark = last.mark.after;
    }
    this.#note(order);
    return "linearizable";
  }

  #note(order: readonly { readonly mark: Mark }[]): void {
    this.longest = order.map(({ mark }) => this.indexes[mark.bit]!);
  }

  /** Whether this operation, placed next, leads to where the search has not been; if so it is taken for placed. */
  #isNew(bit: number, state: string): boolean {
    this.#flip(bit);
    const place = String.fromCharCode.apply(undefined, this.#placed as unknown as number[]) + state;
    if (this.#been.has(place)) {
      this.#flip(bit);
      return false;
    }
    this.#been.add(place);
    return true;
  }

  #flip(bit: number): void {
    this.#placed[bit >> 4]! ^= 1 << (bit & 15);
  }

  /** The head of a ring. */
  #marks(): Mark {
    const marks: Omit<Mark, "before" | "after">[] = [];
    for (const [bit, index] of this.indexes.entries()) {
      const { calledAt, answeredAt } = this.operations[index]!;
      const call: Omit<Mark, "before" | "after"> = { bit, at: calledAt, isCall: true };
      marks.push(call);
      if (answeredAt === undefined) continue;
      const answer = { bit, at: answeredAt, isCall: false };
      call.answer = answer as Mark;
      marks.push(answer);
    }
    marks.sort((a, b) => a.at - b.at);
    const head = { bit: -1, at: -Infinity, isCall: false } as Mark;
    let last = head;
    for (const mark of marks as Mark[]) {
      mark.before = last;
      last.after = mark;
      last = mark;
    }
    last.after = head;
    head.before = last;
    return head;
  }
}

function lift(call: Mark): void {
  for (const mark of [call, call.answer]) {
    if (mark === undefined) continue;
    mark.before.after = mark.after;
    mark.after.before = mark.before;
  }
}

/** The opposite of the last `lift`. */
function putBack(call: Mark): void {
  for (const mark of [call.answer, call]) {
    if (mark === undefined) continue;
    mark.before.after = mark;
    mark.after.before = mark;
  }
}
