/**
 * The life of one pod on one node, from its admission until its object is gone.
 *
 *     preparing (sandbox ∥ volumes ∥ containers made) -> initializing -> running -> finishing -> succeeded | failed
 *     recreating: the sandbox died; everything is stopped and begins again with a new one
 *     terminating: containers stopped, status written, sandbox removed, volumes unmounted, object deleted -> gone
 *
 * Containers have charts of their own (machines/container); the pod tells them when they may begin and must stop. The
 * phase that kubectl shows is computed from both in pod_status.ts and stored nowhere. Kubernetes docs: "Pod
 * Lifecycle".
 */
import { and, assign, cancel, or, raise, setup, stateIn } from "xstate";
import { backOffMs, oneMore } from "../container/back_off.ts";
import { effect } from "../effect.ts";
import { apps, appsAndSidecars, current, first, note, releases, stopsAll } from "./pod_parts.ts";
import {
  appsAreOver,
  beginAgain,
  currentInit,
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

const deadlineExceeded = {
  reason: "DeadlineExceeded",
  message: "Pod was active on the node longer than the specified deadline",
};
const grace = ({ event }: { event: { graceMs: number } }) => ({ graceMs: event.graceMs });

export const podMachine = setup({
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
}).createMachine({
  id: "pod",
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    ...input,
    standing: input.found.initialized
      ? Object.fromEntries(input.inits.filter(({ sidecar }) => !sidecar).map(({ name }) => [name, "completed"]))
      : {},
    sandboxFailures: 0,
    mountFailures: 0,
    objectGone: input.found.orphan === true,
    begun: input.found.initialized,
  }),
  initial: "looking",
  on: {
    "container.started": note("up"),
    "container.completed": note("completed"),
    "container.failed": note("failed"),
    "container.stopped": note("stopped"),
    "pod.deletionAsked": { target: ".terminating", actions: { type: "setGrace", params: grace } },
    "pod.objectRemoved": { target: ".terminating", actions: "noteObjectGone" },
  },
  states: {
    looking: {
      description: "Looks at what the runtime already has of this pod.",
      entry: { type: "superviseContainers", params: {} },
      always: [
        { guard: "isOrphan", target: "terminating" },
        { guard: "hasSucceeded", target: "succeeded" },
        { guard: "hasFailed", target: "failed" },
        { guard: "hasDeadline", target: "active", actions: "armDeadline" },
        { target: "active" },
      ],
    },
    active: {
      description: "Wanted and not ended: is being prepared, initialized, or runs.",
      initial: "looking",
      exit: "disarmDeadline",
      on: {
        "deadline.passed": "expiring",
        "sandbox.died": ".recreating",
      },
      states: {
        looking: {
          description: "Decides whether what was found can be used.",
          always: [{ guard: "foundSandboxDead", target: "recreating" }, { target: "preparing" }],
        },
        preparing: {
          description: "Makes the sandbox, mounts the volumes and has the first containers made, side by side.",
          type: "parallel",
          exit: { type: "forgetPreparation", params: {} },
          always: { guard: "isPrepared", target: "initializing" },
          on: { "sandbox.died": "recreating" },
          states: {
            sandbox: {
              description: "The container that holds the pod's network and IPC namespaces.",
              initial: "looking",
              states: {
                looking: {
                  description: "Decides whether there is a living sandbox already.",
                  always: [
                    { guard: "foundSandboxUp", target: "starting" },
                    { guard: "sandboxHasFailed", target: "backOff" },
                    { target: "creating" },
                  ],
                },
                creating: {
                  description: "The runtime makes the sandbox.",
                  entry: { type: "createSandbox", params: {} },
                  on: {
                    "sandbox.created": "starting",
                    "sandbox.failed": { target: "backOff", actions: "countSandboxFailure" },
                  },
                },
                starting: {
                  description: "The sandbox starts and gets its network and address.",
                  entry: { type: "startSandbox", params: {} },
                  on: {
                    "sandbox.started": "up",
                    // Containers were made for it: they go with it.
                    "sandbox.failed": { target: "#pod.active.recreating", actions: "countSandboxFailure" },
                  },
                },
                backOff: {
                  description: "The sandbox could not be made, started or wired (FailedCreatePodSandBox); tries again.",
                  after: { sandboxBackOff: "creating" },
                },
                up: { description: "Runs and has its address." },
              },
            },
            volumes: {
              description: "The pod's volumes on the node.",
              initial: "mounting",
              states: {
                mounting: {
                  description: "Reads config maps, secrets and tokens and mounts the volumes.",
                  entry: { type: "mountVolumes", params: {} },
                  on: {
                    "volumes.mounted": "mounted",
                    "volumes.mountFailed": { target: "backOff", actions: "countMountFailure" },
                  },
                },
                backOff: {
                  description: "A volume could not be mounted (FailedMount); tries again, later each time.",
                  after: { mountBackOff: "mounting" },
                },
                mounted: {
                  description: "All mounted; kept up to date from now on.",
                  entry: { type: "keepVolumesFresh", params: {} },
                },
              },
            },
            containers: {
              description: "The containers that come first.",
              initial: "waiting",
              states: {
                waiting: {
                  description: "Wait until the sandbox exists and the volumes are mounted.",
                  always: { guard: "canMakeContainers", target: "made" },
                },
                made: {
                  description: "Were told to get their images and be made, not yet to start.",
                  entry: { type: "prepareContainers", params: first },
                },
              },
            },
          },
        },
        initializing: {
          description: "Runs the init containers, one after the other.",
          entry: "forgetFailures",
          initial: "choosing",
          states: {
            choosing: {
              description: "Looks whose turn it is.",
              always: [
                { guard: "isInitialized", target: "#pod.active.running" },
                { guard: "initHasFailed", target: "#pod.active.finishing" },
                { target: "waiting" },
              ],
            },
            waiting: {
              description: "One init container runs: waits until it has completed, or, a sidecar, has started up.",
              entry: [
                { type: "startContainers", params: current },
                { type: "noteAsked", params: current },
              ],
              on: {
                "container.started": { target: "choosing", ...note("up") },
                "container.completed": { target: "choosing", ...note("completed") },
                "container.failed": { target: "choosing", ...note("failed") },
              },
            },
          },
        },
        running: {
          description: "The app containers have been told to run; each restarts by its own chart.",
          entry: [
            { type: "startContainers", params: appsAndSidecars },
            { type: "noteAsked", params: apps },
          ],
          always: { guard: "appsAreOver", target: "finishing" },
        },
        finishing: {
          description: "The app containers have ended for good, or an init container failed: the rest is stopped.",
          ...stopsAll("#pod.ended"),
        },
        recreating: {
          description: "The sandbox died: all containers are stopped, then everything begins again with a new one.",
          initial: "stopping",
          on: { "sandbox.died": {} },
          states: {
            stopping: { description: "Stops what still runs.", ...stopsAll("#pod.active.recreating.removing") },
            removing: {
              description: "Removes what is left of the dead sandbox.",
              entry: { type: "removeSandbox", params: { everything: false } },
              on: {
                "sandbox.removed": [
                  { guard: "mustNotBeginAgain", target: "#pod.ended" },
                  { target: "#pod.active.preparing", actions: ["beginAgain", "forgetFound"] },
                ],
                "sandbox.removeFailed": "retrying",
              },
            },
            retrying: {
              description: "The runtime could not remove the sandbox; tries again in a moment.",
              after: { retryDelay: "removing" },
            },
          },
        },
      },
    },
    expiring: {
      description: "activeDeadlineSeconds are over: everything is stopped, then the pod has failed.",
      entry: { type: "explainEnd", params: deadlineExceeded },
      ...stopsAll("#pod.failed"),
    },
    ended: {
      description: "Nothing runs any more and nothing will.",
      always: [{ guard: "endedWell", target: "succeeded" }, { target: "failed" }],
    },
    succeeded: {
      description: "All containers completed. Its sandbox and volumes are given back; the object stays.",
      ...releases,
    },
    failed: {
      description: "Ended, and not all went well. Its sandbox and volumes are given back; the object stays.",
      ...releases,
    },
    terminating: {
      description: "The pod is to go: its object is being deleted, or is gone already.",
      initial: "stopping",
      on: {
        "pod.deletionAsked": {}, // A grace that is running is never lengthened.
        "pod.objectRemoved": { actions: "noteObjectGone" },
      },
      states: {
        stopping: {
          description: "Stops what still runs; each container within its grace.",
          on: {
            "pod.deletionAsked": [
              {
                guard: { type: "isSooner", params: grace },
                target: "stopping",
                reenter: true,
                actions: { type: "setGrace", params: grace },
              },
              {},
            ],
          },
          ...stopsAll("#pod.terminating.stopped"),
        },
        stopped: {
          description: "Nothing runs any more. Decides whether there is still somebody to tell.",
          always: [{ guard: "isObjectGone", target: "removing" }, { target: "reporting" }],
        },
        reporting: {
          description: "Writes the final status, with how each container ended.",
          entry: { type: "reportStatus", params: {} },
          on: { "status.reported": "removing", "status.reportFailed": "reportBackOff" },
        },
        reportBackOff: {
          description: "The status could not be written; tries again in a moment.",
          after: { retryDelay: "reporting" },
        },
        removing: {
          description: "Removes the containers and the sandbox and frees the address.",
          entry: { type: "removeSandbox", params: { everything: true } },
          on: { "sandbox.removed": "unmounting", "sandbox.removeFailed": "removeBackOff" },
        },
        removeBackOff: {
          description: "The runtime could not remove everything; tries again in a moment.",
          after: { retryDelay: "removing" },
        },
        unmounting: {
          description: "Unmounts the volumes and removes the pod's directory.",
          entry: { type: "unmountVolumes", params: {} },
          on: {
            "volumes.unmounted": [{ guard: "isObjectGone", target: "#pod.gone" }, { target: "deleting" }],
            "volumes.unmountFailed": "unmountBackOff",
          },
        },
        unmountBackOff: {
          description: "A volume could not be unmounted; tries again in a moment.",
          after: { retryDelay: "unmounting" },
        },
        deleting: {
          description: "Nothing is left on the node: the object may go from the API.",
          entry: { type: "deleteObject", params: {} },
          on: {
            "object.deleted": "#pod.gone",
            "object.deleteFailed": "deleteBackOff",
            "pod.objectRemoved": "#pod.gone",
          },
        },
        deleteBackOff: {
          description: "The API could not delete the object; tries again in a moment.",
          after: { retryDelay: "deleting" },
          on: { "pod.objectRemoved": "#pod.gone" },
        },
      },
    },
    gone: { description: "Nothing is left of the pod, here or in the API.", type: "final" },
  },
});
