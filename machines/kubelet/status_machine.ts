/** Writing one pod's status: one write per batch of changes, and the latest always gets there. */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type StatusEvent =
  /** Something that the status is computed from is different now. */
  | { type: "pod.moved" }
  /** Written, or found to be what the API has already. */
  | { type: "status.written" }
  | { type: "status.writeFailed"; reason: string; message: string };

export const statusMachine = setup({
  types: { context: {} as { failures: number }, events: {} as StatusEvent },
  actions: {
    writeStatus: effect({ answers: ["status.written", "status.writeFailed"], fails: "status.writeFailed" }),
    countFailure: assign({ failures: ({ context }) => Math.min(6, context.failures + 1) }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: { retryDelay: ({ context }) => 250 * 2 ** context.failures },
}).createMachine({
  id: "podStatus",
  options: { maxIterations: 100 },
  context: { failures: 0 },
  initial: "settled",
  states: {
    settled: {
      description: "The API has the pod's status as it is.",
      on: { "pod.moved": "writing" },
    },
    writing: {
      description: "Computes the status and writes it, if it differs.",
      entry: { type: "writeStatus", params: {} },
      initial: "current",
      on: {
        "status.writeFailed": { target: "backOff", actions: "countFailure" },
      },
      states: {
        current: {
          description: "What is being written is the latest.",
          on: { "pod.moved": "stale", "status.written": { target: "#podStatus.settled", actions: "forgetFailures" } },
        },
        stale: {
          description: "The pod has moved on since: writes again afterwards.",
          on: {
            "pod.moved": "stale",
            "status.written": { target: "#podStatus.writing", reenter: true, actions: "forgetFailures" },
          },
        },
      },
    },
    backOff: {
      description: "The API refused the status or did not answer; writes again soon.",
      after: { retryDelay: "writing" },
    },
  },
});
