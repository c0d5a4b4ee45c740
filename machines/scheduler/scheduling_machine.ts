/**
 * A pod on its way to a node: one actor for each pod that has none yet (Kubernetes docs, "Kubernetes Scheduler";
 * the queues of kube-scheduler: active, backoff, unschedulable).
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type SchedulingEvent =
  | { type: "turn.placed"; node: string }
  /** `preempts`: the node where room is to be made by ending the victims; "" where that would not help. */
  | { type: "turn.refused"; message: string; preempts: string; victims: readonly Victim[] }
  | { type: "pod.bound" }
  | { type: "bind.failed"; reason: string; message: string }
  /** Something changed that may make room for it. */
  | { type: "cluster.changed" }
  | { type: "gates.removed" }
  /** Gone, or assigned by somebody else. */
  | { type: "pod.removed" };

/** A pod that has to go. */
export interface Victim {
  readonly key: string;
  readonly uid: string;
}

interface SchedulingContext {
  key: string;
  gated: boolean;
  /** Attempts that found no node; stops at 5, where the back-off stops growing. */
  attempts: number;
  /** Something changed while it cooled down. */
  wanted: boolean;
  /** The chosen node, while binding. */
  node: string;
  /** Why the last attempt found no node, in Kubernetes' words. */
  message: string;
}

export const schedulingMachine = setup({
  types: {
    context: {} as SchedulingContext,
    events: {} as SchedulingEvent,
    input: {} as { key: string; gated: boolean },
  },
  actions: {
    /** Joins the queue by priority; the scheduler answers when its turn has come. */
    takeTurn: effect<{ key: string }>({ answers: ["turn.placed", "turn.refused"] }),
    bindPod: effect<{ key: string; node: string }>({ answers: ["pod.bound", "bind.failed"], fails: "bind.failed" }),
    reportUnschedulable: effect<{ key: string; message: string }>(),
    /** Ends the victims; that they are gone is heard as a change of the cluster. */
    makeRoom: effect<{ key: string; node: string; victims: readonly Victim[] }>(),
    leaveQueue: effect<{ key: string }>({ answers: [], cancels: ["takeTurn", "bindPod"] }),
    noteRefusal: assign(({ context }, params: { message: string }) => ({
      attempts: Math.min(5, context.attempts + 1),
      message: params.message,
      wanted: false,
    })),
    noteNode: assign({ node: (_, params: { node: string }) => params.node }),
    noteWanted: assign({ wanted: true }),
  },
  guards: {
    isGated: ({ context }) => context.gated,
    preempts: (_, params: { preempts: string }) => params.preempts !== "",
    isWanted: ({ context }) => context.wanted,
  },
  delays: {
    // 1 s doubling to 10 s (kube-scheduler's podInitialBackoffSeconds and podMaxBackoffSeconds).
    backOff: ({ context }) => Math.min(10_000, 1000 * 2 ** Math.max(0, context.attempts - 1)),
    // Looked at again even if nothing was seen to change.
    flushInterval: 300_000,
  },
}).createMachine({
  id: "scheduling",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, attempts: 0, wanted: false, node: "", message: "" }),
  initial: "arriving",
  on: {
    "pod.removed": {
      target: ".gone",
      actions: { type: "leaveQueue", params: ({ context }) => ({ key: context.key }) },
    },
  },
  states: {
    arriving: {
      description: "Has just been seen.",
      always: [{ guard: "isGated", target: "gated" }, { target: "queued" }],
    },
    gated: {
      description: "Has scheduling gates: whoever put them there must remove them first.",
      on: { "gates.removed": "queued" },
    },
    queued: {
      description: "Waits for its turn; pods of higher priority go first.",
      entry: { type: "takeTurn", params: ({ context }) => ({ key: context.key }) },
      on: {
        "turn.placed": {
          target: "binding",
          actions: { type: "noteNode", params: ({ event }) => ({ node: event.node }) },
        },
        "turn.refused": [
          {
            guard: { type: "preempts", params: ({ event }) => ({ preempts: event.preempts }) },
            target: "unschedulable",
            actions: [
              { type: "noteRefusal", params: ({ event }) => ({ message: event.message }) },
              {
                type: "makeRoom",
                params: ({ context, event }) => ({
                  key: context.key,
                  node: event.preempts,
                  victims: event.victims,
                }),
              },
            ],
          },
          {
            target: "unschedulable",
            actions: { type: "noteRefusal", params: ({ event }) => ({ message: event.message }) },
          },
        ],
      },
    },
    binding: {
      description: "A node has been chosen; the API server is told.",
      entry: { type: "bindPod", params: ({ context }) => ({ key: context.key, node: context.node }) },
      on: {
        "pod.bound": "bound",
        "bind.failed": {
          target: "backOff",
          actions: { type: "noteRefusal", params: ({ event }) => ({ message: event.message }) },
        },
      },
    },
    backOff: {
      description: "Binding was refused; tries again after a back-off.",
      after: { backOff: "queued" },
    },
    unschedulable: {
      description:
        "No node fits. Waits for a change that could help: a new node, a pod that leaves, a taint that goes.",
      entry: { type: "reportUnschedulable", params: ({ context }) => ({ key: context.key, message: context.message }) },
      initial: "cooling",
      after: { flushInterval: "queued" },
      states: {
        cooling: {
          description: "Was looked at a moment ago; the next look comes after a back-off at the earliest.",
          on: { "cluster.changed": { actions: "noteWanted" } },
          after: { backOff: [{ guard: "isWanted", target: "#scheduling.queued" }, { target: "resting" }] },
        },
        resting: {
          description: "Is looked at again as soon as something changes that could help.",
          on: { "cluster.changed": "#scheduling.queued" },
        },
      },
    },
    bound: { description: "Its kubelet takes over.", type: "final" },
    gone: { description: "Was deleted, or assigned by somebody else.", type: "final" },
  },
});
