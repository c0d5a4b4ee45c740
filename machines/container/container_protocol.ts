/** What a container's actor hears, orders and decides by; the chart that uses it is in container_machine.ts. */
import { assign, setup, stateIn } from "xstate";
import { effect } from "../effect.ts";
import { backOffMs, oneMore, stableRunMs } from "./back_off.ts";

export type ProbeName = "startup" | "readiness" | "liveness";

export type ContainerEvent =
  /** May be made, not yet started: volumes and the sandbox's namespaces are there, its address is not. */
  | { type: "container.prepareAsked" }
  | { type: "container.startAsked" }
  | { type: "container.stopAsked"; graceMs: number }
  | { type: "image.present" }
  | { type: "image.absent" }
  | { type: "image.pulled" }
  /** The reason (ErrImagePull, InvalidImageName ...) and text are in the record. */
  | { type: "image.pullFailed"; reason: string; message: string }
  | { type: "container.created" }
  | { type: "container.createFailed"; reason: string; message: string }
  | { type: "container.started" }
  | { type: "container.startFailed"; reason: string; message: string }
  | { type: "container.exited"; exitCode: number }
  | { type: "container.stopFailed"; reason: string; message: string }
  | { type: "hook.succeeded" }
  | { type: "hook.failed"; reason: string; message: string }
  | { type: "probe.passed"; probe: ProbeName }
  /** A probe may have a grace of its own for the restart that follows. */
  | { type: "probe.failed"; probe: ProbeName; graceMs?: number }
  /** Its part of the pod's spec is another one now (the image). */
  | { type: "container.changed" };

export interface ContainerInput {
  /** A sidecar is an init container that restarts always: the next one starts when it has started up. */
  role: "init" | "sidecar" | "app";
  /** As it applies to this container. */
  restartPolicy: "Always" | "OnFailure" | "Never";
  pullPolicy: "Always" | "IfNotPresent" | "Never";
  /** Its environment names the pod's address: it cannot be made before there is one. */
  needsAddress: boolean;
  postStart: boolean;
  preStop: boolean;
  startupProbe: boolean;
  readinessProbe: boolean;
  /** What the runtime had of it when the kubelet started. */
  found: "nothing" | "running" | "completed" | "failed";
  /**
   * What the API still says of the very run that was found: an adopted container keeps its standing until a probe says
   * otherwise, or a kubelet that restarts would take every pod out of its services.
   */
  standing: "none" | "started" | "ready";
  crashes: number;
  /** The container's own grace (pod's terminationGracePeriodSeconds, or the probe's) when it is stopped to be restarted. */
  graceMs: number;
}

export interface ContainerContext extends ContainerInput {
  /** The pod has said so; it need not be asked again for a restart. */
  mayStart: boolean;
  /** Its postStart hook is still to run: false for a container that was found running. */
  fresh: boolean;
  ready: boolean;
  /** What `graceMs` is when nobody asks for another one. */
  usualGraceMs: number;
  pullFailures: number;
}

/** Orders, guards and delays of the chart, by name. */
export const containerSetup = setup({
  types: { context: {} as ContainerContext, events: {} as ContainerEvent, input: {} as ContainerInput },
  actions: {
    checkImage: effect({ answers: ["image.present", "image.absent", "image.pullFailed"], fails: "image.pullFailed" }),
    pullImage: effect({ answers: ["image.pulled", "image.pullFailed"], fails: "image.pullFailed" }),
    forgetImage: effect({ answers: [], cancels: ["checkImage", "pullImage"] }),
    createContainer: effect({
      answers: ["container.created", "container.createFailed"],
      fails: "container.createFailed",
    }),
    /** An exit is told after the start was answered, however fast the process was. */
    startContainer: effect({ answers: ["container.started", "container.startFailed"], fails: "container.startFailed" }),
    runPostStart: effect({ answers: ["hook.succeeded", "hook.failed"], fails: "hook.failed" }),
    runPreStop: effect({ answers: ["hook.succeeded", "hook.failed"], fails: "hook.failed" }),
    /** A runtime with nothing left to stop answers `container.exited` at once. */
    stopContainer: effect<{ graceMs: number }>({
      answers: ["container.exited", "container.stopFailed"],
      fails: "container.stopFailed",
      cancels: ["runPreStop"],
    }),
    killContainer: effect({
      answers: ["container.exited", "container.stopFailed"],
      fails: "container.stopFailed",
      cancels: ["runPreStop", "stopContainer"],
    }),
    /** Its process has ended, or the stop begins anew. */
    endStop: effect({ answers: [], cancels: ["runPreStop", "stopContainer", "killContainer"] }),
    startProbes: effect<{ probes: ProbeName[] }>({ answers: [] }),
    stopProbes: effect({ answers: [], cancels: ["runPostStart"] }),
    tellPod: effect<{ fact: "started" | "completed" | "failed" | "stopped" }>({ answers: [] }),
    allowStart: assign({ mayStart: true }),
    forbidStart: assign({ mayStart: false }),
    noteFresh: assign({ fresh: true }),
    noteReady: assign({ ready: true }),
    noteUnready: assign({ ready: false }),
    setProbeGrace: assign({
      graceMs: ({ context }, params: { graceMs: number | undefined }) => params.graceMs ?? context.graceMs,
    }),
    restoreGrace: assign({ graceMs: ({ context }) => context.usualGraceMs }),
    setGrace: assign({ graceMs: (_, params: { graceMs: number }) => params.graceMs }),
    countPullFailure: assign({ pullFailures: ({ context }) => oneMore(context.pullFailures) }),
    forgetPullFailures: assign({ pullFailures: 0 }),
    countCrash: assign({ crashes: ({ context }) => oneMore(context.crashes) }),
    forgetCrashes: assign({ crashes: 0 }),
    forgetFound: assign({ found: "nothing" as const }),
    forgetStanding: assign({ standing: "none" as const }),
  },
  guards: {
    foundRunning: ({ context }) => context.found === "running",
    foundCompletedForGood: ({ context }) => context.found === "completed" && context.restartPolicy !== "Always",
    foundFailedForGood: ({ context }) => context.found === "failed" && context.restartPolicy === "Never",
    hasStarted: ({ context }) => context.standing !== "none",
    wasReady: ({ context }) => context.standing === "ready",
    foundEnded: ({ context }) => context.found === "completed" || context.found === "failed",
    needsNoAddress: ({ context }) => !context.needsAddress,
    mayStart: ({ context }) => context.mayStart,
    pullsAlways: ({ context }) => context.pullPolicy === "Always",
    pullsNever: ({ context }) => context.pullPolicy === "Never",
    hasPostStart: ({ context }) => context.postStart && context.fresh,
    hasPreStop: ({ context }) => context.preStop,
    hasStartupProbe: ({ context }) => context.startupProbe,
    hasReadinessProbe: ({ context }) => context.readinessProbe,
    isStartup: (_, params: { probe: ProbeName }) => params.probe === "startup",
    isReadiness: (_, params: { probe: ProbeName }) => params.probe === "readiness",
    isClean: (_, params: { exitCode: number }) => params.exitCode === 0,
    mustRestart: ({ context }, params: { exitCode: number }) =>
      context.restartPolicy === "Always" || (context.restartPolicy === "OnFailure" && params.exitCode !== 0),
    restartsAtOnce: ({ context }, params: { exitCode: number }) =>
      context.crashes === 0 &&
      (context.restartPolicy === "Always" || (context.restartPolicy === "OnFailure" && params.exitCode !== 0)),
    neverRestarts: ({ context }) => context.restartPolicy === "Never",
    endsWell: ({ context }, params: { exitCode: number }) => context.restartPolicy === "Never" && params.exitCode === 0,
    isFirstCrash: ({ context }) => context.crashes === 0,
    isInit: ({ context }) => context.role === "init",
    isImmediate: ({ context }) => context.graceMs <= 0,
    isUnwanted: ({ context }) => !context.mayStart,
    // A second request may only shorten the grace already running.
    isSooner: ({ context }, params: { graceMs: number }) => params.graceMs < context.graceMs,
    isInPreStop: stateIn({ stopping: "preStop" }),
  },
  delays: {
    pullErrorShown: 3_000,
    pullBackOff: ({ context }) => Math.max(0, backOffMs(context.pullFailures) - 3_000),
    createRetry: 10_000,
    crashBackOff: ({ context }) => backOffMs(context.crashes),
    stableRun: stableRunMs,
    gracePeriod: ({ context }) => context.graceMs,
    minimumGrace: 2_000,
    killRetry: 5_000,
  },
});
