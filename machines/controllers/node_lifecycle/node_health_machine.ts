/**
 * Whether a node still shows signs of life (Kubernetes docs, "Nodes": heartbeats; KEP-589).
 *
 * A sign is a change of the node's Lease or of its status as this controller sees it. Silence is counted from the last
 * change seen, never from a time written by the node: a laptop that slept must not evict its pods when it wakes.
 */
import { setup } from "xstate";
import { effect } from "../../effect.ts";

export type NodeHealthEvent =
  | { type: "heartbeat.seen" }
  | { type: "conditions.marked" }
  | { type: "mark.failed"; reason: string; message: string }
  | { type: "node.removed" };

export const nodeHealthMachine = setup({
  types: { context: {} as { node: string }, events: {} as NodeHealthEvent, input: {} as { node: string } },
  actions: {
    /** Sets the conditions that nobody reports any more to Unknown. */
    markUnknown: effect<{ node: string }>({ answers: ["conditions.marked", "mark.failed"], fails: "mark.failed" }),
    /** Whatever it was about to say is not true any more. */
    stopMarking: effect({ answers: [], cancels: ["markUnknown"] }),
  },
  delays: {
    /** kube-controller-manager --node-startup-grace-period. */
    startupGracePeriod: 60_000,
    /** --node-monitor-grace-period since 1.32. */
    monitorGracePeriod: 50_000,
    retryDelay: 1_000,
  },
}).createMachine({
  id: "nodeHealth",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ node: input.node }),
  initial: "expected",
  on: { "node.removed": ".removed", "heartbeat.seen": ".alive" },
  states: {
    expected: {
      description: "Has not been heard of since this controller started; is given 60 s.",
      after: { startupGracePeriod: "silent" },
    },
    alive: {
      description: "Shows signs of life. Falls silent when none comes for 50 s.",
      after: { monitorGracePeriod: "silent" },
      on: { "heartbeat.seen": { target: "alive", reenter: true } },
    },
    silent: {
      description: "No sign of life: its conditions become Unknown, its pods are evicted as they tolerate it.",
      exit: { type: "stopMarking", params: {} },
      initial: "marking",
      states: {
        marking: {
          description: "Writes that nothing is known of the node.",
          entry: { type: "markUnknown", params: ({ context }) => ({ node: context.node }) },
          on: { "conditions.marked": "marked", "mark.failed": "retrying" },
        },
        retrying: { description: "The API server refused; tries again in a second.", after: { retryDelay: "marking" } },
        marked: { description: "Known to be unreachable. Waits for a sign of life." },
      },
    },
    removed: { description: "The node is no longer part of the cluster.", type: "final" },
  },
});
