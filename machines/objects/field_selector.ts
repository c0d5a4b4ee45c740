/** Field selectors: `metadata.name=x,status.phase!=Running` (docs "Field Selectors"). */
export interface FieldRequirement {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

export type FieldSelector = readonly FieldRequirement[];

export class FieldSelectorError extends Error {
  override name = "FieldSelectorError";
}

/** @throws FieldSelectorError in Kubernetes' words. */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of split(text)) {
    if (term === "") continue;
    const match = /^((?:[^\\=!]|\\.|!(?!=))*?)(!=|==|=)([\s\S]*)$/.exec(term);
    if (match === null) throw new FieldSelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = "", operator = "", value = ""] = match;
    requirements.push({ field, equal: operator !== "!=", value: unescape(value, text) });
  }
  return requirements;
}

/** Terms between commas; a backslash keeps the next character. */
function split(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === ",") {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function unescape(value: string, text: string): string {
  let plain = "";
  for (let at = 0; at < value.length; at++) {
    let char = value[at]!;
    if (char === "\\") {
      at += 1;
      char = value[at] ?? "";
      if (char !== "\\" && char !== "," && char !== "=") {
        throw new FieldSelectorError(`invalid selector: '${text}'; invalid escape sequence: \\${char}`);
      }
    } else if (char === "=") {
      throw new FieldSelectorError(`invalid selector: '${text}'; unescaped rune in field selector value: =`);
    }
    plain += char;
  }
  return plain;
}

/** Whether the values, looked up by field, satisfy the selector. */
export function matchesFields(selector: FieldSelector, valueOf: (field: string) => string): boolean {
  for (const { field, equal, value } of selector) if ((valueOf(field) === value) !== equal) return false;
  return true;
}

/** The value that the selector demands of a field, if it demands one. */
export function requiredValue(selector: FieldSelector, field: string): string | undefined {
  return selector.find((requirement) => requirement.field === field && requirement.equal)?.value;
}
