/**
 * What an evaluation costs, counted as cel-go's runtime cost tracker does: one for a step, a tenth for each letter that
 * a function or operator goes through, more for making lists and maps. At a limit the evaluation ends: nobody's
 * expression holds the server up.
 */
import { EvaluationError, type ParseResult } from "@marcbachmann/cel-js";

export class CostMeter {
  spent = 0;
  #callEnd = Infinity;

  constructor(readonly limit: number) {}

  /** @throws EvaluationError over a limit, at this call and every later one. */
  spend(cost: number): void {
    this.spent += cost;
    if (this.spent > this.#callEnd || this.spent > this.limit) throw tooCostly();
  }

  /** One program, which has a limit of its own; what it evaluates on its way (variables) has theirs. */
  call<T>(run: () => T): T {
    const outer = this.#callEnd;
    const start = this.spent;
    this.#callEnd = start + perCallLimit;
    try {
      const result = run();
      if (this.spent > this.#callEnd) throw tooCostly();
      return result;
    } finally {
      this.#callEnd = outer + (this.spent - start);
    }
  }

  /** Operators that bear with errors may have swallowed the one that `spend` threw. */
  get isExceeded(): boolean {
    return this.spent > this.limit;
  }
}

/** What one evaluation of one expression may cost (k8s.io/apiserver apis/cel: PerCallLimit). */
const perCallLimit = 1_000_000;

/** What cel-go says of an evaluation that was ended. */
export const costLimitExceeded = "operation cancelled: actual cost limit exceeded";

function tooCostly(): EvaluationError {
  return new EvaluationError(costLimitExceeded);
}

type Run = (evaluator: unknown, node: Node, context: Context) => unknown;

interface Context {
  getValue(name: symbol): CostMeter | undefined;
}

interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly meta: { readonly alternate?: Node; readonly macro?: Record<string, unknown> };
  evaluate: Run;
}

const meterOf = Symbol("meter");
const metered = new WeakSet<ParseResult>();

/** Runs a checked program with a meter. @throws EvaluationError */
export function evaluateMetered(program: ParseResult, scope: Record<string, unknown>, meter: CostMeter): unknown {
  if (!metered.has(program)) {
    metered.add(program);
    program.check();
    wrap(program.ast as unknown as Node, false);
  }
  return meter.call(() => program({ ...scope, [meterOf]: meter }));
}

const stepCosts: Readonly<Record<string, number>> = { value: 0, accuValue: 0, list: 10, map: 30 };
/** Operators that go through their operands. */
const traversing = new Set(["call", "rcall", "==", "!=", "<", "<=", ">", ">=", "+", "in"]);
const letterCost = 0.1;

function wrap(node: Node, isTraversed: boolean): void {
  const { alternate, macro } = node.meta;
  if (alternate !== undefined) return wrap(alternate, isTraversed);
  for (const child of childrenOf(node.args)) wrap(child, traversing.has(node.op));
  if (macro !== undefined) {
    for (const name of ["val", "exp"]) for (const child of childrenOf(macro[name])) wrap(child, false);
  }
  const cost = stepCosts[node.op] ?? 1;
  const run = node.evaluate;
  let inner: Run = (evaluator, ast, context) => {
    // The first run finds out how the node is evaluated and puts that in the place of this.
    const result = run.call(node, evaluator, ast, context);
    inner = node.evaluate;
    node.evaluate = counted;
    return result;
  };
  const counted: Run = (evaluator, ast, context) => {
    const meter = context.getValue(meterOf);
    meter?.spend(cost);
    const result = inner.call(node, evaluator, ast, context);
    if (isTraversed) meter?.spend(sizeCost(result));
    return result;
  };
  node.evaluate = counted;
}

function* childrenOf(value: unknown): Generator<Node> {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) { for (const each of value) yield* childrenOf(each); }
  else if ("evaluate" in value && "op" in value) yield value as Node;
  else if ("iterable" in value) {
    // The three parts of a comprehension.
    const { iterable, init, step } = value as Record<string, unknown>;
    yield* childrenOf([iterable, init, step]);
  }
}

function sizeCost(value: unknown): number {
  if (typeof value === "string" || value instanceof Uint8Array) return Math.ceil(value.length * letterCost);
  return Array.isArray(value) ? value.length : 0;
}
