/** What the model of a pod and two nodes shows of people who say that a node is gone. */
import { assertEquals } from "@std/assert";
import { checkSystem } from "../../machines/check/check_system.ts";
import { twoNodesSystem } from "../../machines/models/two_nodes_system.ts";

Deno.test("a pod runs twice if somebody deletes the object of a silent node that still runs it", () => {
  const { verdict, violations } = checkSystem(twoNodesSystem({ budgets: { removals: 1 } }));
  assertEquals([verdict, violations[0]?.rule], ["violated", "no pod runs twice"]);
});
