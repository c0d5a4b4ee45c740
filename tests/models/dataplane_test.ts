/** What the model of a rolling update behind a service shows of the grace that pods need. */
import { assertEquals } from "@std/assert";
import { checkSystem } from "../../machines/check/check_system.ts";
import { dataplaneSystem } from "../../machines/models/dataplane_system.ts";

Deno.test("packets have nowhere to go for a while if pods end before the proxy has heard of it", () => {
  const { verdict, violations } = checkSystem(dataplaneSystem({ grace: "none" }));
  assertEquals([verdict, violations[0]?.rule], ["violated", "packets always have somewhere to go"]);
});
