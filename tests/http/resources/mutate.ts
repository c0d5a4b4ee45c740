/** The one change that a recorded mutant made. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { Mutant } from "./recordings.ts";

type Place = Record<string | number, unknown>;

const created: Readonly<Record<string, (value: unknown) => unknown>> = {
  null: () => null,
  empty: (value) => typeof value === "string" ? "" : Array.isArray(value) ? [] : {},
  number: () => 7,
  odd: () => "!!Bad Value!!",
  upper: () => "UPPER_Case",
  long: () => "a".repeat(300),
  negative: () => -1,
  zero: () => 0,
  huge: () => 99999999,
  string: () => "seven",
  float: () => 1.5,
  flipped: (value) => !value,
  object: () => ({ a: "b" }),
  twice: (value) => [...value as unknown[], ...value as unknown[]],
  unknown: (value) => ({ ...value as object, unknownField: 1 }),
  changed: (value) => typeof value === "string" ? `${value}z` : typeof value === "number" ? value + 1 : !value,
};

/** @returns undefined for a kind of change that is not known. */
export function mutate(object: KubeObject, { path, how }: Pick<Mutant, "path" | "how">): KubeObject | undefined {
  const copy = structuredClone(object);
  let place = copy as unknown as Place;
  for (const step of path.slice(0, -1)) place = place[step] as Place;
  const last = path.at(-1);
  if (last === undefined) return undefined;
  if (how === "removed") {
    if (Array.isArray(place)) place.splice(Number(last), 1);
    else delete place[last];
    return copy;
  }
  const change = created[how];
  if (change === undefined) return undefined;
  place[last] = change(place[last]);
  return copy;
}
