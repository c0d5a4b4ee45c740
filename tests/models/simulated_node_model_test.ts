import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { simulatedNodeMachine } from "../../machines/simulated_nodes/simulated_node_machine.ts";

Deno.test("simulatedNodeMachine, in every order of facts, is connected again after its silence and ends with its Node", () => {
  const { problems } = exploreMachine(simulatedNodeMachine, {
    facts: {},
    events: () => [{ type: "silence.asked" }, { type: "silence.ended" }, { type: "node.deleted" }],
    always: {
      "one request at a time": ({ outstanding }) => outstanding.length <= 1,
      "a node that is going does nothing but end": ({ snapshot, outstanding, timers }) =>
        !snapshot.matches("stopping") || (outstanding[0]?.type === "stopKubelet" && timers.length === 0),
    },
    eachStep: {
      "whoever is cut off was connected, and the other way round": ({ before, after }) =>
        after.orders.every(({ type }) =>
          (type !== "cutOff" || before.snapshot.matches({ living: { network: "connected" } })) &&
          (type !== "reconnect" || before.snapshot.matches({ living: { network: "silent" } }))
        ),
    },
  });
  assertEquals(problems, []);
});
