/** The strategic merge patch that turns one status into another: fields that go are null, list items that go are named. */
import type { PodStatus } from "../objects/object.ts";

type Fields = Record<string, unknown>;

/** Lists that the API merges item by item; all others are replaced as a whole. */
const mergeKeys: Readonly<Record<string, string>> = { conditions: "type", podIPs: "ip", hostIPs: "ip" };

/** @returns undefined when there is nothing to change. */
export function statusPatch(before: PodStatus, after: PodStatus): Fields | undefined {
  const patch = fieldsPatch(before as Fields, after as Fields);
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function fieldsPatch(before: Fields, after: Fields): Fields {
  const patch: Fields = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const from = before[name] ?? undefined;
    const to = after[name] ?? undefined;
    if (isEqual(from, to)) continue;
    const key = mergeKeys[name];
    patch[name] = key === undefined || to === undefined || from === undefined
      ? to ?? null
      : listPatch(key, from as Fields[], to as Fields[]);
  }
  return patch;
}

function listPatch(key: string, before: readonly Fields[], after: readonly Fields[]): Fields[] {
  const gone = before.filter((item) => !after.some((each) => each[key] === item[key]));
  const changed = after.flatMap((item) => {
    const old = before.find((each) => each[key] === item[key]);
    if (old === undefined) return [item];
    const patch = fieldsPatch(old, item);
    return Object.keys(patch).length === 0 ? [] : [{ [key]: item[key], ...patch }];
  });
  return [...gone.map((item) => ({ [key]: item[key], $patch: "delete" })), ...changed];
}

/** Same plain data, whatever the order of fields; absent, undefined and null are the same. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b || (a ?? undefined) === (b ?? undefined)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = a as Fields;
  const right = b as Fields;
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => isEqual(left[name], right[name]));
}
