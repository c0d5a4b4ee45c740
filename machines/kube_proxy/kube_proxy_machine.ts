/**
 * The proxy of one host: it keeps the packet filter in step with services and endpoints.
 *
 * Which rules there are is computed beside this chart (`service_rules.ts`, `ruleset.ts`); here is only when they are
 * written. The first write replaces whatever a former life left, in one transaction: connections never meet a table
 * that is half there. Afterwards changes are written, all that have come together at once. When the kernel refuses a
 * change, or somebody else removed the table, it is made anew.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type KubeProxyEvent =
  /** Services and endpoints have been listed once. */
  | { type: "services.synced" }
  /** The rules that are wanted differ from those that were last written. */
  | { type: "services.changed" }
  | { type: "rules.written" }
  | { type: "rules.refused"; reason: string; message: string }
  | { type: "rules.found" }
  | { type: "rules.missing" }
  /** The cluster goes down: nothing of it may stay in the kernel. */
  | { type: "proxy.removalAsked" }
  | { type: "rules.removed" }
  | { type: "rules.removalFailed"; reason: string; message: string };

interface KubeProxyContext {
  /** Refused writes in a row; stops at 6. */
  failures: number;
}

/** While a write is under way. What changes meanwhile is written next; a removal waits, so that nothing comes after it. */
const writing = {
  initial: "current",
  states: {
    current: {
      description: "Everything wanted is being written.",
      on: {
        "services.changed": "behind",
        "rules.written": { target: "#kubeProxy.settled", actions: "forgetFailures" },
        "proxy.removalAsked": "leaving",
      },
    },
    behind: {
      description: "More has changed meanwhile; it is written next.",
      on: {
        "services.changed": {},
        "rules.written": { target: "#kubeProxy.coalescing", actions: "forgetFailures" },
        "proxy.removalAsked": "leaving",
      },
    },
    leaving: {
      description: "The rules will be removed as soon as this write is done.",
      on: {
        "services.changed": {},
        "rules.written": "#kubeProxy.removing",
        "rules.refused": "#kubeProxy.removing",
      },
    },
  },
} as const;

export const kubeProxyMachine = setup({
  types: { context: {} as KubeProxyContext, events: {} as KubeProxyEvent },
  actions: {
    awaitServices: effect({ answers: ["services.synced"] }),
    /** Makes the table anew from everything that is wanted. */
    replaceRules: effect({ answers: ["rules.written", "rules.refused"], fails: "rules.refused" }),
    /** Writes what has changed since the last write. */
    writeChanges: effect({ answers: ["rules.written", "rules.refused"], fails: "rules.refused" }),
    checkRules: effect({ answers: ["rules.found", "rules.missing"], fails: "rules.missing" }),
    removeRules: effect({
      answers: ["rules.removed", "rules.removalFailed"],
      fails: "rules.removalFailed",
      cancels: ["checkRules", "awaitServices"],
    }),
    countFailure: assign({ failures: ({ context }) => Math.min(6, context.failures + 1) }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    // A deployment's endpoints come one by one: what arrives within this time is one transaction.
    coalesce: 20,
    checkInterval: 30_000,
    // 0.5 s doubling to 16 s.
    retryDelay: ({ context }) => 500 * 2 ** Math.max(0, Math.min(5, context.failures - 1)),
  },
}).createMachine({
  id: "kubeProxy",
  options: { maxIterations: 100 },
  context: { failures: 0 },
  initial: "waitingForSync",
  states: {
    waitingForSync: {
      description: "Waits until services and endpoints have been listed; rules of a former life stay as they are.",
      entry: { type: "awaitServices", params: {} },
      on: { "services.synced": "replacing", "services.changed": {}, "proxy.removalAsked": "removing" },
    },
    settled: {
      description: "The kernel has the rules that services and endpoints ask for.",
      on: { "services.changed": "coalescing", "proxy.removalAsked": "removing" },
      after: { checkInterval: "checking" },
    },
    checking: {
      description: "Looks whether the table is still there: other programs may have cleared the packet filter.",
      entry: { type: "checkRules", params: {} },
      on: {
        "rules.found": "settled",
        "rules.missing": "replacing",
        "services.changed": "checking.withChanges",
        "proxy.removalAsked": "removing",
      },
      initial: "unchanged",
      states: {
        unchanged: { description: "Nothing else is to be done." },
        withChanges: {
          description: "Services changed meanwhile: they are written next.",
          on: { "rules.found": "#kubeProxy.coalescing", "services.changed": {} },
        },
      },
    },
    coalescing: {
      description: "Services changed; gathers for a moment what else changes.",
      on: { "services.changed": {}, "proxy.removalAsked": "removing" },
      after: { coalesce: "programming" },
    },
    programming: {
      description: "The kernel takes in the changes.",
      entry: { type: "writeChanges", params: {} },
      // The table is not what it was thought to be: it is made anew at once.
      on: { "rules.refused": { target: "replacing", actions: "countFailure" } },
      ...writing,
    },
    replacing: {
      description: "The kernel takes in all rules, in place of whatever was there.",
      entry: { type: "replaceRules", params: {} },
      on: { "rules.refused": { target: "backOff", actions: "countFailure" } },
      ...writing,
    },
    backOff: {
      description:
        "The kernel refused the rules; waits a little and makes the table anew. The old rules stay in force.",
      on: { "services.changed": {}, "proxy.removalAsked": "removing" },
      after: { retryDelay: "replacing" },
    },
    removing: {
      description: "The cluster goes down: the table is being removed.",
      entry: { type: "removeRules", params: {} },
      on: {
        "services.changed": {},
        "rules.removed": "removed",
        "rules.removalFailed": { target: "removalBackOff", actions: "countFailure" },
      },
    },
    removalBackOff: {
      description: "The table could not be removed; tries again.",
      on: { "services.changed": {} },
      after: { retryDelay: "removing" },
    },
    removed: { description: "Nothing of the proxy is left in the kernel.", type: "final" },
  },
});
