/**
 * Sets of fields, as `metadata.managedFields[].fieldsV1` writes them, and how objects are compared, merged and pruned
 * field by field (docs "Server-Side Apply").
 *
 * A path element is `f:NAME` for a member, `k:{...}` for an element of a keyed list, `v:VALUE` for an element of a set.
 */
import type { FieldType } from "./field_type.ts";
import { copyJson, isObject, jsonEquals, type JsonObject } from "./json.ts";

export interface FieldSet {
  /** Whether the path itself is in the set. */
  readonly self: boolean;
  readonly members: ReadonlyMap<string, FieldSet>;
}

export const noFields: FieldSet = { self: false, members: new Map() };
const leaf: FieldSet = { self: true, members: new Map() };

export function isEmptySet({ self, members }: FieldSet): boolean {
  return !self && members.size === 0;
}

function made(self: boolean, members: Map<string, FieldSet>): FieldSet {
  for (const [element, member] of members) if (isEmptySet(member)) members.delete(element);
  return { self, members };
}

/** From the JSON of `fieldsV1`. */
export function parseFieldSet(json: unknown): FieldSet {
  if (!isObject(json)) return noFields;
  const keys = Object.keys(json);
  if (keys.length === 0) return leaf;
  const members = new Map<string, FieldSet>();
  for (const key of keys) if (key !== ".") members.set(key, parseFieldSet(json[key]));
  return { self: keys.includes("."), members };
}

/** To the JSON of `fieldsV1`. */
export function formatFieldSet({ self, members }: FieldSet): JsonObject {
  const json: JsonObject = {};
  if (self && members.size > 0) json["."] = {};
  for (const element of [...members.keys()].sort()) json[element] = formatFieldSet(members.get(element)!);
  return json;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const members = new Map(a.members);
  for (const [element, member] of b.members) {
    const other = members.get(element);
    members.set(element, other === undefined ? member : union(other, member));
  }
  return { self: a.self || b.self, members };
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const members = new Map<string, FieldSet>();
  for (const [element, member] of a.members) {
    const other = b.members.get(element);
    members.set(element, other === undefined ? member : difference(member, other));
  }
  return made(a.self && !b.self, members);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const members = new Map<string, FieldSet>();
  for (const [element, member] of a.members) {
    const other = b.members.get(element);
    if (other !== undefined) members.set(element, intersection(member, other));
  }
  return made(a.self && b.self, members);
}

export function sameSet(a: FieldSet, b: FieldSet): boolean {
  if (a.self !== b.self || a.members.size !== b.members.size) return false;
  for (const [element, member] of a.members) {
    const other = b.members.get(element);
    if (other === undefined || !sameSet(member, other)) return false;
  }
  return true;
}

/** Every path in the set, as messages write it: `.spec.containers[name="c"].image`. */
export function pathsOf({ self, members }: FieldSet, prefix = ""): string[] {
  const paths = self && prefix !== "" ? [prefix] : [];
  for (const element of [...members.keys()].sort()) {
    paths.push(...pathsOf(members.get(element)!, prefix + spoken(element)));
  }
  return paths;
}

function spoken(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith("f:")) return `.${rest}`;
  if (element.startsWith("v:")) return `[=${rest}]`;
  const keys = JSON.parse(rest) as JsonObject;
  return `[${Object.keys(keys).map((key) => `${key}=${JSON.stringify(keys[key])}`).join(",")}]`;
}

/** What a value is to ownership. */
type Shape = "leaf" | "members" | "keyed" | "set";

export function shapeOf(value: unknown, type: FieldType | undefined): Shape {
  // What has a type without fields (RawExtension) is owned as a whole; without any type, members are owned one by one.
  if (type?.atomic || type?.kind === "any") return "leaf";
  if (Array.isArray(value)) {
    return type?.listType === "map" ? "keyed" : type?.listType === "set" ? "set" : "leaf";
  }
  return isObject(value) ? "members" : "leaf";
}

export function memberType(type: FieldType | undefined, name: string): FieldType | undefined {
  return type?.kind === "map" ? type.items : type?.field(name);
}

/** The path element of a list's element; undefined: it has no key. */
export function elementOf(item: unknown, type: FieldType | undefined): string | undefined {
  if (type?.listType === "set") return `v:${JSON.stringify(item)}`;
  if (!isObject(item)) return undefined;
  const keys: JsonObject = {};
  for (const key of [...(type?.listMapKeys ?? [])].sort()) {
    const value = item[key] ?? type?.keyDefaults?.[key];
    if (value !== undefined && value !== null) keys[key] = value;
  }
  return Object.keys(keys).length === 0 ? undefined : `k:${JSON.stringify(keys)}`;
}

/** Members of a value by path element, with their types; a struct's members carry no element of their own in the set. */
export function membersOf(
  value: unknown,
  type: FieldType | undefined,
): Map<string, { value: unknown; type: FieldType | undefined; counts: boolean }> {
  const members = new Map<string, { value: unknown; type: FieldType | undefined; counts: boolean }>();
  if (Array.isArray(value)) {
    for (const item of value) {
      const element = elementOf(item, type);
      if (element !== undefined) members.set(element, { value: item, type: type?.items, counts: true });
    }
  } else if (isObject(value)) {
    const declared = type?.kind === "struct";
    for (const name in value) {
      members.set(`f:${name}`, { value: value[name], type: memberType(type, name), counts: !declared });
    }
  }
  return members;
}

/** The fields that a configuration names. */
export function fieldsOf(value: unknown, type: FieldType | undefined): FieldSet {
  if (shapeOf(value, type) === "leaf") return leaf;
  const members = new Map<string, FieldSet>();
  for (const [element, member] of membersOf(value, type)) {
    const set = fieldsOf(member.value, member.type);
    const empty = member.value === null || (isObject(member.value) && Object.keys(member.value).length === 0);
    members.set(element, member.counts || empty ? { self: true, members: set.members } : set);
  }
  return made(false, members);
}

export interface Comparison {
  /** Added or changed. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

const nothing: Comparison = { changed: noFields, removed: noFields };

/** What is different in `next`. An absent member of an object that is there counts as its type's zero value. */
export function compareFields(before: unknown, next: unknown, type: FieldType | undefined): Comparison {
  const absentBefore = before === undefined, absentNext = next === undefined;
  if (absentBefore && absentNext) return nothing;
  const shape = shapeOf(absentNext || next === null ? before : next, type);
  if (shape === "leaf" || (before !== null && !absentBefore && !absentNext && shapeOf(before, type) !== shape)) {
    if (absentBefore) return { changed: leaf, removed: noFields };
    if (absentNext) return { changed: noFields, removed: leaf };
    return jsonEquals(before, next) ? nothing : { changed: leaf, removed: noFields };
  }
  const left = membersOf(before ?? undefined, type), right = membersOf(next ?? undefined, type);
  const changed = new Map<string, FieldSet>(), removed = new Map<string, FieldSet>();
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const old = left.get(element), now = right.get(element);
    const of = (now ?? old)!.type;
    const zero = absentBefore ? undefined : of?.zero === "struct" ? {} : of?.zero === "null" ? null : undefined;
    const outcome = compareFields(old === undefined ? zero : old.value, now?.value, of);
    changed.set(element, outcome.changed);
    removed.set(element, outcome.removed);
  }
  return { changed: made(absentBefore, changed), removed: made(absentNext, removed) };
}

/** The live value with an applied configuration laid over it; elements the configuration does not name stay. */
export function mergeApplied(live: unknown, applied: unknown, type: FieldType | undefined): unknown {
  const shape = shapeOf(applied, type);
  if (shape === "leaf" || live === undefined || live === null || shapeOf(live, type) !== shape) {
    return copyJson(applied);
  }
  if (shape === "members") {
    const merged: JsonObject = { ...(live as JsonObject) };
    for (const [name, value] of Object.entries(applied as JsonObject)) {
      merged[name] = mergeApplied(merged[name], value, memberType(type, name));
    }
    return merged;
  }
  // The configuration's order counts; what it does not name stays where it stood among the live elements.
  const before = live as unknown[];
  const wanted = membersOf(applied, type);
  const elements = before.map((item) => elementOf(item, type) ?? "");
  const merged: unknown[] = [];
  const queue = [...wanted];
  const done = new Set<string>();
  for (let next = 0; next < before.length || queue.length > 0;) {
    const element = elements[next];
    if (element !== undefined && !wanted.has(element)) merged.push(before[next++]);
    else if (element !== undefined && done.has(element)) next += 1;
    else {
      const [name, { value }] = queue.shift()!;
      done.add(name);
      const place = elements.indexOf(name);
      merged.push(place < 0 ? copyJson(value) : mergeApplied(before[place], value, type?.items));
    }
  }
  return merged;
}

/**
 * The value without the fields of the set. Containers that this empties go as well; one that holds something of `kept`
 * stays, even if it is in the set itself.
 */
export function removeFields(
  value: unknown,
  fields: FieldSet,
  kept: FieldSet,
  type: FieldType | undefined,
): unknown {
  if (fields.members.size === 0) return value;
  const rest = (element: string, member: unknown, of: FieldType | undefined): unknown => {
    const removal = fields.members.get(element);
    if (removal === undefined) return member;
    const keep = kept.members.get(element);
    if (removal.self && keep === undefined) return undefined;
    return removeFields(member, removal, keep ?? noFields, of);
  };
  if (Array.isArray(value)) {
    const items = value.map((item) => rest(elementOf(item, type) ?? "", item, type?.items));
    const left = items.filter((item) => item !== undefined);
    return left.length === 0 && value.length > 0 ? undefined : left;
  }
  if (!isObject(value)) return value;
  const left: JsonObject = {};
  for (const [name, member] of Object.entries(value)) {
    const remains = rest(`f:${name}`, member, memberType(type, name));
    if (remains !== undefined) left[name] = remains;
  }
  return Object.keys(left).length === 0 && Object.keys(value).length > 0 ? undefined : left;
}
