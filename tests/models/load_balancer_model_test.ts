import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { loadBalancerMachine } from "../../machines/load_balancer/load_balancer_machine.ts";

Deno.test("loadBalancerMachine, in every order of facts, makes one pass at a time and loses no change", () => {
  const { states, problems } = exploreMachine(loadBalancerMachine, {
    events: [{ type: "services.changed" }],
    always: {
      "one pass at a time": ({ outstanding }) =>
        outstanding.filter(({ type }) => type === "balanceServices").length <= 1,
    },
    eachStep: {
      "a change leads to another pass": ({ choice, after }) =>
        choice.type !== "event" || !after.snapshot.matches("settled"),
    },
    sometimes: { "it settles": ({ snapshot }) => snapshot.matches("settled") },
  });
  assertEquals(problems, []);
  assertEquals(states, 23);
});
