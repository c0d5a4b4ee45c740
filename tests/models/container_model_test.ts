import { assertEquals } from "@std/assert";
import { exploreMachine, type Situation, stateName } from "../../machines/check/explore_machine.ts";
import {
  type ContainerEvent,
  type ContainerInput,
  containerMachine,
} from "../../machines/container/container_machine.ts";

type At = Situation<typeof containerMachine>;

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
  graceMs: 2_000,
};
const inputs: ContainerInput[] = [
  { ...base, postStart: true, preStop: true, startupProbe: true, readinessProbe: true },
  { ...base, role: "init", restartPolicy: "OnFailure", pullPolicy: "Always", needsAddress: true },
  { ...base, restartPolicy: "Never", pullPolicy: "Never" },
  { ...base, found: "running" },
  { ...base, found: "running", standing: "started", startupProbe: true, readinessProbe: true },
  { ...base, found: "running", standing: "ready", startupProbe: true, readinessProbe: true },
  { ...base, found: "completed", crashes: 6 },
  { ...base, found: "failed", crashes: 6 },
  { ...base, role: "init", restartPolicy: "OnFailure", found: "completed" },
  { ...base, restartPolicy: "Never", found: "failed" },
];

const runs = (at: At) => at.snapshot.matches("running") || at.snapshot.matches("stopping");
const names = (orders: At["orders"]) => orders.map(({ type }) => type);

Deno.test("containerMachine never runs a container twice, kills only after the grace, and ends everywhere", () => {
  const found = exploreMachine(containerMachine, {
    inputs,
    facts: { "container.exited": [{ exitCode: 0 }, { exitCode: 1 }] },
    events: (at): ContainerEvent[] => [
      { type: "container.prepareAsked" },
      { type: "container.startAsked" },
      { type: "container.stopAsked", graceMs: 2_000 },
      { type: "container.stopAsked", graceMs: 1_000 },
      { type: "container.stopAsked", graceMs: 0 },
      ...(runs(at)
        ? [
          { type: "container.exited", exitCode: 0 } as const,
          { type: "container.exited", exitCode: 1 } as const,
          { type: "container.changed" } as const,
        ]
        : []),
      ...(at.snapshot.matches("running")
        ? (["startup", "readiness", "liveness"] as const).flatMap((probe) => [
          ...(probe === "liveness" ? [] : [{ type: "probe.passed", probe } as const]),
          { type: "probe.failed", probe } as const,
          { type: "probe.failed", probe, graceMs: 1_000 } as const,
        ])
        : []),
    ],
    terminal: ["waiting", "stopped", "completed", "failed", "preparing.created", "running"],
    always: {
      "nothing is started while it runs": (at) =>
        !(runs(at) && at.outstanding.some(({ type }) => type === "startContainer" || type === "createContainer")),
      "at most one container is being made": (at) =>
        at.outstanding.filter(({ type }) => type === "createContainer" || type === "startContainer").length <= 1,
      "stopped leaves nothing under way": (at) => !at.snapshot.matches("stopped") || at.outstanding.length === 0,
      "ready only while there is a process": (at) => !at.snapshot.context.ready || runs(at),
    },
    eachStep: {
      "a container starts only when the pod allows it": ({ after }) =>
        !names(after.orders).includes("startContainer") || after.snapshot.context.mayStart,
      "is killed only after its grace, without grace, or when the stop failed": ({ choice, before, after }) =>
        !names(after.orders).includes("killContainer") || choice.type === "timer" ||
        after.snapshot.context.graceMs === 0 ||
        (choice.type === "answer" && choice.event.type === "container.stopFailed") || before === undefined,
      "never runs again after its end under Never": ({ before, after }) =>
        before.snapshot.context.restartPolicy !== "Never" ||
        !(before.snapshot.matches("failed") || before.snapshot.matches("completed")) ||
        names(after.orders).every((name) => name === "tellPod"),
    },
    sometimes: {
      "crashes in a row reach the longest delay": (at) =>
        at.snapshot.context.crashes === 6 && stateName(at.snapshot) === "crashBackOff",
      "is ready": (at) => at.snapshot.context.ready,
    },
    maxStates: 200_000,
  });
  assertEquals(found.problems, []);
});
