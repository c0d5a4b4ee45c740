import { assert, assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { probeMachine } from "../../machines/probe/probe_machine.ts";

Deno.test("probeMachine tells the container only when the result changes, and nothing after a final failure", () => {
  const base = { initialDelayMs: 0, periodMs: 10_000, successThreshold: 2, failureThreshold: 3, once: false };
  const found = exploreMachine(probeMachine, {
    inputs: [base, { ...base, initialDelayMs: 5_000, successThreshold: 1, once: true }],
    terminal: ["over"],
    always: { "one check at a time": (at) => at.outstanding.length <= 1 },
    eachStep: {
      "tells a change only": ({ before, after }) =>
        after.orders.every((order) =>
          order.type !== "tellContainer" ||
          (order.params as { result: string }).result !== before.snapshot.context.told
        ),
      "is silent when over": ({ before, after }) => !before.snapshot.matches("over") || after.orders.length === 0,
    },
    sometimes: {
      "passes": (at) => at.snapshot.context.told === "passed",
      "fails": (at) => at.snapshot.context.told === "failed",
    },
  });
  assertEquals(found.problems, []);
  assert(found.states > 20);
});
