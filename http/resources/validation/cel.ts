/** Expressions in the Common Expression Language are checked by those who run them; here is where they are asked. */
import type { FieldError } from "../../machinery/types.ts";
import { invalid, type Path } from "./field.ts";

/** Where an expression stands, which says what it may refer to and what it has to give. */
export interface ExpressionPlace {
  readonly kind:
    | "matchCondition"
    | "validation"
    | "message"
    | "annotation"
    | "variable"
    | "applyConfiguration"
    | "jsonPatch"
    | "device";
  /** Whether there are parameters. */
  readonly params?: boolean;
  /** Those of its policy that it may refer to. */
  readonly variables?: readonly { readonly name: string; readonly expression: string }[];
}

/** @returns what the compiler says against the expression, undefined when it is sound. */
export type CelCheck = (expression: string, place: ExpressionPlace) => string | undefined;

export function celErrors(
  check: CelCheck | undefined,
  place: ExpressionPlace,
  expression: string,
  at: Path,
): FieldError[] {
  const wrong = check?.(expression, place);
  return wrong === undefined ? [] : [invalid(at, expression, wrong)];
}
