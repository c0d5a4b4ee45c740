import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { informerMachine } from "../../machines/informer/informer_machine.ts";

Deno.test("informerMachine, in every order of facts, always lists or watches again", () => {
  const { problems, unhandled } = exploreMachine(informerMachine, {
    input: { resource: "pods" },
    facts: { "objects.listed": [{ count: 3 }], "watch.ended": [{ expired: true }, { expired: false }] },
    events: ({ snapshot }) => snapshot.matches("watching") ? [{ type: "batch.received", count: 1 }] : [],
    always: {
      "one request at a time": ({ outstanding }) => outstanding.length <= 1,
      "it asks, or a timer runs": ({ outstanding, timers }) => outstanding.length + timers.length === 1,
      "it watches where it says so": ({ snapshot, outstanding }) =>
        snapshot.matches("watching") === outstanding.some(({ type }) => type === "watchObjects"),
    },
    eachStep: {
      "an expired watch is replaced by a list": ({ choice, after }) =>
        !(choice.type === "answer" && choice.event.type === "watch.ended" && choice.event.expired) ||
        after.orders.some(({ type }) => type === "listObjects"),
    },
  });
  assertEquals([problems, unhandled], [[], []]);
});
