/**
 * What the one who creates an object owns of it, written at once as `fieldsV1` has it. The same as comparing the object
 * with an empty one (`compareFields`), leaving out what nobody owns and writing down the rest, which costs most creates
 * several times as much: a test holds the two together.
 */
import { elementOf, type FieldSet, memberType, shapeOf } from "./field_set.ts";
import type { FieldType } from "./field_type.ts";
import { isObject, jsonEquals, type JsonObject } from "./json.ts";

/** What a member counts as that is not there: absent, or its type's zero value. */
type Zero = undefined | null | JsonObject;
const emptyObject: JsonObject = {};

/** `without`: what nobody owns; `unowned`: members of the object that a create leaves as they are. */
export function firstFields(
  object: JsonObject,
  type: FieldType | undefined,
  without: FieldSet,
  unowned: readonly string[],
): JsonObject {
  // Metadata is always there.
  const written = members(object, type, false, (name, of) => name === "metadata" ? emptyObject : zeroOf(of));
  for (const member of unowned) delete written?.[`f:${member}`];
  return removed(written, without) ?? {};
}

function zeroOf(type: FieldType | undefined): Zero {
  return type?.zero === "struct" ? emptyObject : type?.zero === "null" ? null : undefined;
}

function isLeaf(fields: JsonObject): boolean {
  for (const _ in fields) return false;
  return true;
}

/** Undefined: nothing was changed. */
function fieldsOf(before: Zero, next: unknown, type: FieldType | undefined): JsonObject | undefined {
  if (next === undefined) return undefined;
  const shape = shapeOf(next ?? before, type);
  const isOther = before !== undefined && before !== null && shapeOf(before, type) !== shape;
  if (shape === "leaf" || isOther) {
    return before !== undefined && jsonEquals(before, next) ? undefined : {};
  }
  const isNew = before === undefined;
  return members(next, type, isNew, isNew ? () => undefined : (_, of) => zeroOf(of));
}

function members(
  value: unknown,
  type: FieldType | undefined,
  self: boolean,
  zero: (name: string, type: FieldType | undefined) => Zero,
): JsonObject | undefined {
  const found: [element: string, fields: JsonObject][] = [];
  const add = (element: string, name: string, member: unknown, of: FieldType | undefined) => {
    const fields = fieldsOf(zero(name, of), member, of);
    if (fields !== undefined) found.push([element, fields]);
  };
  if (Array.isArray(value)) {
    // Of elements with the same key the last one counts.
    const items = new Map<string, unknown>();
    for (const item of value) {
      const element = elementOf(item, type);
      if (element !== undefined) items.set(element, item);
    }
    for (const [element, item] of items) add(element, "", item, type?.items);
  } else if (isObject(value)) { for (const name in value) add(`f:${name}`, name, value[name], memberType(type, name)); }
  if (found.length === 0) return self ? {} : undefined;
  found.sort(([a], [b]) => (a < b ? -1 : 1));
  const written: JsonObject = self ? { ".": {} } : {};
  for (const [element, fields] of found) written[element] = fields;
  return written;
}

/** The fields without those of a set; undefined when nothing is left. A set that is nothing but itself is `{}`. */
function removed(fields: JsonObject | undefined, without: FieldSet): JsonObject | undefined {
  if (fields === undefined) return undefined;
  const self = (isLeaf(fields) || fields["."] !== undefined) && !without.self;
  const left: JsonObject = self ? { ".": {} } : {};
  let count = 0;
  for (const element in fields) {
    if (element === ".") continue;
    const other = without.members.get(element);
    const member = other === undefined ? fields[element] : removed(fields[element] as JsonObject, other);
    if (member === undefined) continue;
    left[element] = member;
    count++;
  }
  if (count > 0) return left;
  return self ? {} : undefined;
}
