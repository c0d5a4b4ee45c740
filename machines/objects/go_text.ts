import { isObject } from "./json.ts";

/** JSON as Go prints it with `%v`: `map[a:1 b:[x y]]`. Some of the API's messages are in that form. */
export function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isObject(value)) return value === null ? "<nil>" : String(value);
  return `map[${Object.keys(value).sort().map((key) => `${key}:${goText(value[key])}`).join(" ")}]`;
}
