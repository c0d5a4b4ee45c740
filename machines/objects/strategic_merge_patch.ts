/**
 * Strategic merge patch: a merge patch that knows which lists are sets or maps and takes directives (docs "Update API
 * Objects in Place Using kubectl patch").
 *
 * Directives: `$patch: replace | delete | merge` in a map or list element, `$retainKeys`, `$setElementOrder/LIST`,
 * `$deleteFromPrimitiveList/LIST`.
 */
import type { FieldType } from "./field_type.ts";
import { copyJson, isObject, jsonEquals, type JsonObject } from "./json.ts";
import { goText } from "./go_text.ts";
import { PatchError } from "./patch_error.ts";

const directive = "$patch";
const retainKeys = "$retainKeys";
const setOrder = "$setElementOrder";
const deleteFrom = "$deleteFromPrimitiveList";

/** The target with the patch applied; neither is changed. @throws PatchError */
export function strategicMergePatch(target: JsonObject, patch: JsonObject, type: FieldType | undefined): JsonObject {
  return mergeMap(target, patch, type);
}

function mergeMap(target: JsonObject, patch: JsonObject, type: FieldType | undefined): JsonObject {
  const order = patch[directive];
  if (order !== undefined) {
    if (order === "replace") return withoutDirectives(patch) as JsonObject;
    if (order === "delete") return {};
    if (order !== "merge") throw new PatchError(400, `Unknown patch type found: ${String(order)}`);
  }
  let merged: JsonObject = { ...target };
  if (patch[retainKeys] !== undefined) merged = retained(merged, patch);
  const orders = listOrders(patch);
  for (const key in patch) {
    if (key === directive || key === retainKeys || key.startsWith(setOrder) || key === "__proto__") continue;
    const value = patch[key];
    if (key.startsWith(deleteFrom)) {
      deleteValues(merged, key, value);
    } else if (value === null) {
      delete merged[key];
    } else {
      merged[key] = mergeField(merged[key], value, fieldOf(type, key), orders.get(key));
      orders.delete(key);
    }
  }
  // Orders for lists that the patch does not touch.
  for (const [key, wanted] of orders) {
    const list = merged[key];
    if (Array.isArray(list)) merged[key] = inOrder(list, wanted, list, fieldOf(type, key));
  }
  return merged;
}

function fieldOf(type: FieldType | undefined, key: string): FieldType | undefined {
  return type?.kind === "map" ? type.items : type?.field(key);
}

function mergeField(
  target: unknown,
  value: unknown,
  type: FieldType | undefined,
  order: readonly unknown[] | undefined,
): unknown {
  const strategies = type?.patchStrategies ?? [];
  if (isObject(value)) {
    if (!isObject(target)) return value[directive] === "delete" ? {} : withoutDirectives(value);
    return strategies.includes("replace") ? withoutDirectives(value) : mergeMap(target, value, type);
  }
  if (Array.isArray(value)) {
    const original = Array.isArray(target) ? target : [];
    if (!strategies.includes("merge")) return withoutDirectives(value);
    if (order === undefined && !Array.isArray(target)) return withoutDirectives(value);
    return mergeList(original, value, type, order);
  }
  return value;
}

function retained(target: JsonObject, patch: JsonObject): JsonObject {
  const keys = patch[retainKeys];
  if (!Array.isArray(keys)) throw new PatchError(400, "invalid patch format of retainKeys list");
  for (const key in patch) {
    if (key.startsWith("$") || patch[key] === null) continue;
    if (!keys.includes(key)) throw new PatchError(400, "patch contains keys that are not in the retainKeys list");
  }
  return Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key)));
}

function listOrders(patch: JsonObject): Map<string, readonly unknown[]> {
  const orders = new Map<string, readonly unknown[]>();
  for (const key in patch) {
    if (!key.startsWith(setOrder)) continue;
    const value = patch[key];
    if (!key.startsWith(`${setOrder}/`) || !Array.isArray(value)) {
      throw new PatchError(400, "invalid patch format of setElementOrder list");
    }
    orders.set(key.slice(setOrder.length + 1), value);
  }
  return orders;
}

function deleteValues(target: JsonObject, key: string, values: unknown): void {
  if (!key.startsWith(`${deleteFrom}/`) || !Array.isArray(values)) {
    throw new PatchError(400, "invalid patch format of delete primitive list");
  }
  const name = key.slice(deleteFrom.length + 1);
  const list = target[name];
  if (Array.isArray(list)) target[name] = list.filter((item) => !values.includes(item));
}

function mergeList(
  target: readonly unknown[],
  patch: readonly unknown[],
  type: FieldType | undefined,
  order: readonly unknown[] | undefined,
): unknown[] {
  if (target.length === 0 && patch.length === 0) return [];
  if (!isObject(patch[0] ?? target[0])) {
    const merged = [...new Set([...target, ...patch])];
    return inOrder(merged, order ?? patch, target, undefined);
  }
  const key = type?.patchMergeKey;
  if (key === undefined) throw new PatchError(500, "cannot merge lists without merge key for this type");
  let merged = [...target];
  let replaced = false;
  const wanted: JsonObject[] = [];
  for (const element of patch) {
    if (!isObject(element)) throw new PatchError(400, "cannot merge lists of different kinds");
    const what = element[directive];
    if (what === "replace") replaced = true;
    else if (what === "delete") merged = merged.filter((item) => !sameKey(item, element, key));
    else if (what === undefined || what === "merge") wanted.push(element);
    else throw new PatchError(400, `Unknown patch type found: ${String(what)}`);
  }
  if (replaced) return withoutDirectives(wanted) as unknown[];
  for (const element of wanted) {
    const value = element[key];
    if (value === undefined) {
      throw new PatchError(500, `map: ${goText(element)} does not contain declared merge key: ${key}`);
    }
    const index = merged.findIndex((item) => sameKey(item, element, key));
    if (index < 0) merged.push(withoutDirectives(element));
    else merged[index] = mergeMap(merged[index] as JsonObject, element, type?.items);
  }
  return inOrder(merged, order ?? wanted, target, type);
}

function sameKey(a: unknown, b: unknown, key: string): boolean {
  return isObject(a) && isObject(b) && a[key] !== undefined && jsonEquals(a[key], b[key]);
}

/**
 * The list in the order that `wanted` gives; what `wanted` does not name stays in its order of before, and goes in front
 * of a named element where it stood in front of it before.
 */
function inOrder(
  list: readonly unknown[],
  wanted: readonly unknown[],
  before: readonly unknown[],
  type: FieldType | undefined,
): unknown[] {
  const key = type?.patchMergeKey;
  const same = (a: unknown, b: unknown) => key === undefined ? jsonEquals(a, b) : sameKey(a, b, key);
  const placeIn = (order: readonly unknown[], item: unknown) => order.findIndex((other) => same(other, item));
  const named = list.filter((item) => placeIn(wanted, item) >= 0);
  named.sort((a, b) => placeIn(wanted, a) - placeIn(wanted, b));
  const others = list.filter((item) => placeIn(wanted, item) < 0);
  const merged: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const place = placeIn(before, item);
    while (next < others.length && place >= 0) {
      const other = placeIn(before, others[next]);
      if (other < 0 || other > place) break;
      merged.push(others[next++]);
    }
    merged.push(item);
  }
  return [...merged, ...others.slice(next)];
}

/** A copy without directives and without nulls, as it is stored where there was nothing before. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !isObject(item) || item[directive] === undefined || item[directive] === "merge")
      .map(withoutDirectives);
  }
  if (!isObject(value)) return copyJson(value);
  const plain: JsonObject = {};
  for (const key in value) {
    if (key === directive || key === retainKeys || key.startsWith(setOrder) || key.startsWith(deleteFrom)) continue;
    if (value[key] !== null && key !== "__proto__") plain[key] = withoutDirectives(value[key]);
  }
  return plain;
}
