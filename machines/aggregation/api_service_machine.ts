/**
 * An API that another server provides (APIService): whether that server can be reached, looked at again and again
 * (kube-aggregator's availability controller: every 30 s, every second while it is away).
 */
import { setup } from "xstate";
import { effect } from "../effect.ts";

export type ApiServiceEvent =
  | { type: "server.answered" }
  | { type: "server.unreachable"; reason: string; message: string }
  /** Nothing was found out: the cluster's own objects could not be read. */
  | { type: "check.failed"; reason: string; message: string }
  | { type: "availability.published" }
  | { type: "availability.notPublished"; reason: string; message: string }
  /** It is to be found elsewhere from now on. */
  | { type: "spec.changed" };

export const apiServiceMachine = setup({
  types: { events: {} as ApiServiceEvent },
  actions: {
    // A new look calls off what came of the one before.
    checkServer: effect({
      answers: ["server.answered", "server.unreachable", "check.failed"],
      fails: "check.failed",
      cancels: ["checkServer", "publishAvailability"],
    }),
    publishAvailability: effect<{ available: boolean }>({
      answers: ["availability.published", "availability.notPublished"],
      fails: "availability.notPublished",
    }),
  },
  delays: { checkInterval: 30_000, retryDelay: 1_000 },
}).createMachine({
  id: "apiService",
  options: { maxIterations: 100 },
  initial: "checking",
  on: { "spec.changed": ".checking" },
  states: {
    checking: {
      description:
        "Looks for its service and asks the server what it serves. Requests are treated as after the last look.",
      entry: { type: "checkServer", params: {} },
      on: {
        "server.answered": "available",
        "server.unreachable": "unavailable",
        "check.failed": "undecided",
        "spec.changed": { target: "checking", reenter: true },
      },
    },
    available: {
      description: "Requests are handed on to the server.",
      entry: { type: "publishAvailability", params: { available: true } },
      on: { "availability.published": {}, "availability.notPublished": "undecided" },
      after: { checkInterval: "checking" },
    },
    unavailable: {
      description: "Requests are answered with 503; it is looked for again in a second.",
      entry: { type: "publishAvailability", params: { available: false } },
      on: { "availability.published": {}, "availability.notPublished": "undecided" },
      after: { retryDelay: "checking" },
    },
    undecided: {
      description: "It could not be looked at, or what was seen not be written; requests are treated as before.",
      after: { retryDelay: "checking" },
    },
  },
});
