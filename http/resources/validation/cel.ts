/** Expressions in the Common Expression Language are checked by those who run them; here is where they are asked. */
import type { FieldError } from "../../machinery/types.ts";
import { invalid, type Path } from "./field.ts";

/** What an expression may refer to. */
export type CelEnvironment = "matchCondition" | "validation" | "variable" | "device";

/** @returns what the compiler says against the expression (`ERROR: <input>:1:1: ...`), undefined when it is sound. */
export type CelCheck = (expression: string, environment: CelEnvironment) => string | undefined;

export function celErrors(
  check: CelCheck | undefined,
  environment: CelEnvironment,
  expression: string,
  at: Path,
): FieldError[] {
  const wrong = check?.(expression, environment);
  return wrong === undefined ? [] : [invalid(at, expression, `compilation failed: ${wrong}`)];
}
