/** Keeps one pod's mounted volumes up to date: config maps, secrets, pod fields and tokens that are to expire. */
import { setup } from "xstate";
import { effect } from "../effect.ts";

export type RefreshEvent =
  /** A config map, a secret or the pod itself is different now. */
  | { type: "sources.changed" }
  | { type: "volumes.refreshed" }
  | { type: "volumes.refreshFailed"; reason: string; message: string };

export const refreshMachine = setup({
  types: { events: {} as RefreshEvent },
  actions: {
    refreshVolumes: effect({
      answers: ["volumes.refreshed", "volumes.refreshFailed"],
      fails: "volumes.refreshFailed",
    }),
  },
  delays: { refreshInterval: 60_000, settleTime: 100, retryDelay: 10_000 },
}).createMachine({
  id: "volumeRefresh",
  options: { maxIterations: 100 },
  initial: "fresh",
  states: {
    fresh: {
      description: "What the containers see is up to date; looks again in a minute.",
      on: { "sources.changed": "settling" },
      after: { refreshInterval: "refreshing" },
    },
    settling: {
      description: "Something changed: waits a moment for more changes.",
      // More changes are what it waits for: the contents are read after them.
      on: { "sources.changed": {} },
      after: { settleTime: "refreshing" },
    },
    refreshing: {
      description: "Computes the files anew and swaps in those volumes that differ.",
      entry: { type: "refreshVolumes", params: {} },
      initial: "current",
      on: { "volumes.refreshFailed": "backOff" },
      states: {
        current: {
          description: "Works from the latest contents.",
          on: { "sources.changed": "stale", "volumes.refreshed": "#volumeRefresh.fresh" },
        },
        stale: {
          description: "Something changed meanwhile: goes over it again.",
          on: { "sources.changed": {}, "volumes.refreshed": "#volumeRefresh.settling" },
        },
      },
    },
    backOff: {
      description: "A source could not be read; the old contents stay. Tries again in 10 s, or when one has changed.",
      on: { "sources.changed": "settling" },
      after: { retryDelay: "refreshing" },
    },
  },
});
