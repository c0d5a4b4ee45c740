import type { Random } from "../../../ports/random.ts";

/**
 * Where a process begins to number its questions. An answer to the process before it, of the same member, may still be
 * on its way: numbers drawn anew keep it from being taken for the answer to another question.
 */
export function firstOfLife(random: Random): number {
  return Math.floor(random.next() * 2 ** 32) * 2 ** 20;
}
