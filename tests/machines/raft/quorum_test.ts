/** Majorities against a version that tries every subset of the voters. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { isQuorum, majorityOf, quorumIndex, voteOutcome } from "../../../machines/raft/quorum.ts";

const names = ["a", "b", "c", "d", "e", "f", "g"];

/** Every set of voters that is more than half of them. */
function majorities(voters: readonly string[]): string[][] {
  const sets: string[][] = [];
  for (let bits = 0; bits < 1 << voters.length; bits++) {
    const set = voters.filter((_, at) => bits & (1 << at));
    if (set.length * 2 > voters.length) sets.push(set);
  }
  return sets;
}

const voters = fc.subarray(names);

Deno.test("quorumIndex is the highest index that every member of some majority has", () => {
  fc.assert(fc.property(voters, fc.array(fc.nat(9), { minLength: 7, maxLength: 7 }), (voters, indexes) => {
    const indexOf = (name: string) => indexes[names.indexOf(name)]!;
    const slow = Math.max(0, ...majorities(voters).map((set) => Math.min(...set.map(indexOf))));
    assertEquals(quorumIndex(voters, indexOf), slow);
  }));
});

Deno.test("voteOutcome is won with a majority, and lost when none can be had any more", () => {
  const answer = fc.constantFrom(true, false, undefined);
  fc.assert(fc.property(voters, fc.array(answer, { minLength: 7, maxLength: 7 }), (voters, answers) => {
    const said = (name: string) => answers[names.indexOf(name)];
    const sets = majorities(voters);
    const slow = sets.some((set) => set.every((name) => said(name) === true))
      ? "won"
      : sets.some((set) => set.every((name) => said(name) !== false))
      ? "open"
      : "lost";
    const votes = Object.fromEntries(names.flatMap((name) => {
      const each = said(name);
      return each === undefined ? [] : [[name, each]];
    }));
    assertEquals(voteOutcome(voters, votes), slow);
  }));
});

Deno.test("isQuorum counts voters only, and nobody is no majority", () => {
  assertEquals(isQuorum(["a", "b", "c"], (name) => name !== "c"), true);
  assertEquals(isQuorum(["a", "b"], (name) => name !== "b"), false);
  assertEquals(isQuorum([], () => true), false);
  assertEquals([1, 2, 3, 4, 5].map(majorityOf), [1, 2, 2, 3, 3]);
});
