/** Lists and sets (k8s.io/apiserver cel/library: lists; cel-go ext: sets). */
import { jsonEquals } from "../../../../machines/objects/json.ts";
import { compare, fail, type Library, type Values } from "./library.ts";

class Sets {}

function least(list: Values[], direction: 1 | -1): Values {
  if (list.length === 0) return fail(`${direction === 1 ? "min" : "max"} called on empty list`);
  return list.reduce((best, each) => compare(each, best) * direction < 0 ? each : best);
}

const equals = (a: Values, b: Values): boolean =>
  typeof a === "object" || typeof b === "object" ? jsonEquals(a, b) : a === b;
const holds = (list: Values[], value: Values): boolean => list.some((each) => equals(each, value));
const containsAll = (list: Values[], part: Values[]): boolean => part.every((each) => holds(list, each));

export const lists: Library = {
  namespaces: { sets: new Sets() },
  functions: {
    "list.isSorted(): bool": (list: Values[]) =>
      list.every((each, index) => index === 0 || compare(list[index - 1], each) <= 0),
    "list.sum(): dyn": (list: Values[]) => list.length === 0 ? 0n : list.reduce((sum, each) => sum + each),
    "list.min(): dyn": (list: Values[]) => least(list, 1),
    "list.max(): dyn": (list: Values[]) => least(list, -1),
    "list.indexOf(dyn): int": (list: Values[], value: Values) => BigInt(list.findIndex((each) => equals(each, value))),
    "list.lastIndexOf(dyn): int": (list: Values[], value: Values) =>
      BigInt(list.findLastIndex((each) => equals(each, value))),
    "list.distinct(): list": (list: Values[]) =>
      list.filter((each, index) => list.findIndex((other) => equals(other, each)) === index),
    "list.reverse(): list": (list: Values[]) => list.toReversed(),
    "list.slice(int, int): list": (list: Values[], from: bigint, to: bigint) => {
      if (from < 0n || to < from || to > BigInt(list.length)) {
        return fail(`cannot slice(${from}, ${to}), list is length ${list.length}`);
      }
      return list.slice(Number(from), Number(to));
    },
    "Sets.contains(list, list): bool": (_, list: Values[], part: Values[]) => containsAll(list, part),
    "Sets.equivalent(list, list): bool": (_, a: Values[], b: Values[]) => containsAll(a, b) && containsAll(b, a),
    "Sets.intersects(list, list): bool": (_, a: Values[], b: Values[]) => a.some((each) => holds(b, each)),
  },
};
