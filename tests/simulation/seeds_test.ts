/** A whole cluster under one seed: nothing may be violated. The suite `simulation` runs many. */
import { assertEquals } from "@std/assert";
import { faultKinds } from "../../commands/simulation/schedule.ts";
import { simulate } from "../../commands/simulation/simulate.ts";

Deno.test("simulation of three masters for a minute violates nothing", async () => {
  const { violation } = await simulate({ seed: 100_002, nodes: 3, masters: 3, minutes: 1, faults: faultKinds });
  assertEquals(violation, undefined);
});
