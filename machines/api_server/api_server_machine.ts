/** The life of an API server: from its store to the last answered request. */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type ApiServerEvent =
  | { type: "store.opened" }
  | { type: "store.refused"; reason: string; message: string }
  | { type: "caches.loaded" }
  | { type: "caches.failed"; reason: string; message: string }
  | { type: "server.listening" }
  | { type: "listen.failed"; reason: string; message: string }
  | { type: "cluster.prepared" }
  | { type: "preparation.failed"; reason: string; message: string }
  | { type: "server.drained" }
  | { type: "store.closed" }
  /** The store can take no more writes. */
  | { type: "store.failed"; message: string }
  | { type: "stop.requested" };

interface ApiServerContext {
  /** Why it could not go on. */
  problem: string;
}

export const apiServerMachine = setup({
  types: { context: {} as ApiServerContext, events: {} as ApiServerEvent },
  actions: {
    openStore: effect({ answers: ["store.opened", "store.refused"], fails: "store.refused" }),
    loadCaches: effect({ answers: ["caches.loaded", "caches.failed"], fails: "caches.failed" }),
    listen: effect({ answers: ["server.listening", "listen.failed"], fails: "listen.failed" }),
    /** Namespaces, default policy and the service `kubernetes`, as every cluster has them. */
    prepareCluster: effect({ answers: ["cluster.prepared", "preparation.failed"], fails: "preparation.failed" }),
    drain: effect({ answers: ["server.drained"], fails: "server.drained" }),
    closeStore: effect({ answers: ["store.closed"], fails: "store.closed" }),
    noteProblem: assign({ problem: (_, params: { problem: string }) => params.problem }),
  },
  delays: { retryDelay: 500 },
}).createMachine({
  id: "apiServer",
  options: { maxIterations: 100 },
  context: { problem: "" },
  initial: "openingStore",
  states: {
    openingStore: {
      description: "Reads the store from disk.",
      entry: { type: "openStore", params: {} },
      on: {
        "store.opened": "loadingCaches",
        "store.refused": {
          target: "failed",
          actions: { type: "noteProblem", params: ({ event }) => ({ problem: event.message }) },
        },
      },
    },
    loadingCaches: {
      description: "Reads every object once, so that requests can be served from memory.",
      entry: { type: "loadCaches", params: {} },
      on: {
        "caches.loaded": "startingToListen",
        "caches.failed": {
          target: "failing",
          actions: { type: "noteProblem", params: ({ event }) => ({ problem: event.message }) },
        },
      },
    },
    startingToListen: {
      description: "Opens its port.",
      entry: { type: "listen", params: {} },
      on: {
        "server.listening": "serving",
        "listen.failed": {
          target: "failing",
          actions: { type: "noteProblem", params: ({ event }) => ({ problem: event.message }) },
        },
      },
    },
    serving: {
      description: "Answers requests.",
      initial: "preparing",
      on: {
        "stop.requested": "draining",
        "store.failed": {
          target: "failing",
          actions: { type: "noteProblem", params: ({ event }) => ({ problem: event.message }) },
        },
      },
      states: {
        preparing: {
          description: 'Writes what every cluster has: namespaces, default policy, the service "kubernetes".',
          entry: { type: "prepareCluster", params: {} },
          on: {
            "cluster.prepared": "ready",
            "preparation.failed": {
              target: "waitingToPrepare",
              actions: { type: "noteProblem", params: ({ event }) => ({ problem: event.message }) },
            },
          },
        },
        waitingToPrepare: {
          description: "A write was refused; tries again in half a second.",
          after: { retryDelay: "preparing" },
        },
        ready: { description: "Ready: /readyz says ok." },
      },
    },
    draining: {
      description: "Takes no new connections, ends watches, and answers what it was asked.",
      entry: { type: "drain", params: {} },
      on: { "server.drained": "closingStore" },
    },
    closingStore: {
      description: "Lets the store write what it still has.",
      entry: { type: "closeStore", params: {} },
      on: { "store.closed": "stopped" },
    },
    failing: {
      description: "Cannot go on; ends what it has begun.",
      entry: { type: "drain", params: {} },
      on: { "server.drained": "failed" },
    },
    stopped: { description: "Has ended in order.", type: "final" },
    failed: { description: "Has ended: see its problem.", type: "final" },
  },
});
