import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { nodeNetworkMachine } from "../../machines/network/node_network_machine.ts";

Deno.test("nodeNetworkMachine, in every order of facts, does one thing at a time and looks again when Docker starts", () => {
  const { states, problems } = exploreMachine(nodeNetworkMachine, {
    events: [{ type: "docker.started" }, { type: "network.removalAsked" }],
    always: {
      "one thing at a time": ({ outstanding }) => outstanding.length <= 1,
      "nothing is under way when it is over": ({ snapshot, outstanding }) =>
        snapshot.status !== "done" || outstanding.length === 0,
    },
    eachStep: {
      "a start of Docker is never passed over": ({ before, choice, after }) =>
        !(choice.type === "event" && choice.event.type === "docker.started" && !before.snapshot.matches("removing")) ||
        !after.snapshot.matches("ready"),
    },
    sometimes: { "it is removed": ({ snapshot }) => snapshot.status === "done" },
  });
  assertEquals(problems, []);
  assertEquals(states, 48);
});
