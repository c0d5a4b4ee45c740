/** What a pod's actor hears, orders and decides by; the chart that uses it is in pod_machine.ts. */
import { and, assign, cancel, or, raise, setup, stateIn } from "xstate";
import { backOffMs, oneMore } from "../container/back_off.ts";
import { effect } from "../effect.ts";
import {
  appsAreOver,
  beginAgain,
  currentInit,
  forgetCompletedInits,
  type InitContainer,
  initFailed,
  lastSidecar,
  mainContainers,
  type Standing,
} from "./standing.ts";

export type PodEvent =
  | { type: "sandbox.created" }
  /** Its process runs and its network is wired. */
  | { type: "sandbox.started" }
  | { type: "sandbox.failed"; reason: string; message: string }
  | { type: "sandbox.died" }
  | { type: "sandbox.removed" }
  | { type: "sandbox.removeFailed"; reason: string; message: string }
  | { type: "volumes.mounted" }
  | { type: "volumes.mountFailed"; reason: string; message: string }
  | { type: "volumes.unmounted" }
  | { type: "volumes.unmountFailed"; reason: string; message: string }
  /** Started up: its startup probe, where there is one, has passed. */
  | { type: "container.started"; name: string }
  | { type: "container.completed"; name: string }
  | { type: "container.failed"; name: string }
  | { type: "container.stopped"; name: string }
  | { type: "deadline.passed" }
  | { type: "pod.deletionAsked"; graceMs: number }
  /** The object is gone from the API though nobody here has deleted it. */
  | { type: "pod.objectRemoved" }
  | { type: "status.reported" }
  | { type: "status.reportFailed"; reason: string; message: string }
  | { type: "object.deleted" }
  | { type: "object.deleteFailed"; reason: string; message: string };

export interface PodInput {
  readonly inits: readonly InitContainer[];
  readonly apps: readonly string[];
  readonly restartPolicy: "Always" | "OnFailure" | "Never";
  readonly graceMs: number;
  /** What is left of activeDeadlineSeconds. */
  readonly deadlineMs?: number;
  readonly found: {
    readonly sandbox: "none" | "up" | "dead";
    /** App containers have been started before: init containers have done their work. */
    readonly initialized: boolean;
    /** The API says that it has ended, or the kubelet refused it. */
    readonly phase?: "Succeeded" | "Failed";
    /** Its object is not in the API any more. */
    readonly orphan?: boolean;
  };
}

export interface PodContext extends PodInput {
  standing: Record<string, Standing>;
  graceMs: number;
  /** The sandbox or volumes could not be had so many times in a row. */
  sandboxFailures: number;
  mountFailures: number;
  objectGone: boolean;
  /** Some container has been told to start. */
  begun: boolean;
}

/** Orders, guards and delays of the chart, by name. */
export const podSetup = setup({
  types: { context: {} as PodContext, events: {} as PodEvent, input: {} as PodInput },
  actions: {
    /** Makes the sandbox container; the pod's other containers can be made as soon as it exists. */
    /** Starts an actor for each container. */
    superviseContainers: effect({ answers: [] }),
    createSandbox: effect({ answers: ["sandbox.created", "sandbox.failed"], fails: "sandbox.failed" }),
    /** Starts its process and wires its network. */
    startSandbox: effect({ answers: ["sandbox.started", "sandbox.failed"], fails: "sandbox.failed" }),
    mountVolumes: effect({ answers: ["volumes.mounted", "volumes.mountFailed"], fails: "volumes.mountFailed" }),
    forgetPreparation: effect({ answers: [], cancels: ["mountVolumes"] }),
    keepVolumesFresh: effect({ answers: [] }),
    prepareContainers: effect<{ names: string[] }>({ answers: [] }),
    startContainers: effect<{ names: string[] }>({ answers: [] }),
    stopContainers: effect<{ names: string[]; graceMs: number }>({ answers: [] }),
    /** Kills the sandbox, frees its network. `everything`: the pod's containers are removed with it. */
    removeSandbox: effect<{ everything: boolean }>({
      answers: ["sandbox.removed", "sandbox.removeFailed"],
      fails: "sandbox.removeFailed",
      cancels: ["createSandbox", "startSandbox", "removeSandbox"],
    }),
    unmountVolumes: effect({
      answers: ["volumes.unmounted", "volumes.unmountFailed"],
      fails: "volumes.unmountFailed",
      cancels: ["mountVolumes", "unmountVolumes"],
    }),
    /** Why the pod ends, where that is not for its containers: part of its status from now on. */
    explainEnd: effect<{ reason: string; message: string }>({ answers: [] }),
    reportStatus: effect({ answers: ["status.reported", "status.reportFailed"], fails: "status.reportFailed" }),
    deleteObject: effect({ answers: ["object.deleted", "object.deleteFailed"], fails: "object.deleteFailed" }),
    note: assign({
      standing: ({ context }, params: { name: string; at: Standing }) => ({
        ...context.standing,
        [params.name]: params.at,
      }),
    }),
    noteAsked: assign({
      begun: true,
      standing: ({ context }, params: { names: readonly string[] }) => {
        const asked = params.names.filter((name) => (context.standing[name] ?? "idle") === "idle");
        return { ...context.standing, ...Object.fromEntries(asked.map((name) => [name, "asked" as Standing])) };
      },
    }),
    beginAgain: assign({ standing: ({ context }) => beginAgain(context) }),
    forgetCompletedInits: assign({ standing: ({ context }) => forgetCompletedInits(context) }),
    setGrace: assign({ graceMs: (_, params: { graceMs: number }) => params.graceMs }),
    forgetFound: assign({ found: { sandbox: "none" as const, initialized: false } }),
    noteObjectGone: assign({ objectGone: true }),
    countSandboxFailure: assign({ sandboxFailures: ({ context }) => oneMore(context.sandboxFailures) }),
    countMountFailure: assign({ mountFailures: ({ context }) => oneMore(context.mountFailures) }),
    forgetFailures: assign({ sandboxFailures: 0, mountFailures: 0 }),
    armDeadline: raise({ type: "deadline.passed" }, { id: "activeDeadline", delay: "activeDeadline" }),
    disarmDeadline: cancel("activeDeadline"),
  },
  guards: {
    isOrphan: ({ context }) => context.found.orphan === true,
    hasSucceeded: ({ context }) => context.found.phase === "Succeeded",
    hasFailed: ({ context }) => context.found.phase === "Failed",
    foundSandboxUp: ({ context }) => context.found.sandbox === "up",
    foundSandboxDead: ({ context }) => context.found.sandbox === "dead",
    hasDeadline: ({ context }) => context.deadlineMs !== undefined,
    isSandboxMade: or([
      stateIn("#pod.active.preparing.sandbox.starting"),
      stateIn("#pod.active.preparing.sandbox.up"),
    ]),
    isSandboxUp: stateIn("#pod.active.preparing.sandbox.up"),
    isMounted: stateIn("#pod.active.preparing.volumes.mounted"),
    canMakeContainers: and(["isSandboxMade", "isMounted"]),
    isPrepared: and(["isSandboxUp", "isMounted"]),
    initHasFailed: ({ context }) => initFailed(context),
    startsNext: ({ context }, params: { name: string }) => {
      const init = currentInit(context);
      return init !== undefined && init.sidecar && init.name === params.name;
    },
    isInitialized: ({ context }) => currentInit(context) === undefined,
    appsAreOver: ({ context }) => appsAreOver(context),
    endedWell: ({ context }) => context.apps.every((name) => context.standing[name] === "completed"),
    mainAreOver: ({ context }) => mainContainers(context).length === 0,
    allAreOver: ({ context }) => mainContainers(context).length === 0 && lastSidecar(context) === undefined,
    mustNotBeginAgain: ({ context }) => context.restartPolicy === "Never" && context.begun,
    sandboxHasFailed: ({ context }) => context.sandboxFailures > 0,
    isObjectGone: ({ context }) => context.objectGone,
    isSooner: ({ context }, params: { graceMs: number }) => params.graceMs < context.graceMs,
  },
  delays: {
    sandboxBackOff: ({ context }) => Math.min(30_000, backOffMs(context.sandboxFailures) / 5),
    mountBackOff: ({ context }) => Math.min(122_000, 500 * 2 ** context.mountFailures),
    retryDelay: 5_000,
    activeDeadline: ({ context }) => context.deadlineMs ?? 0,
  },
});
