/**
 * How what the audit log is told gets to where it is kept: in batches, one at a time. What waits is a bounded queue
 * beside the machine; while a batch is on its way the next one grows, so that a slow disk or a slow webhook makes batches
 * larger before it makes anything wait.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export interface AuditDeliveryInput {
  /** How long a batch waits to become full; 0: it is sent as soon as nothing is on its way. */
  readonly maxWaitMs: number;
  readonly maxBatch: number;
  /** How often one batch is tried; then it is dropped, and counted. */
  readonly attempts: number;
  readonly retryMs: number;
}

export type AuditDeliveryEvent =
  | { type: "events.waiting" }
  | { type: "batch.full" }
  /** `left`: how many wait now. */
  | { type: "batch.sent"; left: number }
  | { type: "batch.failed"; reason: string; message: string }
  | { type: "batch.dropped"; left: number }
  /** The server stops: nothing waits for a batch to become full any more. */
  | { type: "flush.requested" };

interface Context extends AuditDeliveryInput {
  readonly failures: number;
  readonly isFlushing: boolean;
}

const left = (event: AuditDeliveryEvent) => "left" in event ? event.left : 0;

export const auditDeliveryMachine = setup({
  types: { context: {} as Context, input: {} as AuditDeliveryInput, events: {} as AuditDeliveryEvent },
  actions: {
    sendBatch: effect({ answers: ["batch.sent", "batch.failed"], fails: "batch.failed" }),
    dropBatch: effect({ answers: ["batch.dropped"] }),
    countFailure: assign(({ context }) => ({ failures: context.failures + 1 })),
    forgetFailures: assign({ failures: 0 }),
    flush: assign({ isFlushing: true }),
  },
  guards: {
    needNotWait: ({ context }) => context.maxWaitMs === 0 || context.isFlushing,
    nextIsDue: ({ context, event }) =>
      left(event) > 0 && (context.maxWaitMs === 0 || context.isFlushing || left(event) >= context.maxBatch),
    someWait: ({ event }) => left(event) > 0,
    mayTryAgain: ({ context }) => context.failures + 1 < context.attempts,
  },
  delays: {
    batchWait: ({ context }) => context.maxWaitMs,
    retryDelay: ({ context }) => context.retryMs * 1.5 ** (context.failures - 1),
  },
}).createMachine({
  id: "auditDelivery",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, failures: 0, isFlushing: false }),
  initial: "idle",
  on: { "flush.requested": { actions: "flush" } },
  states: {
    idle: {
      description: "Nothing waits.",
      on: { "events.waiting": [{ guard: "needNotWait", target: "sending" }, { target: "collecting" }] },
    },
    collecting: {
      description: "Waits for a batch to become full, and not longer than it may.",
      on: { "batch.full": "sending", "flush.requested": { target: "sending", actions: "flush" } },
      after: { batchWait: "sending" },
    },
    sending: {
      description: "A batch is on its way.",
      entry: { type: "sendBatch", params: {} },
      on: {
        "batch.sent": [
          { guard: "nextIsDue", target: "sending", reenter: true, actions: "forgetFailures" },
          { guard: "someWait", target: "collecting", actions: "forgetFailures" },
          { target: "idle", actions: "forgetFailures" },
        ],
        "batch.failed": [
          { guard: "mayTryAgain", target: "backingOff", actions: "countFailure" },
          { target: "dropping" },
        ],
      },
    },
    backingOff: {
      description: "It could not be handed over; is tried again later.",
      on: { "flush.requested": { target: "sending", actions: "flush" } },
      after: { retryDelay: "sending" },
    },
    dropping: {
      description: "Given up, and counted: those after it are not held up for ever.",
      entry: { type: "dropBatch", params: {} },
      on: {
        "batch.dropped": [
          { guard: "nextIsDue", target: "sending", actions: "forgetFailures" },
          { guard: "someWait", target: "collecting", actions: "forgetFailures" },
          { target: "idle", actions: "forgetFailures" },
        ],
      },
    },
  },
});
