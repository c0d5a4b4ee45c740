/** One expression of a policy: compiled once, evaluated for each request, in Kubernetes' words when it is wrong. */
import type { ParseResult } from "@marcbachmann/cel-js";
import { goTypeName, locatedError } from "../../custom_resources/cel/compile_error.ts";
import { evaluationText } from "../../custom_resources/cel/evaluation_error.ts";
import { type CostMeter, evaluateMetered } from "../../custom_resources/cel/metered.ts";
import { declareLiterals, withoutLiterals } from "../../custom_resources/cel/object_literals.ts";
import { type Declared, policyEnvironment } from "./environment.ts";

/** Names of CEL types, as the compiler here prints them. Empty: any. */
export type Wanted = readonly string[];

export interface Expression {
  readonly text: string;
  readonly program: ParseResult | undefined;
  /** What the compiler says against it. */
  readonly error: string | undefined;
  /** The type of its values; "dyn" where it does not compile. */
  readonly type: string;
}

export interface Compilation extends Declared {
  readonly wanted?: Wanted;
  /** Whether objects may be written out. */
  readonly literals?: boolean;
}

export function compileExpression(
  text: string,
  { wanted = [], literals = false, ...declared }: Compilation,
): Expression {
  const written = literals ? withoutLiterals(text) : { text, types: [], original: (at: number) => at };
  const environment = policyEnvironment(declared);
  if (literals) declareLiterals(environment, written.types);
  const failed = (error: string): Expression => ({ text, program: undefined, error, type: "dyn" });
  const { valid, type = "dyn", error } = environment.check(written.text);
  if (!valid) return failed(`compilation failed: ${locatedError(text, error, written.original)}`);
  const program = environment.parse(written.text);
  if (wanted.length > 0 && !wanted.includes(type) && (type !== "dyn" || isSelection(program.ast.op))) {
    const names = wanted.map(goTypeName);
    const said = names.length === 1 ? names[0] : `one of [${names.join(" ")}]`;
    return failed(`must evaluate to ${said} but got ${goTypeName(type)}`);
  }
  return { text, program, error: undefined, type };
}

/** A member of something without a type has none either; of other expressions the compiler here knows less than Go's. */
function isSelection(op: string): boolean {
  return op === "id" || op === "." || op === "[]";
}

export type Evaluated = { readonly value: unknown } | { readonly error: string };

/** @throws OutOfBudget */
export function evaluateExpression(
  { text, program, error }: Expression,
  scope: Record<string, unknown>,
  meter: CostMeter,
): Evaluated {
  if (program === undefined) return { error: `compilation error: ${error}` };
  try {
    const value = evaluateMetered(program, scope, meter);
    if (!meter.isExceeded) return { value };
  } catch (thrown) {
    if (!meter.isExceeded) return { error: `expression '${text}' resulted in error: ${evaluationText(thrown)}` };
  }
  throw new OutOfBudget();
}

export class OutOfBudget extends Error {
  constructor() {
    super("validation failed due to running out of cost budget, no further validation rules will be run");
  }
}
