/** Faults in the life of the API server. */
import { type AnyStateMachine, createMachine } from "xstate";
import { apiServerMachine } from "../../../machines/api_server/api_server_machine.ts";
import { apiServerSystem } from "../../../machines/models/api_server_system.ts";
import { edited, type Mutant, type Node } from "./mutant.ts";

/** The API server's chart with another configuration. */
function apiServerWith(change: (states: Node) => void): AnyStateMachine {
  const rebuilt = {
    createMachine: (config: never) =>
      (createMachine(config) as AnyStateMachine).provide(apiServerMachine.implementations as never),
  };
  return edited(apiServerMachine as AnyStateMachine, rebuilt, ({ states }) => change(states));
}

export const apiServerMutants: readonly Mutant[] = [
  {
    fault: "API server: closes its store before it has answered whom it took",
    model: "apiserver/stopped",
    system: () =>
      apiServerSystem({
        machine: apiServerWith((states) => {
          states.serving.on["stop.requested"] = "closingStore";
        }),
      }),
  },
  {
    fault: "API server: does not wait until it is drained",
    model: "apiserver/stopped",
    system: () =>
      apiServerSystem({
        machine: apiServerWith((states) => {
          states.draining = { ...states.draining, on: {}, always: "closingStore" };
        }),
      }),
  },
  {
    fault: "API server: does not hear that its store is closed",
    model: "apiserver/stopped",
    system: () =>
      apiServerSystem({
        machine: apiServerWith((states) => {
          states.closingStore.on = {};
        }),
      }),
  },
  {
    fault: "API server: is ready before it listens",
    model: "apiserver/stopped",
    system: () =>
      apiServerSystem({
        machine: apiServerWith((states) => {
          states.loadingCaches.on["caches.loaded"] = "serving";
        }),
      }),
  },
  {
    fault: "API server: does not drain when its store fails",
    model: "apiserver/store",
    system: () =>
      apiServerSystem({
        budgets: { failures: 1 },
        machine: apiServerWith((states) => {
          states.failing.entry = [];
        }),
      }),
  },
];
