/** Plain JSON values: equality, copying, freezing. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Equal as JSON: key order does not matter, an undefined member counts as absent. */
export function jsonEquals(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!jsonEquals(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const left = a as JsonObject, right = b as JsonObject;
  for (const key in left) if (!jsonEquals(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}

/** A deep copy that shares nothing that can change. */
export function copyJson<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const copy = new Array(value.length);
    for (let i = 0; i < value.length; i++) copy[i] = copyJson(value[i]);
    return copy as T;
  }
  const copy: JsonObject = {};
  for (const key in value) {
    const member = value[key];
    if (member === undefined) continue;
    if (key === "__proto__") Object.defineProperty(copy, key, { value: copyJson(member), enumerable: true });
    else copy[key] = typeof member === "object" ? copyJson(member) : member;
  }
  return copy as T;
}

/** Freezes all the way down and hands the value back. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) { for (let i = 0; i < value.length; i++) deepFreeze(value[i]); }
  else {
    for (const key in value) {
      const member = value[key];
      if (typeof member === "object") deepFreeze(member);
    }
  }
  return Object.freeze(value);
}
