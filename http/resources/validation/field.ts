/** Where a rule is broken and how it is told: Kubernetes' field paths and the exact texts of its field errors. */
import type { FieldError } from "../../machinery/types.ts";

/** A path such as `spec.containers[0].image`. Written out only when an error is told: most objects are sound. */
export class Path {
  readonly #parent: Path | undefined;
  readonly #step: string;

  constructor(step: string, parent?: Path) {
    this.#step = step;
    this.#parent = parent;
  }

  child(name: string, ...more: string[]): Path {
    const next = new Path(`.${name}`, this);
    return more.length === 0 ? next : new Path(`.${more.join(".")}`, next);
  }

  index(index: number): Path {
    return new Path(`[${index}]`, this);
  }

  key(key: string): Path {
    return new Path(`[${key}]`, this);
  }

  toString(): string {
    const before = this.#parent?.toString() ?? "";
    return before === "" && this.#step.startsWith(".") ? this.#step.slice(1) : before + this.#step;
  }
}

export function path(...names: string[]): Path {
  return new Path(names.join("."));
}

/** A value as Go prints it in a message: strings quoted, numbers bare, the rest as JSON. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return "null";
  if (typeof value === "string") return quoted(value);
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** Go's `%q`. */
export function quoted(value: string): string {
  // deno-lint-ignore no-control-regex
  const escaped = value.replace(/["\\\x00-\x1f\x7f]/g, (letter) => {
    return escapes[letter] ?? `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `"${escaped}"`;
}

function error(reason: FieldError["reason"], at: Path, message: string): FieldError {
  return { reason, field: at.toString(), message };
}

function withDetail(message: string, detail: string): string {
  return detail === "" ? message : `${message}: ${detail}`;
}

export function required(at: Path, detail = ""): FieldError {
  return error("FieldValueRequired", at, withDetail("Required value", detail));
}

export function invalid(at: Path, value: unknown, detail: string): FieldError {
  return error("FieldValueInvalid", at, withDetail(`Invalid value: ${shown(value)}`, detail));
}

/** @param supported in the order in which Kubernetes prints them. */
export function notSupported(at: Path, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length === 0 ? "" : `supported values: ${supported.map(quoted).join(", ")}`;
  return error("FieldValueNotSupported", at, withDetail(`Unsupported value: ${shown(value)}`, detail));
}

export function duplicate(at: Path, value: unknown): FieldError {
  return error("FieldValueDuplicate", at, `Duplicate value: ${shown(value)}`);
}

export function forbidden(at: Path, detail: string): FieldError {
  return error("FieldValueForbidden", at, withDetail("Forbidden", detail));
}

export function notFound(at: Path, value: unknown): FieldError {
  return error("FieldValueNotFound", at, `Not found: ${shown(value)}`);
}

export function tooLong(at: Path, bytes: number): FieldError {
  return error(
    "FieldValueTooLong",
    at,
    bytes < 0 ? "Too long: value is too long" : `Too long: may not be more than ${bytes} bytes`,
  );
}

export function tooMany(at: Path, actual: number, allowed: number): FieldError {
  const items = allowed === 1 ? "item" : "items";
  return error("FieldValueTooMany", at, `Too many: ${actual}: must have at most ${allowed} ${items}`);
}

export function typeInvalid(at: Path, value: unknown, detail: string): FieldError {
  return error("FieldValueTypeInvalid", at, withDetail(`Invalid value: ${shown(value)}`, detail));
}

/** One `invalid` for every text. */
export function invalidFor(at: Path, value: unknown, details: readonly string[]): FieldError[] {
  return details.map((detail) => invalid(at, value, detail));
}

/** `must be greater than or equal to 0`. */
export function nonnegative(value: unknown, at: Path): FieldError[] {
  return typeof value === "number" && value < 0 ? [invalid(at, value, "must be greater than or equal to 0")] : [];
}

export function positive(value: unknown, at: Path): FieldError[] {
  return typeof value === "number" && value <= 0 ? [invalid(at, value, "must be greater than 0")] : [];
}

/** An absent value is required, another is held to the supported ones. */
export function oneOf(value: string, supported: readonly string[], at: Path): FieldError[] {
  return supported.includes(value) ? [] : [notSupported(at, value, supported)];
}

export function oneOfRequired(value: string, supported: readonly string[], at: Path, detail = ""): FieldError[] {
  return value === "" ? [required(at, detail)] : oneOf(value, supported, at);
}

/** `field is immutable`, unless equal. */
export function immutable(
  next: unknown,
  old: unknown,
  at: Path,
  equal: (a: unknown, b: unknown) => boolean,
): FieldError[] {
  return equal(next, old) ? [] : [invalid(at, next, "field is immutable")];
}
