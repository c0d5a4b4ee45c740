/** JSON merge patch (RFC 7386). */
import { copyJson, isObject, type JsonObject } from "./json.ts";

/** The target with the patch applied; neither is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return copyJson(patch);
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const key in patch) {
    if (key === "__proto__") continue;
    const value = patch[key];
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value);
  }
  return merged;
}
