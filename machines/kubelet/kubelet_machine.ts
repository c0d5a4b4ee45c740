/**
 * The kubelet of one node: keeps hearing what the container runtime does, and takes on pods once it knows what runs.
 *
 * Two things must be known before a pod is touched: what the runtime has (or a running pod would be started twice) and
 * what the API wants (or a wanted pod would be taken for an orphan).
 */
import { and, assign, setup, stateIn } from "xstate";
import { effect } from "../effect.ts";

export type KubeletEvent =
  | { type: "runtime.prepared" }
  | { type: "runtime.prepareFailed"; reason: string; message: string }
  /** Everything the runtime has of this node was listed, and its events are followed from before the list. */
  | { type: "runtime.listed" }
  | { type: "runtime.listFailed"; reason: string; message: string }
  | { type: "runtime.lost"; message: string }
  | { type: "pods.synced" }
  | { type: "pods.changed" }
  | { type: "orphans.swept" }
  | { type: "kubelet.stopAsked" };

interface KubeletContext {
  /** Failures to reach the runtime in a row; stops at 6. */
  failures: number;
}

export const kubeletMachine = setup({
  types: { context: {} as KubeletContext, events: {} as KubeletEvent },
  actions: {
    /** Checks the runtime's version and loads the pause image when it is not there. */
    prepareRuntime: effect({
      answers: ["runtime.prepared", "runtime.prepareFailed"],
      fails: "runtime.prepareFailed",
    }),
    /** Follows the runtime's events and lists what it has. `follow`: false lists only. */
    listRuntime: effect<{ follow: boolean }>({
      answers: ["runtime.listed", "runtime.listFailed"],
      fails: "runtime.listFailed",
    }),
    unfollowRuntime: effect({ answers: [], cancels: ["listRuntime"] }),
    /** Starts actors for pods that are new here. */
    takeOnPods: effect({ answers: [] }),
    /** Takes down what carries this node's labels and belongs to no pod of the API. */
    sweepOrphans: effect({ answers: [] }),
    countFailure: assign({ failures: ({ context }) => Math.min(6, context.failures + 1) }),
    forgetFailures: assign({ failures: 0 }),
  },
  guards: {
    isKnown: and([stateIn("#kubelet.runtime.known"), stateIn("#kubelet.pods.synced")]),
  },
  delays: {
    retryDelay: ({ context }) => 250 * 2 ** Math.min(6, context.failures),
    relistInterval: 300_000,
    sweepInterval: 300_000,
  },
}).createMachine({
  id: "kubelet",
  options: { maxIterations: 100 },
  context: { failures: 0 },
  type: "parallel",
  states: {
    runtime: {
      description: "What the container runtime has and does.",
      initial: "preparing",
      states: {
        preparing: {
          description: "Asks the runtime who it is and sees to the pause image.",
          entry: { type: "prepareRuntime", params: {} },
          on: {
            "runtime.prepared": "listing",
            "runtime.prepareFailed": { target: "unreachable", actions: "countFailure" },
          },
        },
        listing: {
          description: "Follows the runtime's events and lists what it has of this node.",
          entry: { type: "listRuntime", params: { follow: true } },
          on: {
            "runtime.listed": { target: "known", actions: "forgetFailures" },
            "runtime.listFailed": { target: "unreachable", actions: "countFailure" },
            "runtime.lost": { target: "unreachable", actions: "countFailure" },
          },
        },
        known: {
          description: "Every change in the runtime arrives as an event.",
          initial: "following",
          on: { "runtime.lost": { target: "unreachable", actions: "countFailure" } },
          states: {
            following: {
              description: "Follows events; lists again after five minutes in case one was missed.",
              after: { relistInterval: "relisting" },
            },
            relisting: {
              description: "Lists what the runtime has and compares.",
              entry: { type: "listRuntime", params: { follow: false } },
              on: { "runtime.listed": "following", "runtime.listFailed": "following" },
            },
          },
        },
        unreachable: {
          description: "The runtime does not answer or has ended its events; tries again soon.",
          entry: { type: "unfollowRuntime", params: {} },
          after: { retryDelay: "preparing" },
        },
      },
    },
    pods: {
      description: "What the API wants on this node.",
      initial: "unknown",
      states: {
        unknown: { description: "Waits for the first list of pods.", on: { "pods.synced": "synced" } },
        synced: { description: "In step with the API." },
      },
    },
    work: {
      description: "Pods are taken on once both the runtime and the API are known.",
      initial: "waiting",
      states: {
        waiting: {
          description: "Waits until it knows what runs and what is wanted.",
          always: { guard: "isKnown", target: "serving" },
        },
        serving: {
          description: "Takes on every pod bound to this node.",
          entry: [{ type: "takeOnPods", params: {} }, { type: "sweepOrphans", params: {} }],
          after: { sweepInterval: { target: "serving", reenter: true } },
          on: { "pods.changed": { actions: { type: "takeOnPods", params: {} } } },
        },
      },
    },
  },
});
