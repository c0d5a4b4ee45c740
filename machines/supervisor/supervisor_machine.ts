/**
 * The order in which the processes of a cluster start and stop: nodes need a master to register with, and a master that
 * outlives its nodes hears what they have to say at the end.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type SupervisorEvent =
  | { type: "master.ready" }
  | { type: "node.ready"; number: number }
  /** The process is gone and does not come back. `worked`: it had been ready before. */
  | { type: "master.gone"; worked: boolean }
  | { type: "node.gone"; number: number; worked: boolean }
  | { type: "stop.requested" }
  | { type: "stop.demanded" };

interface SupervisorContext {
  /** Numbers of the nodes that have not been ready yet. */
  awaited: number[];
  /** Numbers of the nodes whose process is not gone. */
  present: number[];
  /** Whether a process ended before it had ever been ready: the cluster did not come up. */
  failed: boolean;
  /** Whether nobody is asked any more: they are killed. */
  demanded: boolean;
}

const without = (numbers: readonly number[], number: number) => numbers.filter((each) => each !== number);
const numberOf = ({ event }: { event: { number: number } }) => ({ number: event.number });

export const supervisorMachine = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as { nodes: number },
  },
  actions: {
    startMaster: effect(),
    startNodes: effect<{ numbers: number[] }>(),
    stopNodes: effect<{ numbers: number[]; demanded: boolean }>(),
    stopMaster: effect<{ demanded: boolean }>(),
    announceReady: effect(),
    noteReady: assign({ awaited: ({ context }, { number }: { number: number }) => without(context.awaited, number) }),
    noteGone: assign({ present: ({ context }, { number }: { number: number }) => without(context.present, number) }),
    noteFailure: assign({ failed: true }),
    noteDemand: assign({ demanded: true }),
  },
  guards: {
    isLastAwaited: ({ context }, { number }: { number: number }) => without(context.awaited, number).length === 0,
    isLastPresent: ({ context }, { number }: { number: number }) => without(context.present, number).length === 0,
    hasFailed: ({ context }) => context.failed,
  },
}).createMachine({
  id: "supervisor",
  options: { maxIterations: 100 },
  context: ({ input }) => {
    const numbers = Array.from({ length: input.nodes }, (_, number) => number);
    return { awaited: numbers, present: numbers, failed: false, demanded: false };
  },
  initial: "startingMaster",
  states: {
    startingMaster: {
      description: "Waits until the master serves the API and the cluster's standing objects are there.",
      entry: { type: "startMaster", params: {} },
      on: {
        "master.ready": "startingNodes",
        "master.gone": "failed",
        "stop.requested": "stoppingMaster",
      },
    },
    startingNodes: {
      description: "Waits until every node has said that it is ready.",
      entry: { type: "startNodes", params: ({ context }) => ({ numbers: context.present }) },
      on: {
        "node.ready": [
          { guard: { type: "isLastAwaited", params: numberOf }, target: "running" },
          { actions: { type: "noteReady", params: numberOf } },
        ],
        "node.gone": [
          { guard: { type: "isLastPresent", params: numberOf }, target: "stoppingMaster", actions: "noteFailure" },
          { target: "stoppingNodes", actions: ["noteFailure", { type: "noteGone", params: numberOf }] },
        ],
        "stop.requested": "stoppingNodes",
      },
    },
    running: {
      description: "Master and nodes run; each is started again by itself should it end.",
      entry: { type: "announceReady", params: {} },
      on: { "stop.requested": "stoppingNodes" },
    },
    stoppingNodes: {
      description: "Waits until the nodes' processes have ended; their pods keep running.",
      entry: {
        type: "stopNodes",
        params: ({ context }) => ({ numbers: context.present, demanded: context.demanded }),
      },
      on: {
        "node.gone": [
          { guard: { type: "isLastPresent", params: numberOf }, target: "stoppingMaster" },
          { actions: { type: "noteGone", params: numberOf } },
        ],
        "stop.demanded": { target: "stoppingNodes", reenter: true, actions: "noteDemand" },
      },
    },
    stoppingMaster: {
      description: "Waits until the master has closed its store and ended.",
      entry: { type: "stopMaster", params: ({ context }) => ({ demanded: context.demanded }) },
      on: {
        "master.gone": [{ guard: "hasFailed", target: "failed" }, { target: "ended" }],
        "stop.demanded": { target: "stoppingMaster", reenter: true, actions: "noteDemand" },
      },
    },
    ended: { type: "final", description: "All processes have ended, as they were told to." },
    failed: { type: "final", description: "The cluster did not come up; all its processes have ended." },
  },
});
