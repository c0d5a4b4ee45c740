/**
 * The node's own object: registered once, its status looked at every 10 s and written when it changed or five minutes
 * have passed (Kubernetes "Nodes", "Heartbeats").
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type NodeEvent =
  | { type: "node.registered" }
  | { type: "node.registerFailed"; reason: string; message: string }
  /** Written, or looked at and found as it was. */
  | { type: "status.posted" }
  | { type: "status.postFailed"; reason: string; message: string }
  /** The runtime came or went, or the kubelet begins to serve. */
  | { type: "node.changed" };

export const nodeMachine = setup({
  types: { context: {} as { failures: number }, events: {} as NodeEvent },
  actions: {
    registerNode: effect({ answers: ["node.registered", "node.registerFailed"], fails: "node.registerFailed" }),
    postStatus: effect({
      answers: ["status.posted", "status.postFailed"],
      fails: "status.postFailed",
      cancels: ["postStatus"],
    }),
    countFailure: assign({ failures: ({ context }) => Math.min(5, context.failures + 1) }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    retryDelay: ({ context }) => 100 * 2 ** context.failures,
    statusInterval: 10_000,
  },
}).createMachine({
  id: "node",
  options: { maxIterations: 100 },
  context: { failures: 0 },
  initial: "registering",
  states: {
    registering: {
      description: "Creates the Node object, or takes over the one of its name.",
      entry: { type: "registerNode", params: {} },
      on: {
        "node.registered": { target: "posting", actions: "forgetFailures" },
        "node.registerFailed": { target: "registerBackOff", actions: "countFailure" },
      },
    },
    registerBackOff: {
      description: "The API did not take the node; tries again soon.",
      after: { retryDelay: "registering" },
    },
    posting: {
      description: "Looks at addresses, capacity, images and conditions and writes what changed.",
      entry: { type: "postStatus", params: {} },
      on: {
        "status.posted": { target: "posted", actions: "forgetFailures" },
        "status.postFailed": { target: "postBackOff", actions: "countFailure" },
        "node.changed": { target: "posting", reenter: true },
      },
    },
    posted: {
      description: "The API knows how the node is; looks again in 10 s.",
      after: { statusInterval: "posting" },
      on: { "node.changed": "posting" },
    },
    postBackOff: {
      description: "The status could not be written; tries again soon.",
      after: { retryDelay: "posting" },
    },
  },
});
