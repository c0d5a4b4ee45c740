/** One controller: idle until its caches are complete, then it reconciles every key that a change concerns. */
import { setup } from "xstate";
import { effect } from "../effect.ts";

export type ControllerEvent = { type: "caches.synced" } | { type: "controller.stopped" };

export const controllerMachine = setup({
  types: { context: {} as { name: string }, events: {} as ControllerEvent, input: {} as { name: string } },
  actions: {
    watchCaches: effect({ answers: ["caches.synced"] }),
    /** From here on a change of an object wakes the work items of its keys. */
    followChanges: effect(),
  },
}).createMachine({
  id: "controller",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ name: input.name }),
  initial: "waitingForCaches",
  on: { "controller.stopped": ".stopped" },
  states: {
    waitingForCaches: {
      description: "Waits until every object it needs to see has been listed once.",
      entry: { type: "watchCaches", params: {} },
      on: { "caches.synced": "running" },
    },
    running: {
      description: "Reconciles each object that a change concerns; every one of them is an actor below this one.",
      entry: { type: "followChanges", params: {} },
    },
    stopped: { description: "Leads no longer.", type: "final" },
  },
});
