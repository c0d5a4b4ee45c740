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
import { apps, appsAndSidecars, current, first, note, releases, stopsAll } from "./pod_parts.ts";
import { podSetup } from "./pod_protocol.ts";

export type { PodContext, PodEvent, PodInput } from "./pod_protocol.ts";

const deadlineExceeded = {
  reason: "DeadlineExceeded",
  message: "Pod was active on the node longer than the specified deadline",
};
const named = ({ event }: { event: { name: string } }) => ({ name: event.name });
const grace = ({ event }: { event: { graceMs: number } }) => ({ graceMs: event.graceMs });

export const podMachine = podSetup.createMachine({
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
                    { guard: "foundSandboxUp", target: "adopting" },
                    { guard: "sandboxHasFailed", target: "backOff" },
                    { target: "creating" },
                  ],
                },
                adopting: {
                  description: "The sandbox runs already: makes sure of its network and address.",
                  entry: { type: "startSandbox", params: {} },
                  on: {
                    "sandbox.started": "up",
                    "sandbox.failed": { target: "doubting", actions: "countSandboxFailure" },
                  },
                },
                doubting: {
                  description:
                    "The running sandbox's network could not be made sure of; tries again and lets the pod run.",
                  after: { sandboxBackOff: "adopting" },
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
                // Only a sidecar's start lets the next one begin. Whoever else has started is not told so again: it may
                // have completed meanwhile, and would run once more.
                "container.started": {
                  guard: { type: "startsNext", params: named },
                  target: "choosing",
                  ...note("up"),
                },
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
          entry: "forgetCompletedInits",
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
