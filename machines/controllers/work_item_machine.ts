/**
 * One key of a controller, for example one Deployment under the deployment controller: reconciled whenever something
 * about it changed, one reconciliation at a time, again after a back-off when a write was refused.
 *
 * What the reconciliation writes is decided by the controller's plan, a plain function.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type WorkItemEvent =
  /** Something the key depends on has changed. */
  | { type: "object.changed" }
  | { type: "reconcile.done"; againAfterMs: number; waitsFor: string }
  | { type: "reconcile.failed"; reason: string; message: string }
  /** Nothing is left under the key. */
  | { type: "reconcile.foundNothing" };

interface WorkItemContext {
  key: string;
  /** Failures in a row; stops at 18. */
  failures: number;
  /** 0: not asked for. */
  againAfterMs: number;
  /** What the last plan said it waits for. */
  waitsFor: string;
}

/** 5 ms doubling to 1,000 s (client-go's default controller rate limiter). */
const backOffMs = (failures: number) => Math.min(1_000_000, 5 * 2 ** Math.max(0, failures - 1));

export const workItemMachine = setup({
  types: { context: {} as WorkItemContext, events: {} as WorkItemEvent, input: {} as { key: string } },
  actions: {
    reconcile: effect<{ key: string }>({
      answers: ["reconcile.done", "reconcile.failed", "reconcile.foundNothing"],
      fails: "reconcile.failed",
    }),
    countFailure: assign({ failures: ({ context }) => Math.min(18, context.failures + 1) }),
    noteOutcome: assign((_, { againAfterMs, waitsFor }: { againAfterMs: number; waitsFor: string }) => ({
      failures: 0,
      againAfterMs,
      waitsFor,
    })),
  },
  guards: {
    wantsAgain: (_, params: { againAfterMs: number }) => params.againAfterMs > 0,
  },
  delays: {
    againAfter: ({ context }) => context.againAfterMs,
    backOff: ({ context }) => backOffMs(context.failures),
  },
}).createMachine({
  id: "workItem",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ key: input.key, failures: 0, againAfterMs: 0, waitsFor: "" }),
  initial: "reconciling",
  states: {
    reconciling: {
      description: "Compares what is wanted with what is, and writes the difference.",
      initial: "current",
      entry: { type: "reconcile", params: ({ context }) => ({ key: context.key }) },
      on: {
        "reconcile.failed": { target: "backOff", actions: "countFailure" },
      },
      states: {
        current: {
          description: "Nothing has changed since the reconciliation began.",
          on: {
            "object.changed": "overtaken",
            "reconcile.done": [
              {
                guard: { type: "wantsAgain", params: ({ event }) => ({ againAfterMs: event.againAfterMs }) },
                target: "#workItem.watching",
                actions: { type: "noteOutcome", params: ({ event }) => event },
              },
              { target: "#workItem.settled", actions: { type: "noteOutcome", params: ({ event }) => event } },
            ],
            "reconcile.foundNothing": "#workItem.gone",
          },
        },
        overtaken: {
          description: "Something changed meanwhile: reconciles once more when this one is done.",
          on: {
            "object.changed": {},
            "reconcile.done": {
              target: "#workItem.reconciling",
              reenter: true,
              actions: { type: "noteOutcome", params: ({ event }) => event },
            },
            "reconcile.foundNothing": { target: "#workItem.reconciling", reenter: true },
          },
        },
      },
    },
    settled: {
      description: "What is matches what is wanted, as far as can be seen. Waits for a change.",
      on: { "object.changed": "reconciling" },
    },
    watching: {
      description: "Has done what it could for now. Looks again after a set time, or when something changes.",
      after: { againAfter: "reconciling" },
      on: { "object.changed": "reconciling" },
    },
    backOff: {
      description: "A write was refused. Tries again after a back-off, or when something changes.",
      after: { backOff: "reconciling" },
      on: { "object.changed": "reconciling" },
    },
    gone: { description: "Nothing is left under this key.", type: "final" },
  },
});
