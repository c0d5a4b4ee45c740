/**
 * Reads decoded objects whose fields may be absent. The schema has checked every type before: what is absent reads as
 * Go's zero value, which is what Kubernetes' rules are written against.
 */

export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object, or an empty one that belongs to nobody. */
export function fields(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** The object in `owner[name]`, put there when it is absent. */
export function ensure(owner: Fields, name: string): Fields {
  const found = owner[name];
  if (isFields(found)) return found;
  const made: Fields = {};
  owner[name] = made;
  return made;
}

/** The objects of a list. */
export function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function int(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

/** String values of a map. */
export function textMap(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(fields(value)).map(([key, each]) => [key, text(each)]));
}

/** Keys of a map in the order in which Kubernetes prints sets. */
export function sortedKeys(value: unknown): string[] {
  return Object.keys(fields(value)).sort();
}

export function has(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Sets what is absent. */
export function defaultTo(owner: Fields, values: Fields): void {
  for (const [name, value] of Object.entries(values)) {
    if (!has(owner[name])) owner[name] = value;
  }
}

/** Sets what is absent or the empty string (a Go string that is no pointer). */
export function defaultText(owner: Fields, values: Record<string, string>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!has(owner[name]) || owner[name] === "") owner[name] = value;
  }
}

/** Sets what is absent or zero (a Go number that is no pointer). */
export function defaultInt(owner: Fields, values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!has(owner[name]) || owner[name] === 0) owner[name] = value;
  }
}

/** Equality of decoded values: absent, null, empty lists and empty maps are the same (Go's semantic DeepEqual). */
export function same(a: unknown, b: unknown): boolean {
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((each, index) => same(each, b[index]));
  }
  if (isFields(a) && isFields(b)) {
    const names = new Set([...Object.keys(a), ...Object.keys(b)]);
    for (const name of names) if (!same(a[name], b[name])) return false;
    return true;
  }
  return a === b;
}

function isNothing(value: unknown): boolean {
  if (!has(value)) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isFields(value) && Object.keys(value).length === 0;
}

/** Like `same`, but an empty object is not the same as none: a union member `{}` counts. */
export function identical(a: unknown, b: unknown): boolean {
  if (!has(a) || !has(b)) return has(a) === has(b);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((each, index) => identical(each, b[index]));
  }
  if (isFields(a) && isFields(b)) {
    const names = new Set([...Object.keys(a), ...Object.keys(b)]);
    for (const name of names) if (!identical(a[name], b[name])) return false;
    return true;
  }
  return a === b;
}

export function copy<T>(value: T): T {
  return structuredClone(value);
}
