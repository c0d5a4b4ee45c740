/** A policy's variables: each may speak of those before it and is evaluated when it is first read. */
import { EvaluationError } from "@marcbachmann/cel-js";
import { evaluationText } from "../../custom_resources/cel/evaluation_error.ts";
import { type CostMeter, evaluateMetered } from "../../custom_resources/cel/metered.ts";
import { type Declared, LazyVariables } from "./environment.ts";
import { compileExpression, type Expression } from "./expression.ts";

export interface Variable {
  readonly name: string;
  readonly expression: string;
}

export interface CompiledVariables {
  readonly expressions: ReadonlyMap<string, Expression>;
  /** Their types, for those who speak of them. */
  readonly types: Readonly<Record<string, string>>;
}

export function compileVariables(
  variables: readonly Variable[],
  declared: Omit<Declared, "variables">,
): CompiledVariables {
  const expressions = new Map<string, Expression>();
  const types: Record<string, string> = {};
  for (const { name, expression } of variables) {
    const compiled = compileExpression(expression, { ...declared, variables: { ...types } });
    expressions.set(name, compiled);
    types[name] = fieldType(compiled.type);
  }
  return { expressions, types };
}

/** Types of nothing and of types themselves are no types of fields. */
function fieldType(type: string): string {
  return type === "null" || type === "type" || /<[A-Z]\b/.test(type) ? "dyn" : type;
}

/** The value of `variables` in `scope`, which it is put into. */
export function lazyVariables(
  { expressions }: CompiledVariables,
  scope: Record<string, unknown>,
  meter: CostMeter,
): LazyVariables {
  const variables = new LazyVariables();
  for (const [name, expression] of expressions) {
    let known: { value: unknown } | undefined;
    const get = () => (known ??= { value: evaluated(name, expression, scope, meter) }).value;
    Object.defineProperty(variables, name, { enumerable: true, get });
  }
  return variables;
}

function evaluated(
  name: string,
  { program, error }: Expression,
  scope: Record<string, unknown>,
  meter: CostMeter,
): unknown {
  if (program === undefined) {
    throw new EvaluationError(`composited variable ${JSON.stringify(name)} fails to compile: ${error}`);
  }
  try {
    return evaluateMetered(program, scope, meter);
  } catch (thrown) {
    const why = evaluationText(thrown);
    throw new EvaluationError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${why}`);
  }
}
