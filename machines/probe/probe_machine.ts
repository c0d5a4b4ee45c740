/**
 * One probe of one run of a container (Kubernetes "Configure Liveness, Readiness and Startup Probes").
 *
 * It is started when it may begin and stopped with the run. The container hears of it only when the result changes:
 * after `successThreshold` passes or `failureThreshold` failures in a row.
 */
import { assign, setup, stateIn } from "xstate";
import { effect } from "../effect.ts";

export type ProbeEvent =
  | { type: "check.passed" }
  /** Refused, wrong answer, or too late. */
  | { type: "check.failed"; reason: string; message: string };

export interface ProbeInput {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** Failed liveness and startup probes end the run: nothing is probed after that. */
  readonly once: boolean;
}

export interface ProbeContext extends ProbeInput {
  /** In a row; both stop at their threshold. */
  passes: number;
  failures: number;
  /** What the container was told last. */
  told: "nothing" | "passed" | "failed";
}

const passed = { result: "passed" } as const;
const failed = { result: "failed" } as const;
/** What an answer leads to. A round begins anew when its state is entered again. */
const answers = <Next extends string>(target: Next) => ({
  "check.passed": [
    {
      guard: "passesNow",
      target,
      reenter: true,
      actions: ["countPass", { type: "tellContainer", params: passed }, { type: "noteTold", params: passed }],
    },
    { target, reenter: true, actions: "countPass" },
  ],
  "check.failed": [
    {
      guard: "failsForGood",
      target: "#probe.over",
      actions: ["countFailure", { type: "tellContainer", params: failed }],
    },
    {
      guard: "failsNow",
      target,
      reenter: true,
      actions: ["countFailure", { type: "tellContainer", params: failed }, { type: "noteTold", params: failed }],
    },
    { target, reenter: true, actions: "countFailure" },
  ],
} as const);

export const probeMachine = setup({
  types: { context: {} as ProbeContext, events: {} as ProbeEvent, input: {} as ProbeInput },
  actions: {
    check: effect({ answers: ["check.passed", "check.failed"], fails: "check.failed" }),
    tellContainer: effect<{ result: "passed" | "failed" }>({ answers: [] }),
    countPass: assign({
      passes: ({ context }) => Math.min(context.successThreshold, context.passes + 1),
      failures: 0,
    }),
    countFailure: assign({
      failures: ({ context }) => Math.min(context.failureThreshold, context.failures + 1),
      passes: 0,
    }),
    noteTold: assign({ told: (_, params: { result: "passed" | "failed" }) => params.result }),
  },
  guards: {
    hasDelay: ({ context }) => context.initialDelayMs > 0,
    // Guards see the counters before this answer is counted.
    passesNow: ({ context }) => context.told !== "passed" && context.passes + 1 >= context.successThreshold,
    failsNow: ({ context }) => context.told !== "failed" && context.failures + 1 >= context.failureThreshold,
    failsForGood: ({ context }) => context.once && context.failures + 1 >= context.failureThreshold,
    isChecking: stateIn("#probe.probing.checking"),
  },
  delays: {
    initialDelay: ({ context }) => context.initialDelayMs,
    period: ({ context }) => context.periodMs,
  },
}).createMachine({
  id: "probe",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, passes: 0, failures: 0, told: "nothing" }),
  initial: "looking",
  states: {
    looking: {
      description: "Decides whether to wait before the first check.",
      always: [{ guard: "hasDelay", target: "delaying" }, { target: "probing" }],
    },
    delaying: {
      description: "Waits initialDelaySeconds after the container's start.",
      after: { initialDelay: "probing" },
    },
    probing: {
      description: "Checks once every periodSeconds.",
      initial: "checking",
      after: {
        period: [
          { guard: "isChecking", target: ".late" },
          { target: "probing", reenter: true },
        ],
      },
      states: {
        checking: {
          description: "A check is on its way; its time limit is timeoutSeconds.",
          entry: { type: "check", params: {} },
          on: answers("#probe.probing.resting"),
        },
        late: {
          description: "The check takes longer than the period: the next one follows at once.",
          on: answers("#probe.probing"),
        },
        resting: { description: "Waits for the next turn." },
      },
    },
    over: { description: "Has failed for good: the container is being restarted." },
  },
});
