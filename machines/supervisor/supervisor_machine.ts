/**
 * The order in which the processes of a cluster start and stop: nodes need a master to register with, and a master that
 * outlives its nodes hears what they have to say at the end.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type SupervisorEvent =
  | { type: "master.ready"; number: number }
  | { type: "node.ready"; number: number }
  /** The process is gone and does not come back. `worked`: it had been ready before. */
  | { type: "master.gone"; number: number; worked: boolean }
  | { type: "node.gone"; number: number; worked: boolean }
  | { type: "stop.requested" }
  | { type: "stop.demanded" };

interface SupervisorContext {
  /** Numbers of the masters that have not been ready yet. */
  awaitedMasters: number[];
  /** Numbers of the masters whose process is not gone. */
  presentMasters: number[];
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
    input: {} as { masters: number; nodes: number },
  },
  actions: {
    startMasters: effect<{ numbers: number[] }>(),
    startNodes: effect<{ numbers: number[] }>(),
    stopNodes: effect<{ numbers: number[]; demanded: boolean }>(),
    stopMasters: effect<{ numbers: number[]; demanded: boolean }>(),
    announceReady: effect(),
    noteReady: assign({ awaited: ({ context }, { number }: { number: number }) => without(context.awaited, number) }),
    noteGone: assign({ present: ({ context }, { number }: { number: number }) => without(context.present, number) }),
    noteMasterReady: assign({
      awaitedMasters: ({ context }, { number }: { number: number }) => without(context.awaitedMasters, number),
    }),
    noteMasterGone: assign({
      presentMasters: ({ context }, { number }: { number: number }) => without(context.presentMasters, number),
    }),
    noteFailure: assign({ failed: true }),
    noteDemand: assign({ demanded: true }),
  },
  guards: {
    isLastAwaited: ({ context }, { number }: { number: number }) => without(context.awaited, number).length === 0,
    isLastPresent: ({ context }, { number }: { number: number }) => without(context.present, number).length === 0,
    isLastAwaitedMaster: ({ context }, { number }: { number: number }) =>
      without(context.awaitedMasters, number).length === 0,
    isLastPresentMaster: ({ context }, { number }: { number: number }) =>
      without(context.presentMasters, number).length === 0,
    endsInFailure: ({ context }, { number }: { number: number }) =>
      context.failed && without(context.presentMasters, number).length === 0,
  },
}).createMachine({
  id: "supervisor",
  options: { maxIterations: 100 },
  context: ({ input }) => {
    const upTo = (length: number) => Array.from({ length }, (_, number) => number);
    const [masters, nodes] = [upTo(input.masters), upTo(input.nodes)];
    return {
      awaitedMasters: masters,
      presentMasters: masters,
      awaited: nodes,
      present: nodes,
      failed: false,
      demanded: false,
    };
  },
  initial: "startingMasters",
  states: {
    startingMasters: {
      description: "Waits until every master serves the API and the cluster's standing objects are there.",
      entry: { type: "startMasters", params: ({ context }) => ({ numbers: context.presentMasters }) },
      on: {
        "master.ready": [
          { guard: { type: "isLastAwaitedMaster", params: numberOf }, target: "startingNodes" },
          { actions: { type: "noteMasterReady", params: numberOf } },
        ],
        "master.gone": [
          { guard: { type: "isLastPresentMaster", params: numberOf }, target: "failed" },
          { target: "stoppingMasters", actions: ["noteFailure", { type: "noteMasterGone", params: numberOf }] },
        ],
        "stop.requested": "stoppingMasters",
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
          { guard: { type: "isLastPresent", params: numberOf }, target: "stoppingMasters", actions: "noteFailure" },
          { target: "stoppingNodes", actions: ["noteFailure", { type: "noteGone", params: numberOf }] },
        ],
        "stop.requested": "stoppingNodes",
      },
    },
    running: {
      description: "Masters and nodes run; each is started again by itself should it end.",
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
          { guard: { type: "isLastPresent", params: numberOf }, target: "stoppingMasters" },
          { actions: { type: "noteGone", params: numberOf } },
        ],
        "stop.demanded": { target: "stoppingNodes", reenter: true, actions: "noteDemand" },
      },
    },
    stoppingMasters: {
      description: "Waits until the masters have closed their stores and ended.",
      entry: {
        type: "stopMasters",
        params: ({ context }) => ({ numbers: context.presentMasters, demanded: context.demanded }),
      },
      on: {
        "master.gone": [
          { guard: { type: "endsInFailure", params: numberOf }, target: "failed" },
          { guard: { type: "isLastPresentMaster", params: numberOf }, target: "ended" },
          { actions: { type: "noteMasterGone", params: numberOf } },
        ],
        "stop.demanded": { target: "stoppingMasters", reenter: true, actions: "noteDemand" },
      },
    },
    ended: { type: "final", description: "All processes have ended, as they were told to." },
    failed: { type: "final", description: "The cluster did not come up; all its processes have ended." },
  },
});
