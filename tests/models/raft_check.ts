/**
 * Explores slices of the modelled cluster and prints how large they are, then goes random walks through all of it:
 * `deno task check:raft [part of a name]`, `deno task check:raft walks [how many] [first seed]`.
 */
import { exploreCluster } from "../../machines/models/raft/raft_search.ts";
import { everything, walk } from "./raft_walk.ts";
import { largeSlices, mutantSlices, slices } from "../../machines/models/raft/raft_slices.ts";

for (const [name, model] of Object.entries({ ...slices, ...mutantSlices, ...largeSlices })) {
  if (!name.includes(Deno.args[0] ?? "")) continue;
  const start = performance.now();
  const { states, generated, depth, locals, steps, neverSeen } = exploreCluster(model);
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${name}: ${states} states, ${generated} generated, depth ${depth}, ${locals} local states, ${steps} steps, ` +
      `${seconds.toFixed(1)} s${neverSeen.length > 0 ? `, NEVER SEEN ${neverSeen.join(", ")}` : ""}`,
  );
}

if ("walks".includes(Deno.args[0] ?? "")) {
  const [count, first] = [Number(Deno.args[1] ?? 200), Number(Deno.args[2] ?? 1)];
  const [start, moves] = [performance.now(), 800];
  let [terms, committed] = [0, 0];
  for (let seed = first; seed < first + count; seed++) {
    const walked = walk(everything, seed, moves);
    terms += walked.terms;
    committed += walked.committed;
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `walks: ${count} of ${moves} moves from seed ${first}, ${terms} leaders, ${committed} entries, ${seconds} s`,
  );
}
