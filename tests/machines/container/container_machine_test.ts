import { assert, assertEquals } from "@std/assert";
import { stateName } from "../../../machines/check/explore_machine.ts";
import { backOffMs, crashesFound } from "../../../machines/container/back_off.ts";
import {
  type ContainerEvent,
  type ContainerInput,
  containerMachine,
} from "../../../machines/container/container_machine.ts";
import { firstStep, step } from "../../../machines/step.ts";

const base: ContainerInput = {
  role: "app",
  restartPolicy: "Always",
  pullPolicy: "IfNotPresent",
  needsAddress: false,
  postStart: false,
  preStop: false,
  startupProbe: false,
  readinessProbe: false,
  found: "nothing",
  standing: "none",
  crashes: 0,
  graceMs: 30_000,
};
const start: ContainerEvent = { type: "container.startAsked" };
const present: ContainerEvent = { type: "image.present" };
const absent: ContainerEvent = { type: "image.absent" };
const created: ContainerEvent = { type: "container.created" };
const started: ContainerEvent = { type: "container.started" };
const pullFailed: ContainerEvent = { type: "image.pullFailed", reason: "ErrImagePull", message: "" };
const hookDone: ContainerEvent = { type: "hook.succeeded" };
const exited = (exitCode: number): ContainerEvent => ({ type: "container.exited", exitCode });
const stop = (graceMs: number): ContainerEvent => ({ type: "container.stopAsked", graceMs });
const failed = (probe: "readiness" | "liveness"): ContainerEvent => ({ type: "probe.failed", probe });
const passed = (probe: "readiness" | "startup"): ContainerEvent => ({ type: "probe.passed", probe });
const up = [start, present, created, started];

const cases: {
  name: string;
  input?: Partial<ContainerInput>;
  events: ContainerEvent[];
  state: string;
  orders?: string[];
  timers?: number[];
}[] = [
  { name: "waits for the pod", events: [], state: "waiting" },
  {
    name: "keeps its readiness when it is adopted, until a probe fails",
    input: { found: "running", standing: "ready", startupProbe: true, readinessProbe: true },
    events: [],
    state: "running.up.ready",
    orders: ["tellPod", "startProbes"],
  },
  {
    name: "need not start up again when it is adopted",
    input: { found: "running", standing: "started", startupProbe: true, readinessProbe: true },
    events: [],
    state: "running.up.notReady",
    orders: ["tellPod", "startProbes"],
  },
  {
    name: "starts up anew when it runs again after it was adopted",
    input: { found: "running", standing: "ready", startupProbe: true, restartPolicy: "OnFailure" },
    events: [exited(1)],
    state: "preparing.image.checking",
    orders: ["stopProbes", "checkImage"],
  },
  { name: "looks for its image first", events: [start], state: "preparing.image.checking", orders: ["checkImage"] },
  {
    name: "pulls an image that is not there",
    events: [start, absent],
    state: "preparing.image.pulling",
    orders: ["pullImage"],
  },
  {
    name: "pulls without looking under Always",
    input: { pullPolicy: "Always" },
    events: [start],
    state: "preparing.image.pulling",
    orders: ["pullImage"],
  },
  {
    name: "does not pull under Never",
    input: { pullPolicy: "Never" },
    events: [start, absent],
    state: "preparing.image.failed",
    timers: [3_000],
  },
  {
    name: "shows why the pull failed before it backs off",
    events: [start, absent, pullFailed],
    state: "preparing.image.failed",
    timers: [3_000],
  },
  {
    name: "is made before the pod has its address and waits then",
    events: [{ type: "container.prepareAsked" }, present, created],
    state: "preparing.created",
  },
  {
    name: "is not made without the address that it names",
    input: { needsAddress: true },
    events: [{ type: "container.prepareAsked" }],
    state: "waiting",
  },
  {
    name: "is up and ready when it has no probes",
    events: up,
    state: "running.up.ready",
    orders: ["tellPod", "startProbes"],
  },
  {
    name: "runs postStart before it counts as started",
    input: { postStart: true },
    events: up,
    state: "running.postStart",
    orders: ["runPostStart"],
    timers: [600_000],
  },
  {
    name: "waits for its startup probe",
    input: { startupProbe: true },
    events: up,
    state: "running.startingUp",
    orders: ["startProbes"],
    timers: [600_000],
  },
  {
    name: "is not ready until its readiness probe passes",
    input: { readinessProbe: true },
    events: up,
    state: "running.up.notReady",
    orders: ["tellPod", "startProbes"],
    timers: [600_000],
  },
  {
    name: "is ready again after its readiness probe passed again",
    input: { readinessProbe: true },
    events: [...up, passed("readiness"), failed("readiness"), passed("readiness")],
    state: "running.up.ready",
  },
  {
    name: "is started again at once after its first crash",
    events: [...up, exited(1)],
    state: "preparing.image.checking",
    orders: ["stopProbes", "checkImage"],
  },
  {
    name: "waits 10 s after its second crash",
    events: [...up, exited(1), present, created, started, exited(1)],
    state: "crashBackOff",
    orders: ["stopProbes"],
    timers: [10_000],
  },
  {
    name: "is started again after a clean end under Always",
    events: [...up, exited(0)],
    state: "preparing.image.checking",
    orders: ["stopProbes", "checkImage"],
  },
  {
    name: "stays ended after a clean end under OnFailure",
    input: { restartPolicy: "OnFailure" },
    events: [...up, exited(0)],
    state: "completed",
    orders: ["stopProbes", "tellPod"],
  },
  {
    name: "stays ended after a failure under Never",
    input: { restartPolicy: "Never" },
    events: [...up, exited(1)],
    state: "failed",
    orders: ["stopProbes", "tellPod"],
  },
  {
    name: "is asked to end before it is killed",
    events: [...up, stop(5_000)],
    state: "stopping.asked",
    orders: ["stopProbes", "stopContainer"],
    timers: [5_000],
  },
  {
    name: "is killed at once without a grace",
    events: [...up, stop(0)],
    state: "stopping.forced",
    orders: ["stopProbes", "killContainer"],
    timers: [0],
  },
  {
    name: "runs preStop within its grace",
    input: { preStop: true },
    events: [...up, stop(5_000)],
    state: "stopping.preStop",
    orders: ["stopProbes", "runPreStop"],
    timers: [5_000],
  },
  {
    name: "is asked after preStop",
    input: { preStop: true },
    events: [...up, stop(5_000), hookDone],
    state: "stopping.asked",
    orders: ["stopContainer"],
  },
  {
    name: "hurries when the grace is shortened",
    input: { preStop: true },
    events: [...up, stop(5_000), stop(1_000)],
    state: "stopping.asked",
    orders: ["endStop", "stopContainer"],
    timers: [1_000],
  },
  { name: "never lengthens a grace", events: [...up, stop(5_000), stop(9_000)], state: "stopping.asked" },
  {
    name: "is stopped and started anew when liveness fails",
    events: [...up, failed("liveness"), exited(137)],
    state: "preparing.image.checking",
    orders: ["endStop", "checkImage"],
  },
  {
    name: "fails for good when liveness fails under Never",
    input: { restartPolicy: "Never" },
    events: [...up, failed("liveness"), exited(137)],
    state: "failed",
    orders: ["endStop", "tellPod"],
  },
  {
    name: "does not start any more when it is stopped during the start",
    events: [start, present, created, stop(5_000), started],
    state: "stopping.asked",
    orders: ["stopContainer"],
    timers: [5_000],
  },
  {
    name: "is adopted while it runs, without postStart",
    input: { found: "running", postStart: true },
    events: [],
    state: "running.up.ready",
    orders: ["tellPod", "startProbes"],
    timers: [600_000],
  },
];
for (const { name, input = {}, events, state, orders = [], timers = [] } of cases) {
  Deno.test(`containerMachine ${name}`, () => {
    let last = firstStep(containerMachine, { ...base, ...input });
    for (const event of events) {
      assert(
        last.snapshot.can(event) || event.type === "container.prepareAsked",
        `${event.type} means nothing in ${stateName(last.snapshot)}`,
      );
      last = step(containerMachine, last.snapshot, event);
    }
    const armed = last.timers.flatMap((timer) => timer.delayMs ?? []).filter((delay) =>
      delay !== 600_000 || timers.includes(delay)
    );
    assertEquals([stateName(last.snapshot), last.orders.map(({ type }) => type), armed], [state, orders, timers]);
  });
}

Deno.test("backOffMs doubles from 10 s to 5 minutes", () => {
  assertEquals([0, 1, 2, 3, 4, 5, 6, 7].map(backOffMs), [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
});

Deno.test("crashesFound forgets crashes before a run of 10 minutes", () => {
  assertEquals([crashesFound(9, 1_000), crashesFound(9, 600_000), crashesFound(2, 0)], [6, 0, 2]);
});
