import { assertEquals } from "@std/assert";
import { apiServiceMachine } from "../../machines/aggregation/api_service_machine.ts";
import { exploreMachine } from "../../machines/check/explore_machine.ts";

Deno.test("apiServiceMachine goes on looking whatever fails, and treats requests as the last look found", () => {
  const found = exploreMachine(apiServiceMachine, {
    events: [{ type: "spec.changed" }],
    always: {
      "it is looked at now, or at a set time": ({ snapshot, timers }) =>
        snapshot.value === "checking" || timers.length === 1,
      "one look at a time": ({ outstanding }) => outstanding.filter(({ type }) => type === "checkServer").length <= 1,
    },
    eachStep: {
      "what is published is what was found": ({ choice, after }) =>
        after.orders.every(({ type, params }) =>
          type !== "publishAvailability" ||
          choice.type === "answer" &&
            (choice.event.type === "server.answered") === (params as { available: boolean }).available
        ),
    },
  });
  assertEquals(found.problems, []);
});
