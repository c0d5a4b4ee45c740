/** How the recording changed one value of a manifest (`how`), done again. */
type Parent = Record<string | number, unknown>;

const values: Readonly<Record<string, (old: unknown) => unknown>> = {
  null: () => null,
  empty: (old) => Array.isArray(old) ? [] : typeof old === "object" ? {} : "",
  number: () => 12345,
  odd: () => "!!Bad Value!!",
  upper: () => "UPPER_Case",
  long: () => "a".repeat(300),
  negative: () => -1,
  zero: () => 0,
  huge: () => 99999999,
  string: () => "x",
  float: () => 1.5,
  flipped: (old) => !old,
  object: () => ({}),
  twice: (old) => [...old as unknown[], structuredClone((old as unknown[])[0])],
  unknown: (old) => ({ ...old as Parent, unknownField: 1 }),
};

export function mutate(manifest: unknown, path: readonly (string | number)[], how: string): unknown {
  const copy = structuredClone(manifest);
  let parent = copy as Parent;
  for (const key of path.slice(0, -1)) parent = parent[key] as Parent;
  const last = path.at(-1) ?? "";
  const make = values[how];
  if (how === "removed") {
    if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else delete parent[last];
  } else if (make === undefined) throw new Error(`Cannot mutate ${path.join("/")}: unknown way ${how}`);
  else parent[last] = make(parent[last]);
  return copy;
}
