import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { roleProcessMachine } from "../../machines/supervisor/role_process_machine.ts";
import { type SupervisorEvent, supervisorMachine } from "../../machines/supervisor/supervisor_machine.ts";

Deno.test("roleProcessMachine, in every order of facts, has one process at most and leaves none behind", () => {
  const { problems, states } = exploreMachine(roleProcessMachine, {
    input: { role: "node" },
    facts: { "process.exited": [{ code: 1 }] },
    events: ({ snapshot }) => [
      ...(snapshot.matches({ alive: "starting" }) ? [{ type: "process.ready" as const }] : []),
      { type: "stop.requested" },
      { type: "stop.demanded" },
    ],
    always: {
      "one process at most": ({ outstanding }) => outstanding.length <= 1,
      "it is there where the chart says so": ({ snapshot, outstanding }) =>
        (snapshot.matches("alive") || snapshot.matches("stopping") || snapshot.matches("killing")) ===
          (outstanding.length === 1),
    },
    eachStep: {
      "a start follows a pause, but for the first": ({ choice, after }) =>
        !after.orders.some(({ type }) => type === "startProcess") || choice.type === "start" || choice.type === "timer",
      "who goes says so once": ({ before, after }) =>
        (before?.snapshot.status !== "done" && after.snapshot.status === "done") ===
          (after.orders.filter(({ type }) => type === "reportGone").length === 1),
      "nobody is killed who was not asked, unless that was demanded": ({ before, choice, after }) =>
        !after.orders.some(({ type }) => type === "killProcess") || before.snapshot.matches("stopping") ||
        (choice.type === "event" && choice.event.type === "stop.demanded"),
    },
  });
  assertEquals(problems, []);
  assertEquals(states, 58);
});

Deno.test("supervisorMachine, in every order of facts, stops the masters last", () => {
  const { problems, states } = exploreMachine(supervisorMachine, {
    inputs: [{ masters: 1, nodes: 1 }, { masters: 1, nodes: 3 }, { masters: 3, nodes: 2 }],
    // A process that worked is gone only once it was told to go; one that never did may go at any time.
    events: ({ snapshot }): SupervisorEvent[] => {
      const { present, awaited, presentMasters, awaitedMasters } = snapshot.context;
      const ending = snapshot.matches("stoppingMasters");
      const stopping = snapshot.matches("stoppingNodes");
      return [
        ...(snapshot.matches("startingMasters")
          ? awaitedMasters.flatMap((number) => [
            { type: "master.ready" as const, number },
            { type: "master.gone" as const, number, worked: false },
          ])
          : []),
        ...(ending ? presentMasters.map((number) => ({ type: "master.gone" as const, number, worked: true })) : []),
        ...(snapshot.matches("startingNodes")
          ? awaited.map((number) => ({ type: "node.ready" as const, number }))
          : []),
        ...(snapshot.matches("startingNodes") || stopping
          ? present.filter((number) => stopping || awaited.includes(number)).map((number) => ({
            type: "node.gone" as const,
            number,
            worked: stopping,
          }))
          : []),
        { type: "stop.requested" },
        ...(stopping || ending ? [{ type: "stop.demanded" as const }] : []),
      ];
    },
    eachStep: {
      "masters are stopped when no node is left": ({ before, choice, after }) =>
        !after.orders.some(({ type }) => type === "stopMasters") || before.snapshot.matches("startingMasters") ||
        before.snapshot.matches("stoppingMasters") ||
        (choice.type === "event" && choice.event.type === "node.gone" &&
          before.snapshot.context.present.length === 1),
      "nodes are started once": ({ after, before }) =>
        !after.orders.some(({ type }) => type === "startNodes") || before.snapshot.matches("startingMasters"),
    },
    always: {
      "a cluster that runs awaits nobody": ({ snapshot }) =>
        !snapshot.matches("running") || snapshot.context.present.length > 0,
    },
  });
  assertEquals(problems, []);
  assertEquals(states, 1234);
});
