/**
 * Objects written out in an expression, `Object.spec{replicas: 3}` and `JSONPatch{op: "add"}`, for a parser that does not
 * know them: each becomes a call of a function made for its type. Types need not be declared: whatever stands before a
 * brace after `Object` is one (Kubernetes docs, "Mutating Admission Policy").
 */
import { type Environment, Optional } from "@marcbachmann/cel-js";
import { fail } from "./libraries/library.ts";

/** A value of a type `Object...` or `JSONPatch`. */
export class ObjectLiteral {
  constructor(readonly typeName: string, readonly members: ReadonlyMap<string, unknown>) {}
}

export interface Rewritten {
  readonly text: string;
  /** The types that are written out. */
  readonly types: readonly string[];
  /** Where in the original a place in the rewritten text lies. */
  original(position: number): number;
}

const token =
  /\s+|\/\/[^\n]*|[rRbB]{0,2}("""|''')[^]*?\1|[rRbB]{0,2}"(?:[^"\\]|\\.)*"|[rRbB]{0,2}'(?:[^'\\]|\\.)*'|[A-Za-z_]\w*|[^]/y;

interface Token {
  readonly text: string;
  readonly at: number;
}

function tokensOf(expression: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  for (let at = 0; at < expression.length; at = token.lastIndex) {
    const match = token.exec(expression);
    if (match === null) break;
    tokens.push({ text: match[0], at });
  }
  return tokens;
}

const roots = new Set(["Object", "JSONPatch"]);
const isSpace = ({ text }: Token): boolean => /^(?:\s|\/\/)/.test(text);
const isName = ({ text }: Token): boolean => /^[A-Za-z_]/.test(text) && !/['"]$/.test(text);

export function functionOf(type: string): string {
  return `__new_${type.replaceAll(".", "__")}`;
}

export function withoutLiterals(expression: string): Rewritten {
  if (!/\b(?:Object|JSONPatch)\b/.test(expression)) return { text: expression, types: [], original: (at) => at };
  const tokens = tokensOf(expression);
  const types = new Set<string>();
  const places: [rewritten: number, original: number][] = [];
  let text = "";
  const put = (part: string, at: number): void => {
    places.push([text.length, at]);
    text += part;
  };
  /** Open brackets, and whether each is the brace of a literal. */
  const open: boolean[] = [];
  let expectsField = false;
  for (let index = 0; index < tokens.length; index++) {
    const each = tokens[index]!;
    if (isSpace(each)) {
      put(each.text.startsWith("//") ? " " : each.text, each.at);
      continue;
    }
    if (expectsField && (isName(each) || each.text === "?")) {
      const optional = each.text === "?";
      const name = optional ? tokens[++index] : each;
      put(`"${optional ? "?" : ""}${name?.text ?? ""}"`, each.at);
      expectsField = false;
      continue;
    }
    expectsField = false;
    const literal = literalAt(tokens, index);
    if (literal !== undefined) {
      types.add(literal.type);
      put(`${functionOf(literal.type)}({`, each.at);
      open.push(true);
      expectsField = true;
      index = literal.brace;
      continue;
    }
    if ("([{".includes(each.text)) open.push(false);
    if (")]}".includes(each.text)) {
      put(open.pop() === true ? "})" : each.text, each.at);
      continue;
    }
    if (each.text === "," && open.at(-1) === true) expectsField = true;
    put(each.text, each.at);
  }
  return {
    text,
    types: [...types],
    original(position) {
      const place = places.findLast(([rewritten]) => rewritten <= position);
      return place === undefined ? position : Math.min(expression.length, place[1] + (position - place[0]));
    },
  };
}

/** `Object.spec{`: the type, and which token its brace is. */
function literalAt(tokens: readonly Token[], from: number): { type: string; brace: number } | undefined {
  const first = tokens[from]!;
  const before = tokens[from - 1];
  if (!roots.has(first.text) || before?.text === ".") return undefined;
  let type = first.text;
  let index = from + 1;
  while (tokens[index]?.text === "." && tokens[index + 1] !== undefined && isName(tokens[index + 1]!)) {
    type += `.${tokens[index + 1]!.text}`;
    index += 2;
  }
  while (tokens[index] !== undefined && isSpace(tokens[index]!)) index++;
  return tokens[index]?.text === "{" ? { type, brace: index } : undefined;
}

const patchMembers = new Set(["op", "path", "from", "value"]);

/** Declares the types and what makes them. `Object` and `JSONPatch` are always there. */
export function declareLiterals(environment: Environment, types: readonly string[]): void {
  for (const type of new Set(["Object", "JSONPatch", ...types])) {
    // A class of its own for each: the evaluator tells types apart by their constructors.
    const made = class extends ObjectLiteral {};
    environment.registerType(type, made);
    environment.registerFunction(`${functionOf(type)}(map): ${type}`, (given: Record<string, unknown>) => {
      const members = new Map<string, unknown>();
      for (const [key, value] of Object.entries(given)) {
        const name = key.replace(/^\?/, "");
        if (type === "JSONPatch" && !patchMembers.has(name)) fail(`undefined field '${name}'`);
        if (!key.startsWith("?")) members.set(name, value);
        else if (value instanceof Optional && value.hasValue()) members.set(name, value.value());
      }
      return new made(type, members);
    });
  }
}

/** A literal and everything in it as JSON. @throws EvaluationError where a type does not stand where it belongs. */
export function jsonOf(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof ObjectLiteral) {
    return Object.fromEntries([...value.members].map(([name, each]) => [name, jsonOf(each)]));
  }
  if (value instanceof Optional) return value.hasValue() ? jsonOf(value.value()) : null;
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value instanceof Date) return value.toISOString().replace(".000Z", "Z");
  if (value instanceof Uint8Array) return value.toBase64();
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, each]) => [String(name), jsonOf(each)]));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, jsonOf(each)]));
  }
  return value;
}

/** Each object's type must be the path at which it stands: `Object.spec.wrong{}` is no value of `spec.selector`. */
export function misplaced(value: unknown, path = "Object"): string | undefined {
  if (Array.isArray(value)) return value.map((each) => misplaced(each, path)).find((each) => each !== undefined);
  if (value instanceof ObjectLiteral) {
    if (value.typeName !== path) {
      return `unexpected type name "${value.typeName}", expected "${path}", which matches field name path from root Object type`;
    }
    for (const [name, each] of value.members) {
      const wrong = misplaced(each, `${path}.${name}`);
      if (wrong !== undefined) return wrong;
    }
  }
  return undefined;
}
