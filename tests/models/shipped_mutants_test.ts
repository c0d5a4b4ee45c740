/** A model that notices no fault proves nothing: each seeded one must be found. */
import { assert, assertEquals } from "@std/assert";
import { describeCheck } from "../../machines/check/check_report.ts";
import { checkSystem } from "../../machines/check/check_system.ts";
import { shippedMutants } from "./shipped_mutants.ts";

for (const { fault, model, system } of shippedMutants) {
  Deno.test(`${model} notices: ${fault}`, () => {
    const check = checkSystem(system());
    assertEquals(check.verdict, "violated", describeCheck(check));
  });
}

Deno.test("the seeded faults of the shipped machines are at least forty", () => {
  assert(shippedMutants.length >= 40, `only ${shippedMutants.length}`);
});
