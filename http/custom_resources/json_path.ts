/** The JSONPath that definitions use: `.spec.a`, `['a.b']`, `\\.` in names, `[0]`, `[*]`, `[?(@.type=="Ready")]`. */
import { isObject } from "../../machines/objects/json.ts";

type Step =
  | { readonly name: string }
  | { readonly index: number }
  | { readonly all: true }
  | { readonly where: readonly string[]; readonly equals: string };

const token =
  /\.((?:\\.|[^.[\]\\])+)|\[['"]((?:\\.|[^'"\\])*)['"]\]|\[(-?\d+)\]|(?:\.)?\[?(\*)\]?|\[\?\(\s*@((?:\.[\w-]+)+)\s*==\s*['"]?([^'")]*)['"]?\s*\)\]/y;

/** @returns undefined for what is no path. */
export function parseJsonPath(path: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < path.length) {
    const match = token.exec(path);
    if (match === null) return undefined;
    const [, name, quoted, index, all, where, equals] = match;
    if (name !== undefined || quoted !== undefined) steps.push({ name: (name ?? quoted)!.replace(/\\(.)/g, "$1") });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else if (all !== undefined) steps.push({ all: true });
    else steps.push({ where: where!.slice(1).split("."), equals: equals ?? "" });
  }
  return steps;
}

/** What the path leads to; nothing where it leads nowhere. */
export function readJsonPath(value: unknown, steps: readonly Step[]): unknown[] {
  return steps.reduce<unknown[]>((found, step) => found.flatMap((each) => follow(each, step)), [value]);
}

function follow(value: unknown, step: Step): unknown[] {
  if ("name" in step) return isObject(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
  if ("all" in step) return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  if (!Array.isArray(value)) return [];
  if ("index" in step) return value.slice(step.index, step.index === -1 ? undefined : step.index + 1);
  return value.filter((each) => {
    const [found] = readJsonPath(each, step.where.map((name) => ({ name })));
    return found !== undefined && String(found) === step.equals;
  });
}
