/**
 * Whether two values are the same data. Fields that are undefined count as absent, as they do in a trace that was
 * written to a file; what both share is not looked into.
 */
export function isSameData(a: unknown, b: unknown): boolean {
  if (a === b || (a !== a && b !== b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
      a.every((each, index) => isSameData(each, b[index]));
  }
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const name of Object.keys(one)) if (!isSameData(one[name], other[name])) return false;
  for (const name of Object.keys(other)) if (other[name] !== undefined && one[name] === undefined) return false;
  return true;
}

/** For people: the first field in which they differ. */
export function firstDifference(a: unknown, b: unknown, path = ""): string {
  const isRecord = (value: unknown) => typeof value === "object" && value !== null;
  if (isRecord(a) && isRecord(b)) {
    const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
    for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
      if (isSameData(one[name], other[name])) continue;
      return firstDifference(one[name], other[name], path === "" ? name : `${path}.${name}`);
    }
  }
  return `${path === "" ? "it" : path} is ${shown(b)}, not ${shown(a)}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
