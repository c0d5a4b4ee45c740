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
  if (!valid) return locatedError(expression, error);
  if (type === wanted || type === "dyn" || wanted === "any") return undefined;
  return `must evaluate to ${wanted}`;
}

const operators = /^no such overload: (\S+) (\S+) (\S+)$/;

/** @param from where a place in the text that was compiled lies in the one that is shown. */
export function locatedError(expression: string, error: unknown, from = (position: number) => position): string {
  const { code = "", summary, message, range } = error as Located;
  const text = summary ?? message.split("\n")[0] ?? "";
  const place = range && { start: from(range.start), end: from(range.end) };
  const operation = operators.exec(text);
  const start = place?.start ?? 0;
  // A field that is not there is shown at its dot.
  const before = /^No such key: /.test(text) && expression[start - 1] === "." ? start - 1 : start;
  const at = operation === null ? before : operatorPosition(expression, operation[2]!, place);
  const said = operation === null
    ? isSyntax(code) ? `Syntax error: ${syntaxText(expression, text, at)}` : translated(text)
    : `found no matching overload for '_${operation[2]}_' applied to '(${goTypeName(operation[1]!)}, ${
      goTypeName(operation[3]!)
    })'`;
  const line = expression.slice(0, at).split("\n").length;
  const column = at - (expression.slice(0, at).lastIndexOf("\n") + 1);
  if (expression === "") return `ERROR: <input>:1:0: ${said}`;
  return `ERROR: <input>:${line}:${column + 1}: ${said}\n | ${expression.split("\n")[line - 1]}\n | ${
    ".".repeat(column)
  }^`;
}

/** `map<string, list<int>>` as cel-go writes it: `map(string, list(int))`. */
export function goTypeName(type: string): string {
  if (type === "list") return "list(dyn)";
  if (type === "map") return "map(dyn, dyn)";
  if (type === "null") return "null_type";
  return type.replace(/^dyn<(.*)>$/, "$1").replaceAll("optional<", "optional_type<").replaceAll("<", "(")
    .replaceAll(">", ")");
}

function isSyntax(code: string): boolean {
  return /token|syntax|unexpected|unterminated|expected|parse/.test(code);
}

const beginnings =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const token = /\s*([A-Za-z_]\w*|\d+(?:\.\d+)?u?|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[=!<>]=|&&|\|\||\S)/y;

/** Its parser's words for the cases that are met most: something left over, something missing, something misplaced. */
function syntaxText(expression: string, text: string, at: number): string {
  const [here, next] = tokensAt(expression, at);
  if (/^Unexpected character: '/.test(text)) {
    // One token too many is told otherwise than the first of several.
    return `${next === "<EOF>" ? "extraneous" : "mismatched"} input '${here}' expecting <EOF>`;
  }
  if (/^Unexpected character: /.test(text)) return `token recognition error at: '${here}'`;
  if (/^Unexpected token: EOF/.test(text)) return `mismatched input '<EOF>' expecting ${beginnings}`;
  if (/^Unexpected token: /.test(text)) return `extraneous input '${here}' expecting ${beginnings}`;
  if (/^Expected IDENTIFIER, /.test(text)) return `no viable alternative at input '.${here}'`;
  const missing = /^Expected (\w+), got/.exec(text)?.[1];
  const letter = missing === undefined ? undefined : letters[missing];
  return letter === undefined ? text : `missing '${letter}' at '${here}'`;
}

const letters: Readonly<Record<string, string>> = {
  RPAREN: ")",
  RBRACKET: "]",
  RBRACE: "}",
  COLON: ":",
  LPAREN: "(",
};

function tokensAt(expression: string, at: number): [string, string] {
  const found: string[] = [];
  token.lastIndex = at;
  while (found.length < 2) {
    const match = token.exec(expression);
    found.push(match?.[1] ?? "<EOF>");
    if (match === null) token.lastIndex = expression.length;
  }
  return [found[0]!, found[1]!];
}

function translated(text: string): string {
  const unknown = /^Unknown variable: (\S+)$/.exec(text);
  if (unknown !== null) return `undeclared reference to '${unknown[1]}' (in container '')`;
  const overload = /^found no matching overload for '(?:([^'(]+)\.)?(\w+)\((.*)\)'$/.exec(text);
  if (overload !== null) {
    const [, receiver, name, given = ""] = overload;
    const types = given === "" ? [] : given.split(/, (?![^<]*>)/).map(goTypeName);
    const applied = receiver === undefined ? `(${types.join(", ")})` : `${goTypeName(receiver)}.(${types.join(", ")})`;
    return `found no matching overload for '${name}' applied to '${applied}'`;
  }
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
