/** The node's heartbeat: a Lease of 40 s in kube-node-lease, renewed every 10 s. */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type LeaseEvent =
  | { type: "lease.renewed" }
  | { type: "lease.renewFailed"; reason: string; message: string };

export const leaseDurationSeconds = 40;

export const leaseMachine = setup({
  types: { context: {} as { failures: number }, events: {} as LeaseEvent },
  actions: {
    renewLease: effect({ answers: ["lease.renewed", "lease.renewFailed"], fails: "lease.renewFailed" }),
    countFailure: assign({ failures: ({ context }) => Math.min(5, context.failures + 1) }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    renewInterval: 10_000,
    retryDelay: ({ context }) => 200 * 2 ** context.failures,
  },
}).createMachine({
  id: "lease",
  options: { maxIterations: 100 },
  context: { failures: 0 },
  initial: "renewing",
  states: {
    renewing: {
      description: "Writes the time into the lease; makes it when it is not there.",
      entry: { type: "renewLease", params: {} },
      on: {
        "lease.renewed": { target: "held", actions: "forgetFailures" },
        "lease.renewFailed": { target: "retrying", actions: "countFailure" },
      },
    },
    held: { description: "The node counts as alive; renews in 10 s.", after: { renewInterval: "renewing" } },
    retrying: { description: "The lease could not be written; tries again soon.", after: { retryDelay: "renewing" } },
  },
});
