/** Reads what people wrote in a file, field by field; what is wrong is said with the field's path. */

export type Read<T> = (value: unknown, path: string) => T;

/** `fault("behaviours[2].exit.after", '"soon" is no duration')`, thrown by every reader here. */
export class FieldError extends Error {
  override name = "FieldError";
  constructor(path: string, why: string) {
    super(`${path === "" ? "the file" : path}: ${why}`);
  }
}

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

type Table = Readonly<Record<string, Read<unknown>>>;
type Fields<T extends Table> = { readonly [Name in keyof T]?: ReturnType<T[Name]> };

/** A mapping with these fields, any of which may be left out, and no others. */
export function mapping<T extends Table>(table: T): Read<Fields<T>> {
  return (value, path) => {
    const entries = Object.entries(isMapping(value, path));
    const found = entries.map(([name, each]) => {
      const read = table[name];
      const at = path === "" ? name : `${path}.${name}`;
      if (read === undefined) throw new FieldError(at, `no such field; known are ${Object.keys(table).join(", ")}`);
      return [name, read(each, at)] as const;
    });
    return Object.fromEntries(found) as Fields<T>;
  };
}

function isMapping(value: unknown, path: string): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new FieldError(path, `${shown(value)} is no mapping of fields`);
}

export function listOf<T>(read: Read<T>): Read<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new FieldError(path, `${shown(value)} is no list`);
    return value.map((each, index) => read(each, `${path}[${index}]`));
  };
}

export function textMap(value: unknown, path: string): Readonly<Record<string, string>> {
  const entries = Object.entries(isMapping(value, path)).map(([name, each]) => [name, text(each, `${path}.${name}`)]);
  return Object.fromEntries(entries);
}

export function text(value: unknown, path: string): string {
  if (typeof value !== "string") throw new FieldError(path, `${shown(value)} is no text`);
  return value;
}

export function yesOrNo(value: unknown, path: string): boolean {
  if (typeof value !== "boolean") throw new FieldError(path, `${shown(value)} is neither true nor false`);
  return value;
}

export function wholeNumber(least: number, most: number): Read<number> {
  return (value, path) => {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
    throw new FieldError(path, `${shown(value)} is no whole number from ${least} to ${most}`);
  };
}

/** What `read` takes, or one of these words. */
export function orWord<T, const W extends string | boolean>(word: W, read: Read<T>): Read<T | W> {
  return (value, path) => value === word ? word : read(value, path);
}

/** Between two bounds in milliseconds, drawn anew each time. */
export interface Duration {
  readonly leastMs: number;
  readonly mostMs: number;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const one = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;

/** `500ms`, `10s`, `1m30s`, or a range: `2s..5s`. */
export function duration(value: unknown, path: string): Duration {
  const parts = typeof value === "string" ? value.split("..") : [];
  const [leastMs, mostMs = leastMs] = parts.map(milliseconds);
  if (parts.length > 2 || leastMs === undefined || mostMs === undefined || parts.some((part) => !one.test(part))) {
    throw new FieldError(path, `${shown(value)} is no duration: say 500ms, 10s, 1m30s, or a range such as 2s..5s`);
  }
  if (mostMs < leastMs) throw new FieldError(path, `${shown(value)} ends before it begins`);
  return { leastMs, mostMs };
}

function milliseconds(part: string): number {
  const pieces = [...part.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return pieces.reduce((sum, [, amount, unit]) => sum + Number(amount) * unitMs[unit!]!, 0);
}

/** `draw`: from 0 to 1. */
export function drawn({ leastMs, mostMs }: Duration, draw: number): number {
  return leastMs + draw * (mostMs - leastMs);
}
