/** The life of a simulated node: its kubelet runs, is cut off from the API when its Node says so, and ends with it. */
import { setup } from "xstate";
import { effect } from "../effect.ts";

export type SimulatedNodeEvent =
  | { type: "kubelet.started" }
  | { type: "kubelet.startFailed"; reason: string; message: string }
  | { type: "kubelet.stopped" }
  /** The annotation has come or gone. */
  | { type: "silence.asked" }
  | { type: "silence.ended" }
  | { type: "node.deleted" };

export const simulatedNodeMachine = setup({
  types: { events: {} as SimulatedNodeEvent },
  actions: {
    startKubelet: effect({ answers: ["kubelet.started", "kubelet.startFailed"], fails: "kubelet.startFailed" }),
    stopKubelet: effect({ answers: ["kubelet.stopped"], cancels: ["startKubelet"] }),
    /** From now on its kubelet hears nothing of the API, and nothing that it says arrives. */
    cutOff: effect({ answers: [] }),
    /** It hears what it has missed. */
    reconnect: effect({ answers: [] }),
  },
  delays: { retryDelay: 1_000 },
}).createMachine({
  id: "simulatedNode",
  options: { maxIterations: 100 },
  initial: "living",
  states: {
    living: {
      description: "The node is there.",
      type: "parallel",
      on: { "node.deleted": "stopping" },
      states: {
        kubelet: {
          description: "Whether its kubelet runs.",
          initial: "starting",
          states: {
            starting: {
              description: "Its kubelet starts; from then on it registers the node and takes on pods.",
              entry: { type: "startKubelet", params: {} },
              on: { "kubelet.started": "running", "kubelet.startFailed": "failed" },
            },
            failed: {
              description: "Its kubelet could not be started; tries again.",
              after: { retryDelay: "starting" },
            },
            running: { description: "Its pods go through their lives." },
          },
        },
        network: {
          description: "Whether it reaches the API.",
          initial: "connected",
          states: {
            connected: { description: "It reaches the API.", on: { "silence.asked": "silent" } },
            silent: {
              description: "Cut off: its lease runs out, and what the API wants does not reach it.",
              entry: { type: "cutOff", params: {} },
              exit: { type: "reconnect", params: {} },
              on: { "silence.ended": "connected" },
            },
          },
        },
      },
    },
    stopping: {
      description: "The Node object is gone: its kubelet ends, and all that it knew is forgotten.",
      entry: { type: "stopKubelet", params: {} },
      on: { "kubelet.stopped": "gone" },
    },
    gone: { description: "Nothing is left of the node here.", type: "final" },
  },
});
