/** What both kinds of policy have in common: whom they speak of, their variables and conditions. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { Decisions } from "../../custom_resources/cel/authorizer.ts";
import { CostMeter } from "../../custom_resources/cel/metered.ts";
import { fields, has, list, text } from "../../resources/fields.ts";
import { checkConditions, conditionBudget, type ConditionsResult, type MatchCondition } from "../match_conditions.ts";
import type { Criteria, Rule } from "../matching.ts";
import { compileExpression, OutOfBudget, type Wanted } from "./expression.ts";
import { type CompiledVariables, compileVariables, lazyVariables, type Variable } from "./variables.ts";

/** What one binding of a policy may cost with one set of parameters. */
export const policyBudget = 10_000_000;

export interface CompiledPolicy {
  readonly criteria: Criteria;
  readonly ignoresFailure: boolean;
  readonly variables: CompiledVariables;
  readonly conditions: readonly MatchCondition[];
  compile(expression: string, wanted: Wanted, how?: { authorizer?: boolean; literals?: boolean }): ReturnType<
    typeof compileExpression
  >;
}

export function criteriaOf(match: unknown): Criteria {
  const given = fields(match);
  return {
    rules: list(given["resourceRules"]) as Rule[],
    excluded: list(given["excludeResourceRules"]) as Rule[],
    namespaceSelector: given["namespaceSelector"],
    objectSelector: given["objectSelector"],
    ...(has(given["matchPolicy"]) ? { matchPolicy: text(given["matchPolicy"]) } : {}),
  };
}

export function compilePolicy(policy: KubeObject): CompiledPolicy {
  const spec = fields(policy["spec"]);
  const params = has(spec["paramKind"]);
  const variables = compileVariables(list(spec["variables"]) as unknown as Variable[], { params, authorizer: true });
  const compile: CompiledPolicy["compile"] = (expression, wanted, { authorizer = true, literals = false } = {}) =>
    compileExpression(expression, { params, authorizer, literals, variables: variables.types, wanted });
  return {
    criteria: criteriaOf(spec["matchConstraints"]),
    ignoresFailure: spec["failurePolicy"] === "Ignore",
    variables,
    conditions: list(spec["matchConditions"]).map((condition) => ({
      name: text(condition["name"]),
      expression: compile(text(condition["expression"]), ["bool"]),
    })),
    compile,
  };
}

/** Conditions are asked without the namespace, and with a budget of their own. */
export function policyConditions(
  { conditions, variables }: CompiledPolicy,
  scope: Record<string, unknown>,
): ConditionsResult {
  if (conditions.length === 0) return { matches: true };
  const meter = new CostMeter(conditionBudget);
  const own: Record<string, unknown> = { ...scope, namespaceObject: null };
  own["variables"] = lazyVariables(variables, own, meter);
  try {
    return checkConditions(conditions, own, meter);
  } catch (error) {
    if (error instanceof OutOfBudget) return { error: error.message };
    throw error;
  }
}

/** Evaluates until no decision about access has to be waited for any more. */
export async function decided<T>(decisions: Decisions, evaluate: () => T): Promise<T> {
  for (;;) {
    const result = evaluate();
    const awaited = decisions.awaited();
    if (awaited === undefined) return result;
    await awaited;
  }
}
