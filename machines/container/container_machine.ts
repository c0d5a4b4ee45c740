/**
 * The life of one container of a pod, over all its restarts.
 *
 *     waiting -> preparing (image, creating, created) -> starting -> running -> completed | failed
 *                    ^                                                  |
 *                    +---------------- crashBackOff <-------------------+
 *     stopping (preStop, asked, lastChance, forced) -> stopped
 *
 * The pod says when it may be prepared and started and when it must stop (`container.prepareAsked`, `startAsked`,
 * `stopAsked`) and hears `container.started`, `finished` and `stopped`. Names, exit codes and texts for people stay
 * in the actor's record; here is only what decides. Kubernetes docs: "Pod Lifecycle".
 */
import { containerSetup, type ProbeName } from "./container_protocol.ts";

export type { ContainerContext, ContainerEvent, ContainerInput, ProbeName } from "./container_protocol.ts";

const exitCode = ({ event }: { event: { exitCode: number } }) => ({ exitCode: event.exitCode });
const grace = ({ event }: { event: { graceMs: number } }) => ({ graceMs: event.graceMs });
const probeGrace = ({ event }: { event: { graceMs?: number } }) => ({ graceMs: event.graceMs });
const probed = ({ event }: { event: { probe: ProbeName } }) => ({ probe: event.probe });

export const containerMachine = containerSetup.createMachine({
  id: "container",
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    ...input,
    mayStart: false,
    fresh: false,
    ready: false,
    usualGraceMs: input.graceMs,
    pullFailures: 0,
  }),
  initial: "looking",
  states: {
    looking: {
      description: "Looks at what the runtime already has of this container.",
      always: [
        { guard: "foundRunning", target: "running" },
        { guard: "foundCompletedForGood", target: "completed" },
        { guard: "foundFailedForGood", target: "failed" },
        { target: "waiting" },
      ],
    },
    waiting: {
      description: "Waits for the pod: its sandbox, its volumes, or the init containers before this one.",
      on: {
        "container.prepareAsked": { guard: "needsNoAddress", target: "preparing" },
        "container.startAsked": [
          // It has run before under a policy that restarts it: that was a crash like any other.
          { guard: "foundEnded", target: "crashBackOff", actions: ["allowStart", "forgetFound"] },
          { target: "preparing", actions: "allowStart" },
        ],
        "container.stopAsked": { target: "stopped", actions: [{ type: "setGrace", params: grace }, "forbidStart"] },
      },
    },
    preparing: {
      description: "Gets its image and has the runtime make the container.",
      initial: "image",
      on: {
        "container.startAsked": { actions: "allowStart" },
        "container.stopAsked": { target: "stopped", actions: [{ type: "setGrace", params: grace }, "forbidStart"] },
      },
      states: {
        image: {
          description: "Gets the image, as the pull policy says.",
          initial: "choosing",
          exit: { type: "forgetImage", params: {} },
          states: {
            choosing: {
              description: "Decides by the pull policy whether to look first.",
              always: [{ guard: "pullsAlways", target: "pulling" }, { target: "checking" }],
            },
            checking: {
              description: "Asks the runtime whether the image is there.",
              entry: { type: "checkImage", params: {} },
              on: {
                "image.present": "#container.preparing.creating",
                "image.absent": [
                  { guard: "pullsNever", target: "failed", actions: "countPullFailure" },
                  { target: "pulling" },
                ],
                "image.pullFailed": { target: "failed", actions: "countPullFailure" },
              },
            },
            pulling: {
              description: "The runtime pulls the image from its registry.",
              entry: { type: "pullImage", params: {} },
              on: {
                "image.pulled": { target: "#container.preparing.creating", actions: "forgetPullFailures" },
                "image.pullFailed": { target: "failed", actions: "countPullFailure" },
              },
            },
            failed: {
              description: "The image could not be had (ErrImagePull, ErrImageNeverPull, InvalidImageName).",
              after: { pullErrorShown: "backOff" },
            },
            backOff: {
              description: "Waits before it tries to get the image again (ImagePullBackOff): 10 s doubling to 5 min.",
              after: { pullBackOff: "choosing" },
            },
          },
        },
        creating: {
          description: "The runtime makes the container; nothing runs yet.",
          entry: { type: "createContainer", params: {} },
          on: {
            "container.created": [
              { guard: "mayStart", target: "#container.starting" },
              { target: "created" },
            ],
            "container.createFailed": "createBackOff",
            "container.stopAsked": {
              target: "unwanted",
              actions: [{ type: "setGrace", params: grace }, "forbidStart"],
            },
          },
        },
        unwanted: {
          description: "Was told to stop while it was being made: waits for the runtime to be done with it.",
          on: {
            "container.created": "#container.stopped",
            "container.createFailed": "#container.stopped",
            "container.stopAsked": {},
            "container.startAsked": {},
          },
        },
        created: {
          description: "Made; waits until the pod has its address and the init containers are done.",
          on: { "container.startAsked": { target: "#container.starting", actions: "allowStart" } },
        },
        createBackOff: {
          description:
            "The container could not be made (CreateContainerConfigError, CreateContainerError); tries again in 10 s.",
          after: { createRetry: "image" },
        },
      },
    },
    starting: {
      description: "The runtime starts the container's process.",
      entry: [{ type: "startContainer", params: {} }, "noteFresh", "forgetFound"],
      initial: "wanted",
      states: {
        wanted: {
          description: "Waits for the runtime to say that the process runs.",
          on: {
            "container.started": "#container.running",
            "container.startFailed": [
              { guard: "neverRestarts", target: "#container.failed" },
              { target: "#container.crashBackOff", actions: "countCrash" },
            ],
            "container.stopAsked": {
              target: "unwanted",
              actions: [{ type: "setGrace", params: grace }, "forbidStart"],
            },
          },
        },
        unwanted: {
          description:
            "Was told to stop while it was being started: waits for the start, so that nothing runs on unseen.",
          on: {
            "container.started": "#container.stopping",
            "container.startFailed": "#container.stopped",
          },
        },
      },
    },
    running: {
      description: "The process runs.",
      initial: "choosing",
      exit: [{ type: "stopProbes", params: {} }, "forgetStanding"],
      after: { stableRun: { actions: "forgetCrashes" } },
      on: {
        "container.exited": [
          {
            guard: { type: "restartsAtOnce", params: exitCode },
            target: "preparing",
            actions: ["countCrash", "noteUnready"],
          },
          { guard: { type: "mustRestart", params: exitCode }, target: "crashBackOff", actions: "noteUnready" },
          { guard: { type: "isClean", params: exitCode }, target: "completed", actions: "noteUnready" },
          { target: "failed", actions: "noteUnready" },
        ],
        "container.changed": { target: "stopping", actions: "forgetCrashes" },
        "container.startAsked": { actions: "allowStart" },
        "container.stopAsked": { target: "stopping", actions: [{ type: "setGrace", params: grace }, "forbidStart"] },
        "probe.failed": [
          { guard: { type: "isReadiness", params: probed } },
          { target: "stopping", actions: { type: "setProbeGrace", params: probeGrace } },
        ],
      },
      states: {
        choosing: {
          description: "Decides whether a postStart hook is to run.",
          always: [{ guard: "hasPostStart", target: "postStart" }, { target: "checking" }],
        },
        postStart: {
          description: "Runs the postStart hook; the container counts as started after it.",
          entry: { type: "runPostStart", params: {} },
          on: { "hook.succeeded": "checking", "hook.failed": "#container.stopping" },
        },
        checking: {
          description: "Decides whether a startup probe is to pass first.",
          always: [
            { guard: "hasStarted", target: "up" },
            { guard: "hasStartupProbe", target: "startingUp" },
            { target: "up" },
          ],
        },
        startingUp: {
          description: "Waits for the startup probe to pass; the other probes wait too.",
          entry: { type: "startProbes", params: { probes: ["startup"] } },
          on: { "probe.passed": { guard: { type: "isStartup", params: probed }, target: "up" } },
        },
        up: {
          description: "Started up: liveness and readiness are probed.",
          entry: [
            { type: "tellPod", params: { fact: "started" } },
            { type: "startProbes", params: { probes: ["liveness", "readiness"] } },
          ],
          initial: "choosing",
          states: {
            choosing: {
              description: "Decides whether a readiness probe is to pass first.",
              always: [
                { guard: "wasReady", target: "ready" },
                { guard: "hasReadinessProbe", target: "notReady" },
                { target: "ready" },
              ],
            },
            notReady: {
              description: "Runs, but its readiness probe has not passed: gets no traffic.",
              entry: "noteUnready",
              on: { "probe.passed": { guard: { type: "isReadiness", params: probed }, target: "ready" } },
            },
            ready: {
              description: "Runs and is ready.",
              entry: "noteReady",
              on: {
                "probe.failed": { guard: { type: "isReadiness", params: probed }, target: "notReady" },
                // An adopted container was ready already.
                "probe.passed": {},
              },
            },
          },
        },
      },
    },
    crashBackOff: {
      description: "Ended; waits before it is started again (CrashLoopBackOff): 10 s doubling to 5 min.",
      after: { crashBackOff: { target: "preparing", actions: "countCrash" } },
      on: {
        "container.startAsked": { actions: "allowStart" },
        "container.stopAsked": { target: "stopped", actions: [{ type: "setGrace", params: grace }, "forbidStart"] },
      },
    },
    completed: {
      description: "Ended with exit code 0 and is not started again.",
      entry: [{ type: "tellPod", params: { fact: "completed" } }, "forgetFound"],
      on: {
        // Asked by a pod that has not heard of the end yet: it does not run twice.
        "container.startAsked": { actions: { type: "tellPod", params: { fact: "completed" } } },
        "container.stopAsked": [
          // A new sandbox is made: the init containers run once more in it.
          { guard: "isInit", target: "stopped", actions: "forbidStart" },
          { actions: { type: "tellPod", params: { fact: "stopped" } } },
        ],
      },
    },
    failed: {
      description: "Ended with a failure and is not started again.",
      entry: [{ type: "tellPod", params: { fact: "failed" } }, "forgetFound"],
      on: {
        "container.startAsked": { actions: { type: "tellPod", params: { fact: "failed" } } },
        "container.stopAsked": { actions: { type: "tellPod", params: { fact: "stopped" } } },
      },
    },
    stopping: {
      description:
        "Is being stopped: asked first, killed when the grace is over. Started anew if the pod still wants it to run " +
        "(a probe or the postStart hook failed, or its definition changed).",
      initial: "choosing",
      exit: [{ type: "endStop", params: {} }, "restoreGrace"],
      after: {
        gracePeriod: [{ guard: "isInPreStop", target: ".lastChance" }, { target: ".forced" }],
      },
      on: {
        "container.exited": [
          { guard: "isUnwanted", target: "stopped", actions: "noteUnready" },
          // As with any other end, the exit code says how it went.
          { guard: { type: "endsWell", params: exitCode }, target: "completed", actions: "noteUnready" },
          { guard: "neverRestarts", target: "failed", actions: "noteUnready" },
          { guard: "isFirstCrash", target: "preparing", actions: ["countCrash", "noteUnready"] },
          { target: "crashBackOff", actions: "noteUnready" },
        ],
        "container.startAsked": { actions: "allowStart" },
        "container.stopAsked": [
          {
            guard: { type: "isSooner", params: grace },
            target: "stopping.hurried",
            reenter: true,
            actions: [{ type: "setGrace", params: grace }, "forbidStart"],
          },
          { actions: "forbidStart" },
        ],
      },
      states: {
        choosing: {
          description: "Decides whether there is a preStop hook and time for it.",
          always: [{ guard: "isImmediate", target: "forced" }, { guard: "hasPreStop", target: "preStop" }, {
            target: "asked",
          }],
        },
        hurried: {
          description: "The grace was shortened: no more hooks.",
          always: [{ guard: "isImmediate", target: "forced" }, { target: "asked" }],
        },
        preStop: {
          description: "Runs the preStop hook; the grace is running.",
          entry: { type: "runPreStop", params: {} },
          on: { "hook.succeeded": "asked", "hook.failed": "asked" },
        },
        asked: {
          description: "The stop signal (SIGTERM, unless the image names another) is sent; waits out the grace.",
          entry: { type: "stopContainer", params: ({ context }) => ({ graceMs: context.graceMs }) },
          on: { "container.stopFailed": "forced" },
        },
        lastChance: {
          description: "The preStop hook used up the grace: two seconds remain after the stop signal.",
          entry: { type: "stopContainer", params: { graceMs: 2_000 } },
          on: { "container.stopFailed": "forced" },
          after: { minimumGrace: "forced" },
        },
        forced: {
          description: "The grace is over: the process is killed.",
          entry: { type: "killContainer", params: {} },
          on: { "container.stopFailed": "killBackOff" },
        },
        killBackOff: {
          description: "The runtime could not kill it; tries again in a moment.",
          after: { killRetry: "forced" },
        },
      },
    },
    stopped: {
      description: "Does not run; starts only when the pod asks again (after its sandbox was made anew).",
      entry: { type: "tellPod", params: { fact: "stopped" } },
      on: {
        "container.prepareAsked": { guard: "needsNoAddress", target: "preparing" },
        "container.startAsked": { target: "preparing", actions: "allowStart" },
        "container.stopAsked": { actions: { type: "tellPod", params: { fact: "stopped" } } },
      },
    },
  },
});
