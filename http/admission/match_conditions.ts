/** `matchConditions` of policies and webhooks: all must hold for the request to be meant. */
import type { CostMeter } from "../custom_resources/cel/metered.ts";
import { evaluateExpression, type Expression } from "./policies/expression.ts";

export interface MatchCondition {
  readonly name: string;
  readonly expression: Expression;
}

/** What all conditions of one hook may cost together. */
export const conditionBudget = 2_500_000;

export type ConditionsResult = { readonly matches: boolean } | { readonly error: string };

/** One that is false decides, whatever went wrong with others. @throws OutOfBudget */
export function checkConditions(
  conditions: readonly MatchCondition[],
  scope: Record<string, unknown>,
  meter: CostMeter,
): ConditionsResult {
  const errors: string[] = [];
  for (const { expression } of conditions) {
    const result = evaluateExpression(expression, scope, meter);
    if ("error" in result) errors.push(result.error);
    else if (result.value === false) return { matches: false };
  }
  if (errors.length === 0) return { matches: true };
  return { error: errors.length === 1 ? errors[0]! : `[${errors.join(", ")}]` };
}
