/** What is wrong with an expression, in the form of cel-go's compiler, which clients of Kubernetes print. */
import type { Environment } from "@marcbachmann/cel-js";

interface Located {
  readonly code?: string;
  readonly summary?: string;
  readonly message: string;
  readonly range?: { readonly start: number; readonly end: number };
}

/** @returns `ERROR: <input>:1:6: ...` with the place marked; undefined when it is sound and gives the wanted type. */
export function compileError(environment: Environment, expression: string, wanted: string): string | undefined {
  const { valid, type, error } = environment.check(expression);
  if (!valid) return located(expression, error as Located);
  if (type === wanted || type === "dyn" || wanted === "any") return undefined;
  return `must evaluate to ${wanted}`;
}

const operators = /^no such overload: (\S+) (\S+) (\S+)$/;

function located(expression: string, { code = "", summary, message, range }: Located): string {
  const text = summary ?? message.split("\n")[0] ?? "";
  const operation = operators.exec(text);
  const at = operation === null ? range?.start ?? 0 : operatorPosition(expression, operation[2]!, range);
  const said = operation === null
    ? isSyntax(code) ? `Syntax error: ${text}` : translated(text)
    : `found no matching overload for '_${operation[2]}_' applied to '(${operation[1]}, ${operation[3]})'`;
  const before = expression.slice(0, at);
  const line = before.split("\n").length;
  const column = at - (before.lastIndexOf("\n") + 1);
  return `ERROR: <input>:${line}:${column + 1}: ${said}\n | ${expression.split("\n")[line - 1]}\n | ${
    ".".repeat(column)
  }^`;
}

function isSyntax(code: string): boolean {
  return /token|syntax|unexpected|unterminated|expected|parse/.test(code);
}

function translated(text: string): string {
  const unknown = /^Unknown variable: (\S+)$/.exec(text);
  if (unknown !== null) return `undeclared reference to '${unknown[1]}' (in container '')`;
  const field = /^No such key: (\S+)$/.exec(text);
  return field === null ? text : `undefined field '${field[1]}'`;
}

/** The operator itself: the last one in the range that stands at the outermost level. */
function operatorPosition(expression: string, operator: string, range: Located["range"]): number {
  const { start = 0, end = expression.length } = range ?? {};
  let depth = 0;
  let quote = "";
  for (let index = start; index < end; index++) {
    const letter = expression[index]!;
    if (quote !== "") quote = letter === quote ? "" : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if ("([{".includes(letter)) depth++;
    else if (")]}".includes(letter)) depth--;
    else if (depth === 0 && expression.startsWith(operator, index)) return index;
  }
  return start;
}
