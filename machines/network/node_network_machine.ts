/**
 * A node's network on its host: the bridge, forwarding beside Docker, the pods' way to the outside. Sandboxes are wired
 * once it is up; each by a call of its own, not by this chart.
 *
 * Docker writes its rules anew when it starts, and other programs may remove links and tables: what is there is
 * compared with what is wanted again and again, by the same idempotent steps that set it up.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type NodeNetworkEvent =
  | { type: "network.setUp" }
  | { type: "network.failed"; reason: string; message: string }
  /** Docker has (re)started. */
  | { type: "docker.started" }
  /** The node leaves this host. */
  | { type: "network.removalAsked" }
  | { type: "network.removed" }
  | { type: "network.removalFailed"; reason: string; message: string };

interface NodeNetworkContext {
  /** Failures in a row; stops at 6. */
  failures: number;
}

export const nodeNetworkMachine = setup({
  types: { context: {} as NodeNetworkContext, events: {} as NodeNetworkEvent },
  actions: {
    setUpNetwork: effect({ answers: ["network.setUp", "network.failed"], fails: "network.failed" }),
    removeNetwork: effect({ answers: ["network.removed", "network.removalFailed"], fails: "network.removalFailed" }),
    countFailure: assign({ failures: ({ context }) => Math.min(6, context.failures + 1) }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    checkInterval: 60_000,
    // 0.5 s doubling to 16 s.
    retryDelay: ({ context }) => 500 * 2 ** Math.max(0, Math.min(5, context.failures - 1)),
  },
}).createMachine({
  id: "nodeNetwork",
  options: { maxIterations: 100 },
  context: { failures: 0 },
  initial: "settingUp",
  states: {
    settingUp: {
      description: "Sets up the bridge, its addresses and routes, and the rules beside Docker; or repairs them.",
      entry: { type: "setUpNetwork", params: {} },
      initial: "current",
      on: { "network.failed": { target: "backOff", actions: "countFailure" } },
      states: {
        current: {
          description: "Nothing has happened since it began.",
          on: {
            "network.setUp": { target: "#nodeNetwork.ready", actions: "forgetFailures" },
            "docker.started": "outdated",
            "network.removalAsked": "leaving",
          },
        },
        outdated: {
          description: "Docker has started meanwhile: once more.",
          on: {
            "network.setUp": { target: "#nodeNetwork.settingUp", reenter: true, actions: "forgetFailures" },
            "docker.started": {},
            "network.removalAsked": "leaving",
          },
        },
        leaving: {
          description: "Will be removed as soon as this is done.",
          on: {
            "docker.started": {},
            "network.setUp": "#nodeNetwork.removing",
            "network.failed": "#nodeNetwork.removing",
          },
        },
      },
    },
    ready: {
      description: "Pods can be wired; everything was there when it was last looked at.",
      on: { "docker.started": "settingUp", "network.removalAsked": "removing" },
      after: { checkInterval: "settingUp" },
    },
    backOff: {
      description: "A step failed (the node is not ready for pods that are not wired yet); tries again.",
      on: { "docker.started": "settingUp", "network.removalAsked": "removing" },
      after: { retryDelay: "settingUp" },
    },
    removing: {
      description: "Takes the bridge and everything on it off the host.",
      entry: { type: "removeNetwork", params: {} },
      on: {
        "docker.started": {},
        "network.removed": "removed",
        "network.removalFailed": { target: "removalBackOff", actions: "countFailure" },
      },
    },
    removalBackOff: {
      description: "Something could not be removed; tries again.",
      on: { "docker.started": {} },
      after: { retryDelay: "removing" },
    },
    removed: { description: "Nothing of the node's network is left on the host.", type: "final" },
  },
});
