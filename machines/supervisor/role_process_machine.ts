/**
 * One process of a cluster that runs in several: the master or a node. It is started, started again with a growing
 * pause whenever it ends by itself, and asked to end before it is made to.
 *
 * A process that never became ready is not tried again: what stands in its way (a port in use, a broken state) is for
 * people to see, not for a loop.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type RoleProcessEvent =
  /** It said that it does its work now. */
  | { type: "process.ready" }
  | { type: "process.exited"; code: number }
  | { type: "process.startFailed"; reason: string; message: string }
  | { type: "stop.requested" }
  /** At once, without asking. */
  | { type: "stop.demanded" };

interface RoleProcessContext {
  role: string;
  /** Whether it has ever been ready. */
  proven: boolean;
  /** Ends in a row that nobody asked for; stops at 8. */
  crashes: number;
}

export const roleProcessMachine = setup({
  types: {
    context: {} as RoleProcessContext,
    events: {} as RoleProcessEvent,
    input: {} as { role: string },
  },
  actions: {
    /** Answered when it has ended. */
    startProcess: effect({ answers: ["process.exited", "process.startFailed"], fails: "process.startFailed" }),
    askToStop: effect(),
    killProcess: effect(),
    reportReady: effect(),
    /** `worked`: it had been ready before, so it ended because it was told to. */
    reportGone: effect<{ worked: boolean }>(),
    countCrash: assign({ crashes: ({ context }) => Math.min(8, context.crashes + 1) }),
    forgetCrashes: assign({ crashes: 0 }),
    noteReady: assign({ proven: true }),
  },
  guards: {
    hasWorked: ({ context }) => context.proven,
  },
  delays: {
    // 0.25 s doubling to 32 s.
    restartDelay: ({ context }) => 250 * 2 ** (Math.max(1, context.crashes) - 1),
    provenAfter: 60_000,
    stopPatience: 20_000,
  },
}).createMachine({
  id: "role-process",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ role: input.role, proven: false, crashes: 0 }),
  initial: "alive",
  states: {
    alive: {
      description: "There is a process, or one is on its way.",
      initial: "starting",
      entry: { type: "startProcess", params: {} },
      on: {
        "process.exited": [
          { guard: "hasWorked", target: "backOff", actions: "countCrash" },
          { target: "failed" },
        ],
        "process.startFailed": [
          { guard: "hasWorked", target: "backOff", actions: "countCrash" },
          { target: "failed" },
        ],
        "stop.requested": "stopping",
        "stop.demanded": "killing",
      },
      states: {
        starting: {
          description: "The process was started; waits until it says that it does its work.",
          on: {
            "process.ready": {
              target: "running",
              actions: ["noteReady", { type: "reportReady", params: {} }],
            },
          },
        },
        running: {
          description: "The process does its work; should it end, it is started again.",
          after: { provenAfter: { actions: "forgetCrashes" } },
        },
      },
    },
    backOff: {
      description: "The process ended though nobody had asked it to; waits a little before it is started again.",
      after: { restartDelay: "alive" },
      on: { "stop.requested": "ended", "stop.demanded": "ended" },
    },
    stopping: {
      description: "The process was asked to end; it is killed if it takes too long.",
      entry: { type: "askToStop", params: {} },
      on: {
        "process.exited": "ended",
        "process.startFailed": "ended",
        "stop.demanded": "killing",
      },
      after: { stopPatience: "killing" },
    },
    killing: {
      description: "The process is being killed.",
      entry: { type: "killProcess", params: {} },
      on: { "process.exited": "ended", "process.startFailed": "ended" },
    },
    ended: {
      description: "The process has ended, as it was told to.",
      type: "final",
      entry: { type: "reportGone", params: { worked: true } },
    },
    failed: {
      description: "The process ended before it had ever been ready: its last lines say why.",
      type: "final",
      entry: { type: "reportGone", params: { worked: false } },
    },
  },
});
