/**
 * Label selectors: the query form (`a=b,c in (d,e),!f`), the object form (`matchLabels`, `matchExpressions`), and what
 * they match (docs "Labels and Selectors").
 */
import { labelValueErrors, qualifiedNameErrors } from "./names.ts";

export type Labels = Readonly<Record<string, string>>;
/** `=` and `!=` are `in` and `notin` of one value, told apart because clients see them again. */
export type Operator = "=" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** All requirements must hold; none: everything matches. */
export type LabelSelector = readonly Requirement[];

export class SelectorError extends Error {
  override name = "SelectorError";
}

/** Whether the labels satisfy the selector. */
export function matchesLabels(selector: LabelSelector, labels: Labels | undefined): boolean {
  for (const requirement of selector) if (!holds(requirement, labels ?? {})) return false;
  return true;
}

function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const has = Object.hasOwn(labels, key);
  const value = has ? labels[key]! : "";
  switch (operator) {
    case "=":
    case "in":
      return has && values.includes(value);
    case "!=":
    case "notin":
      return !has || !values.includes(value);
    case "exists":
      return has;
    case "!":
      return !has;
    case "gt":
    case "lt": {
      if (!has || !/^[+-]?\d+$/.test(value)) return false;
      const left = BigInt(value), right = BigInt(values[0] ?? "0");
      return operator === "gt" ? left > right : left < right;
    }
  }
}

/** A `LabelSelector` of the API (`matchLabels`, `matchExpressions`). Absent: matches nothing; empty: everything. */
export interface LabelSelectorObject {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

const objectOperators: Readonly<Record<string, Operator>> = {
  In: "in",
  NotIn: "notin",
  Exists: "exists",
  DoesNotExist: "!",
  Gt: "gt",
  Lt: "lt",
};

/** The requirements of an API selector; undefined (nothing matches) for an absent one. */
export function requirementsOf(selector: LabelSelectorObject | undefined): LabelSelector | undefined {
  if (selector === undefined || selector === null) return undefined;
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push({ key, operator: "=", values: [value] });
  }
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const known = objectOperators[operator];
    if (known === undefined) throw new SelectorError(`"${operator}" is not a valid label selector operator`);
    requirements.push({ key, operator: known, values });
  }
  return requirements;
}

/** Whether an API selector matches; an absent one matches nothing. */
export function matchesSelector(selector: LabelSelectorObject | undefined, labels: Labels | undefined): boolean {
  const requirements = requirementsOf(selector);
  return requirements !== undefined && matchesLabels(requirements, labels);
}

/** The query form, keys sorted, as `status.selector` of a Scale shows it. */
export function formatSelector(selector: LabelSelector): string {
  const sorted = [...selector].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return sorted.map(({ key, operator, values }) => {
    const set = [...values].sort().join(",");
    switch (operator) {
      case "=":
      case "!=":
        return `${key}${operator}${values[0]}`;
      case "in":
      case "notin":
        return `${key} ${operator} (${set})`;
      case "exists":
        return key;
      case "!":
        return `!${key}`;
      case "gt":
        return `${key}>${values[0]}`;
      case "lt":
        return `${key}<${values[0]}`;
    }
  }).join(",");
}

interface Token {
  readonly kind: "identifier" | "end" | "," | "(" | ")" | "!" | "=" | "==" | "!=" | ">" | "<" | "in" | "notin";
  readonly text: string;
}

const specials = new Set(["=", "!", "(", ")", ",", ">", "<"]);
const symbols = new Set<string>([",", "(", ")", "!", "=", "==", "!=", ">", "<"]);

function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === " " || char === "\t" || char === "\r" || char === "\n") {
      at += 1;
    } else if (specials.has(char)) {
      let symbol = char;
      while (at + symbol.length < text.length && symbols.has(symbol + text[at + symbol.length])) {
        symbol += text[at + symbol.length];
      }
      found.push({ kind: symbol as Token["kind"], text: symbol });
      at += symbol.length;
    } else {
      let end = at;
      while (end < text.length && !specials.has(text[end]!) && !/[ \t\r\n]/.test(text[end]!)) end += 1;
      const word = text.slice(at, end);
      found.push({ kind: word === "in" || word === "notin" ? word : "identifier", text: word });
      at = end;
    }
  }
  return found;
}

/** The query form as requirements. @throws SelectorError in Kubernetes' words. */
export function parseLabelSelector(text: string): LabelSelector {
  return new Parser(tokens(text)).parse();
}

const operators: Partial<Record<Token["kind"], Operator>> = {
  in: "in",
  notin: "notin",
  "=": "=",
  "==": "=",
  "!=": "!=",
  ">": "gt",
  "<": "lt",
};

class Parser {
  #at = 0;
  readonly #tokens: readonly Token[];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    if (this.#value().kind === "end") return requirements;
    for (;;) {
      const { kind, text } = this.#value();
      if (kind !== "identifier" && kind !== "!") {
        throw new SelectorError(`found '${text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirement());
      const next = this.#take();
      if (next.kind === "end") return requirements;
      if (next.kind !== ",") throw new SelectorError(`found '${next.text}', expected: ',' or 'end of string'`);
      const after = this.#value();
      if (after.kind !== "identifier" && after.kind !== "!") {
        throw new SelectorError(`found '${after.text}', expected: identifier after ','`);
      }
    }
  }

  #requirement(): Requirement {
    try {
      let token = this.#takeValue();
      const absent = token.kind === "!";
      if (absent) token = this.#takeValue();
      if (token.kind !== "identifier") throw new SelectorError(`found '${token.text}', expected: identifier`);
      const key = token.text;
      const [keyError] = qualifiedNameErrors(key);
      if (keyError !== undefined) throw new SelectorError(`key: Invalid value: "${key}": ${keyError}`);
      const next = this.#value();
      if (absent) return { key, operator: "!", values: [] };
      if (next.kind === "end" || next.kind === ",") return { key, operator: "exists", values: [] };
      const symbol = this.#take();
      const operator = operators[symbol.kind];
      if (operator === undefined) {
        throw new SelectorError(`found '${symbol.text}', expected: in, notin, =, ==, !=, gt, lt`);
      }
      const values = symbol.kind === "in" || symbol.kind === "notin" ? this.#set() : [this.#exact()];
      check(key, operator, values);
      return { key, operator, values };
    } catch (error) {
      if (error instanceof SelectorError) throw new SelectorError(`unable to parse requirement: ${error.message}`);
      throw error;
    }
  }

  #exact(): string {
    const next = this.#value();
    if (next.kind === "end" || next.kind === ",") return "";
    const token = this.#takeValue();
    if (token.kind !== "identifier") throw new SelectorError(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  #set(): string[] {
    const open = this.#take();
    if (open.kind !== "(") throw new SelectorError(`found '${open.text}', expected: '('`);
    const values = new Set<string>();
    let expectValue = true;
    for (;;) {
      const token = this.#takeValue();
      if (token.kind === ")") {
        if (expectValue) values.add("");
        return [...values].sort();
      } else if (token.kind === ",") {
        if (expectValue) values.add("");
        expectValue = true;
      } else if (token.kind === "identifier" && expectValue) {
        values.add(token.text);
        expectValue = false;
      } else {
        const expected = expectValue ? "',', ')' or identifier" : "',' or ')'";
        throw new SelectorError(`found '${token.text}', expected: ${expected}`);
      }
    }
  }

  /** The next token where a value may stand: `in` and `notin` are words there. */
  #value(): Token {
    const token = this.#tokens[this.#at] ?? { kind: "end", text: "" };
    return token.kind === "in" || token.kind === "notin" ? { kind: "identifier", text: token.text } : token;
  }

  #takeValue(): Token {
    const token = this.#value();
    this.#at += 1;
    return token;
  }

  #take(): Token {
    return this.#tokens[this.#at++] ?? { kind: "end", text: "" };
  }
}

function check(key: string, operator: Operator, values: readonly string[]): void {
  if ((operator === "in" || operator === "notin") && values.length === 0) {
    throw new SelectorError("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
  }
  for (const [index, value] of values.entries()) {
    if ((operator === "gt" || operator === "lt") && !/^[+-]?\d+$/.test(value)) {
      throw new SelectorError(
        `values[${index}]: Invalid value: "${value}": for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
    const [error] = labelValueErrors(value);
    if (error !== undefined) throw new SelectorError(`values[${index}][${key}]: Invalid value: "${value}": ${error}`);
  }
}
