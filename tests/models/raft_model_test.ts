/**
 * Faults that the models of a raft cluster notice. The models themselves are checked with all others that ship
 * (`shipped_models_test.ts`); `deno task check:raft` prints their sizes.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { BrokenRule } from "../../machines/check/explore.ts";
import { MachineCoverage } from "../../machines/check/machine_coverage.ts";
import { raftMachine } from "../../machines/raft/raft_machine.ts";
import { exploreCluster } from "../../machines/models/raft/raft_search.ts";
import { mutants } from "./raft_mutants.ts";
import { mutantSlices, slices } from "../../machines/models/raft/raft_slices.ts";

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
