/** Explores slices of the modelled cluster and prints how large they are: `deno task check:raft [part of a name]`. */
import { exploreCluster } from "./raft_cluster.ts";
import { largeSlices, mutantSlices, slices } from "./raft_slices.ts";

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
