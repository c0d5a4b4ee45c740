/**
 * The cluster's name server: its sockets and its table. Questions are not events of this chart: they are answered from
 * the table as they come. Until services have been listed once, names of the cluster are answered with SERVFAIL, which
 * nobody remembers; other names are forwarded from the start.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type DnsEvent =
  | { type: "services.synced" }
  | { type: "sockets.opened" }
  | { type: "sockets.refused"; reason: string; message: string }
  /** A socket broke while it was in use. */
  | { type: "socket.failed" };

interface DnsContext {
  /** Failures in a row; stops at 6. */
  failures: number;
}

export const dnsMachine = setup({
  types: { context: {} as DnsContext, events: {} as DnsEvent },
  actions: {
    awaitServices: effect({ answers: ["services.synced"] }),
    openSockets: effect({ answers: ["sockets.opened", "sockets.refused"], fails: "sockets.refused" }),
    closeSockets: effect(),
    countFailure: assign({ failures: ({ context }) => Math.min(6, context.failures + 1) }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    // 0.25 s doubling to 8 s: an address may come up a little later than its listener.
    retryDelay: ({ context }) => 250 * 2 ** Math.max(0, Math.min(5, context.failures - 1)),
  },
}).createMachine({
  id: "dns",
  options: { maxIterations: 100 },
  context: { failures: 0 },
  type: "parallel",
  states: {
    table: {
      description: "What is known of the cluster's names.",
      initial: "waitingForSync",
      states: {
        waitingForSync: {
          description: "Waits until services and endpoints have been listed; names of the cluster get SERVFAIL.",
          entry: { type: "awaitServices", params: {} },
          on: { "services.synced": "synced" },
        },
        synced: { description: "Names of the cluster are answered from services and endpoints." },
      },
    },
    sockets: {
      description: "Where questions come in.",
      initial: "opening",
      states: {
        opening: {
          description: "Opens UDP and TCP port 53 on the addresses of the cluster's name server.",
          entry: { type: "openSockets", params: {} },
          on: {
            "sockets.opened": { target: "open", actions: "forgetFailures" },
            "sockets.refused": { target: "backOff", actions: "countFailure" },
          },
        },
        open: {
          description: "Questions are answered.",
          on: { "socket.failed": { target: "backOff", actions: "countFailure" } },
        },
        backOff: {
          description: "An address could not be opened, or a socket broke; tries again.",
          entry: { type: "closeSockets", params: {} },
          after: { retryDelay: "opening" },
        },
      },
    },
  },
});
