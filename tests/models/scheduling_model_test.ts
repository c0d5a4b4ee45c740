import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { schedulerMachine } from "../../machines/scheduler/scheduler_machine.ts";
import { schedulingMachine } from "../../machines/scheduler/scheduling_machine.ts";

Deno.test("schedulingMachine asks for one turn or one binding at a time, and none after the pod is gone", () => {
  const found = exploreMachine(schedulingMachine, {
    inputs: [{ key: "default/web", gated: false }, { key: "default/web", gated: true }],
    facts: {
      "turn.placed": [{ node: "n1" }],
      "turn.refused": [
        { message: "0/1 nodes are available", preempts: "", victims: [] },
        { message: "0/1 nodes are available", preempts: "n1", victims: [{ key: "default/low", uid: "1" }] },
      ],
    },
    events: [{ type: "cluster.changed" }, { type: "gates.removed" }, { type: "pod.removed" }],
    always: {
      "a turn is awaited only in the queue": ({ snapshot, outstanding }) =>
        outstanding.some(({ type }) => type === "takeTurn") === snapshot.matches("queued"),
      "a binding is awaited only while binding": ({ snapshot, outstanding }) =>
        outstanding.some(({ type }) => type === "bindPod") === snapshot.matches("binding"),
      "an unschedulable pod is looked at again, whatever happens": ({ snapshot, timers }) =>
        !snapshot.matches("unschedulable") || timers.length > 0,
    },
    sometimes: {
      "it is bound": ({ snapshot }) => snapshot.matches("bound"),
      "it waits for a change": ({ snapshot }) => snapshot.matches({ unschedulable: "resting" }),
    },
  });
  assertEquals(found.problems, []);
});

Deno.test("schedulerMachine schedules once it knows the cluster", () => {
  const found = exploreMachine(schedulerMachine, {
    events: [{ type: "scheduler.stopped" }],
    terminal: ["scheduling"],
  });
  assertEquals(found.problems, []);
});
