import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { schedulingMachine } from "../../machines/scheduler/scheduling_machine.ts";

Deno.test("schedulingMachine, in every order of facts, takes one turn at a time and binds only where it was placed", () => {
  const { problems } = exploreMachine(schedulingMachine, {
    inputs: [{ key: "default/web", gated: false }, { key: "default/web", gated: true }],
    facts: {
      "turn.placed": [{ node: "n1" }, { node: "n2" }],
      "turn.refused": [{ message: "0/2 nodes are available" }],
    },
    events: [{ type: "cluster.changed" }, { type: "gates.removed" }, { type: "pod.removed" }],
    always: {
      "in the queue or at the API server, never both": ({ outstanding }) => outstanding.length <= 1,
      "who is gone has left the queue": ({ snapshot, outstanding }) =>
        snapshot.status !== "done" || outstanding.length === 0,
      "nothing waits for ever without a timer or a change": ({ snapshot, outstanding, timers }) =>
        snapshot.status === "done" || outstanding.length + timers.length > 0 || snapshot.matches("gated"),
    },
    eachStep: {
      "it binds to the node it was given": ({ choice, after }) => {
        const bind = after.orders.find(({ type }) => type === "bindPod");
        if (bind === undefined) return true;
        return choice.type === "answer" && choice.event.type === "turn.placed" &&
          (bind.params as { node: string }).node === choice.event.node;
      },
      "a change while it cools down is not forgotten": ({ before, choice, after }) =>
        !(before.snapshot.matches({ unschedulable: "cooling" }) && before.snapshot.context.wanted) ||
        choice.type !== "timer" || after.snapshot.matches("queued"),
    },
  });
  assertEquals(problems, []);
});
