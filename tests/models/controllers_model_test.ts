import { assertEquals } from "@std/assert";
import { apiServerMachine } from "../../machines/api_server/api_server_machine.ts";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { controllerMachine } from "../../machines/controllers/controller_machine.ts";
import { nodeHealthMachine } from "../../machines/controllers/node_lifecycle/node_health_machine.ts";

Deno.test("controllerMachine follows changes once its caches are complete", () => {
  const found = exploreMachine(controllerMachine, {
    input: { name: "deployment-controller" },
    events: [{ type: "controller.stopped" }],
    terminal: ["running"],
  });
  assertEquals(found.problems, []);
});

Deno.test("nodeHealthMachine calls a node silent only after a grace period without a sign of life", () => {
  const found = exploreMachine(nodeHealthMachine, {
    input: { node: "n1" },
    events: [{ type: "heartbeat.seen" }, { type: "node.removed" }],
    terminal: ["silent.marked"],
    always: {
      "a living node has a deadline": ({ snapshot, timers }) =>
        !(snapshot.matches("alive") || snapshot.matches("expected")) || timers.length === 1,
    },
    eachStep: {
      "only a timer makes a node silent": ({ before, choice, after }) =>
        before.snapshot === undefined || before.snapshot.matches("silent") || !after.snapshot.matches("silent") ||
        choice.type === "timer",
    },
  });
  assertEquals(found.problems, []);
});

Deno.test("apiServerMachine ends in order: it drains before it closes the store", () => {
  const found = exploreMachine(apiServerMachine, {
    events: [{ type: "stop.requested" }, { type: "store.failed", message: "disk full" }],
    terminal: ["serving.ready"],
    eachStep: {
      "the store is closed only after draining": ({ before, after }) =>
        !after.orders.some(({ type }) => type === "closeStore") || before.snapshot.matches("draining"),
    },
  });
  assertEquals(found.problems, []);
});
