/**
 * One informer: a list, then a watch from its revision, for as long as the process lives.
 *
 * The objects stay in the informer's cache; here is only what decides whether that cache can be trusted. A watch that
 * ends is taken up again from the last revision seen; one whose revision has expired (410 Gone) is replaced by a new
 * list, during which readers keep the old contents (Kubernetes API concepts, "Efficient detection of changes").
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type InformerEvent =
  | { type: "objects.listed"; count: number }
  | { type: "list.failed"; reason: string; message: string }
  /** A batch has been put into the cache. */
  | { type: "batch.received"; count: number }
  | { type: "watch.ended"; expired: boolean };

interface InformerContext {
  /** What the user sees as the informer's subject. */
  resource: string;
  /** Failures in a row; stops at 6. */
  failures: number;
}

export const informerMachine = setup({
  types: {
    context: {} as InformerContext,
    events: {} as InformerEvent,
    input: {} as { resource: string },
  },
  actions: {
    listObjects: effect({ answers: ["objects.listed", "list.failed"], fails: "list.failed" }),
    watchObjects: effect({ answers: ["watch.ended"] }),
    countFailure: assign({ failures: ({ context }) => Math.min(6, context.failures + 1) }),
    forgetFailures: assign({ failures: 0 }),
  },
  guards: {
    isExpired: (_, params: { expired: boolean }) => params.expired,
  },
  delays: {
    // 0.5 s doubling to 16 s.
    retryDelay: ({ context }) => 500 * 2 ** Math.max(0, Math.min(5, context.failures - 1)),
  },
}).createMachine({
  id: "informer",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ resource: input.resource, failures: 0 }),
  initial: "listing",
  states: {
    listing: {
      description: "Asks the API server for all objects; readers wait until they have come once.",
      entry: { type: "listObjects", params: {} },
      on: {
        "objects.listed": "watching",
        "list.failed": { target: "backOff.listing", actions: "countFailure" },
      },
    },
    watching: {
      description: "In step with the API server: every change arrives as it happens.",
      entry: { type: "watchObjects", params: {} },
      on: {
        "batch.received": { actions: "forgetFailures" },
        "watch.ended": [
          { guard: { type: "isExpired", params: ({ event }) => ({ expired: event.expired }) }, target: "relisting" },
          { target: "backOff.watching", actions: "countFailure" },
        ],
      },
    },
    relisting: {
      description: "The revision it had watched from has expired: lists anew while readers keep the old contents.",
      entry: { type: "listObjects", params: {} },
      on: {
        "objects.listed": "watching",
        "list.failed": { target: "backOff.listing", actions: "countFailure" },
      },
    },
    backOff: {
      description: "The API server did not answer or ended the watch; waits a little before it asks again.",
      initial: "watching",
      states: {
        listing: { description: "Will list again.", after: { retryDelay: "#informer.relisting" } },
        watching: {
          description: "Will watch again from the last revision it saw.",
          after: { retryDelay: "#informer.watching" },
        },
      },
    },
  },
});
