/**
 * The cluster's external load balancer: gives services of type LoadBalancer an address, has the host answer to it, and
 * says so in their status. Connections are spread by the proxy, whose rules hold these addresses too.
 *
 * One pass looks at all services; passes never overlap, so no address is given out twice.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type LoadBalancerEvent =
  | { type: "services.synced" }
  | { type: "services.changed" }
  | { type: "services.balanced" }
  | { type: "balancing.failed"; reason: string; message: string };

interface LoadBalancerContext {
  /** Failed passes in a row; stops at 6. */
  failures: number;
}

export const loadBalancerMachine = setup({
  types: { context: {} as LoadBalancerContext, events: {} as LoadBalancerEvent },
  actions: {
    awaitServices: effect({ answers: ["services.synced"] }),
    balanceServices: effect({ answers: ["services.balanced", "balancing.failed"], fails: "balancing.failed" }),
    countFailure: assign({ failures: ({ context }) => Math.min(6, context.failures + 1) }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    coalesce: 20,
    // Somebody may have taken an address off the host.
    checkInterval: 60_000,
    // 1 s doubling to 32 s.
    retryDelay: ({ context }) => 1_000 * 2 ** Math.max(0, Math.min(5, context.failures - 1)),
  },
}).createMachine({
  id: "loadBalancer",
  options: { maxIterations: 100 },
  context: { failures: 0 },
  initial: "waitingForSync",
  states: {
    waitingForSync: {
      description: "Waits until services have been listed; addresses of a former life stay in force.",
      entry: { type: "awaitServices", params: {} },
      on: { "services.synced": "balancing", "services.changed": {} },
    },
    settled: {
      description: "Every service that can have an address has one.",
      on: { "services.changed": "coalescing" },
      after: { checkInterval: "balancing" },
    },
    coalescing: {
      description: "Services changed; gathers for a moment what else changes.",
      on: { "services.changed": {} },
      after: { coalesce: "balancing" },
    },
    balancing: {
      description: "Gives out and takes back addresses.",
      entry: { type: "balanceServices", params: {} },
      initial: "current",
      on: { "balancing.failed": { target: "backOff", actions: "countFailure" } },
      states: {
        current: {
          description: "All services are being looked at.",
          on: {
            "services.changed": "behind",
            "services.balanced": { target: "#loadBalancer.settled", actions: "forgetFailures" },
          },
        },
        behind: {
          description: "Services changed meanwhile: another pass follows.",
          on: {
            "services.changed": {},
            "services.balanced": { target: "#loadBalancer.coalescing", actions: "forgetFailures" },
          },
        },
      },
    },
    backOff: {
      description: "A status could not be written or an address not be set up; tries again.",
      on: { "services.changed": {} },
      after: { retryDelay: "balancing" },
    },
  },
});
