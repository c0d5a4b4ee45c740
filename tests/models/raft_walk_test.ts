/** A few of the walks that `deno task check:raft walks` takes by the hundred. */
import { assert, assertThrows } from "@std/assert";
import { mutants } from "./raft_mutants.ts";
import { everything, walk } from "./raft_walk.ts";

Deno.test("raft keeps its promises on random walks through everything at once", () => {
  const walks = Array.from({ length: 12 }, (_, seed) => walk(everything, seed, 400));
  assert(walks.some(({ terms }) => terms >= 3), "no walk had three leaders");
  assert(walks.some(({ committed }) => committed >= 10), "no walk committed ten entries");
  assert(walks.some(({ members }) => members !== 3), "no walk changed the voters");
});

Deno.test("raft walks tell the seed and the last moves when a promise is broken", () => {
  const { machine } = mutants.find(({ name }) => name === "a leader commits without a majority")!;
  assertThrows(
    () => {
      for (let seed = 0; seed < 10; seed++) walk({ ...everything, machine: machine! }, seed, 400);
    },
    Error,
    "Broken with seed",
  );
});
