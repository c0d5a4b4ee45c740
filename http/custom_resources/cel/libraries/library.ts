/** Functions that Kubernetes adds to CEL (docs, "Common Expression Language in Kubernetes"), as rows. */
import { EvaluationError } from "@marcbachmann/cel-js";

/** What a function gets and gives: CEL's values (int as bigint, list as array, map as object). */
// deno-lint-ignore no-explicit-any
export type Values = any;

export interface Library {
  /** Types by CEL name; their values are instances. */
  readonly types?: Readonly<Record<string, new (...given: never[]) => object>>;
  /** Names that functions stand under (`sets.contains`): an instance of a type of its own. */
  readonly namespaces?: Readonly<Record<string, object>>;
  /** `receiver.name(argument, ...): result` to its handler. */
  readonly functions: Readonly<Record<string, (...given: Values[]) => unknown>>;
}

/** Ends the evaluation with an error that the rule's author sees. */
export function fail(message: string): never {
  throw new EvaluationError(message);
}

export function compare(a: Values, b: Values): number {
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime();
  return a < b ? -1 : a > b ? 1 : 0;
}
