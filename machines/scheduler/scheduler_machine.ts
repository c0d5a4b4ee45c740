/** The scheduler itself: places pods while it leads and knows the cluster. Each waiting pod is an actor below it. */
import { setup } from "xstate";
import { effect } from "../effect.ts";

export type SchedulerEvent = { type: "caches.synced" } | { type: "scheduler.stopped" };

export const schedulerMachine = setup({
  types: { events: {} as SchedulerEvent },
  actions: {
    watchCaches: effect({ answers: ["caches.synced"] }),
    followCluster: effect(),
  },
}).createMachine({
  id: "scheduler",
  options: { maxIterations: 100 },
  initial: "waitingForCaches",
  on: { "scheduler.stopped": ".stopped" },
  states: {
    waitingForCaches: {
      description: "Waits until it has seen every node and every pod once.",
      entry: { type: "watchCaches", params: {} },
      on: { "caches.synced": "scheduling" },
    },
    scheduling: {
      description: "Finds a node for each pod that has none; every one of them is an actor below this one.",
      entry: { type: "followCluster", params: {} },
    },
    stopped: { description: "Leads no longer.", type: "final" },
  },
});
