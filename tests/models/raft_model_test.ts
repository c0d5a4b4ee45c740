/**
 * A cluster of three members, looked at completely within small bounds, against the invariants of etcd-raft's TLA+
 * specification. `deno task check:raft` does the same within larger ones and prints their sizes.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { BrokenRule } from "../../machines/check/explore.ts";
import { MachineCoverage } from "../../machines/check/machine_coverage.ts";
import { raftMachine } from "../../machines/raft/raft_machine.ts";
import { exploreCluster } from "./raft_cluster.ts";
import { mutants } from "./raft_mutants.ts";
import { mutantSlices, slices } from "./raft_slices.ts";

for (const [name, model] of Object.entries(slices)) {
  Deno.test(`raft keeps its promises: ${name}`, () => {
    const { states, generated, depth, neverSeen } = exploreCluster({ ...model, maxStates: 100_000 });
    console.log(`${states} states, ${generated} generated, depth ${depth}`);
    assertEquals(neverSeen, []);
  });
}

for (const { name, slice, broken, machine, found } of mutants) {
  Deno.test(`raft is caught when ${name}`, () => {
    const [, model] = Object.entries({ ...slices, ...mutantSlices }).find(([each]) => each.startsWith(slice))!;
    const mutant = { ...model, ...(machine && { machine }), ...(found && { found }) };
    assertThrows(() => exploreCluster(mutant), BrokenRule, broken);
  });
}

Deno.test("raftMachine says in words what each of its states is, and has no action that does nothing", () => {
  const coverage = new MachineCoverage(raftMachine);
  assertEquals([coverage.undescribedStates(), coverage.inertActions()], [[], []]);
});
