import { assertEquals } from "@std/assert";
import { humanDuration } from "../../../../http/resources/columns/duration.ts";
import { podColumns } from "../../../../http/resources/columns/pod_columns.ts";
import type { KubeObject } from "../../../../machines/objects/object.ts";

const now = Date.parse("2026-01-01T01:00:00Z");

interface PodSketch {
  readonly phase?: string;
  readonly reason?: string;
  readonly deleted?: boolean;
  readonly containers?: number;
  readonly init?: readonly Record<string, unknown>[];
  readonly initStatuses?: readonly Record<string, unknown>[];
  readonly statuses?: readonly Record<string, unknown>[];
  readonly conditions?: readonly Record<string, unknown>[];
}

function pod(sketch: PodSketch): KubeObject {
  const { phase = "Running", reason, deleted = false, containers = 1, init = [], initStatuses, statuses, conditions } =
    sketch;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "p",
      namespace: "n",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...(deleted ? { deletionTimestamp: "2026-01-01T00:59:00Z" } : {}),
    },
    spec: {
      containers: Array.from({ length: containers }, (_, index) => ({ name: `c${index}` })),
      initContainers: init,
    },
    status: { phase, reason, initContainerStatuses: initStatuses, containerStatuses: statuses, conditions },
  };
}

const running = (restartCount = 0, ready = true) => ({ name: "c0", ready, restartCount, state: { running: {} } });
const waiting = (reason: string, restartCount = 0) => ({
  name: "c0",
  ready: false,
  restartCount,
  state: { waiting: { reason } },
  lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:58:00Z" } },
});
const ended = (terminated: Record<string, unknown>) => ({
  name: "c0",
  ready: false,
  restartCount: 0,
  state: { terminated },
});
const isTrue = (type: string) => ({ type, status: "True" });

const cases: { name: string; pod: PodSketch; ready: string; status: string; restarts?: string }[] = [
  { name: "a running pod", pod: { statuses: [running()] }, ready: "1/1", status: "Running" },
  { name: "a pod that nobody took up", pod: { phase: "Pending" }, ready: "0/1", status: "Pending" },
  {
    name: "a crash loop",
    pod: { statuses: [waiting("CrashLoopBackOff", 3)] },
    ready: "0/1",
    status: "CrashLoopBackOff",
    restarts: "3 (2m ago)",
  },
  {
    name: "an image that cannot be had",
    pod: { phase: "Pending", statuses: [waiting("ImagePullBackOff")] },
    ready: "0/1",
    status: "ImagePullBackOff",
  },
  {
    name: "a clean end",
    pod: { phase: "Succeeded", statuses: [ended({ reason: "Completed", exitCode: 0 })] },
    ready: "0/1",
    status: "Completed",
  },
  {
    name: "an end by signal",
    pod: { phase: "Failed", statuses: [ended({ signal: 9, exitCode: 137 })] },
    ready: "0/1",
    status: "Signal:9",
  },
  {
    name: "an end without a reason",
    pod: { phase: "Failed", statuses: [ended({ exitCode: 3 })] },
    ready: "0/1",
    status: "ExitCode:3",
  },
  { name: "a deletion under way", pod: { deleted: true, statuses: [running()] }, ready: "1/1", status: "Terminating" },
  {
    name: "a lost node",
    pod: { deleted: true, reason: "NodeLost", statuses: [running()] },
    ready: "1/1",
    status: "Unknown",
  },
  { name: "an eviction", pod: { phase: "Failed", reason: "Evicted" }, ready: "0/1", status: "Evicted" },
  {
    name: "a first init container at work",
    pod: {
      phase: "Pending",
      init: [{ name: "a" }, { name: "b" }],
      initStatuses: [{ name: "a", restartCount: 0, state: { running: {} } }],
    },
    ready: "0/1",
    status: "Init:0/2",
  },
  {
    name: "a failed init container",
    pod: {
      phase: "Pending",
      init: [{ name: "a" }],
      initStatuses: [{ name: "a", restartCount: 2, state: { terminated: { exitCode: 1, reason: "Error" } } }],
    },
    ready: "0/1",
    status: "Init:Error",
    restarts: "2",
  },
  {
    name: "a sidecar that is ready",
    pod: {
      init: [{ name: "s", restartPolicy: "Always" }],
      initStatuses: [{ name: "s", ready: true, started: true, restartCount: 1, state: { running: {} } }],
      statuses: [running()],
    },
    ready: "2/2",
    status: "Running",
    restarts: "1",
  },
  {
    name: "one container done, one running and ready",
    pod: {
      containers: 2,
      statuses: [ended({ reason: "Completed", exitCode: 0 }), { ...running(), name: "c1" }],
      conditions: [isTrue("Ready")],
    },
    ready: "1/2",
    status: "Running",
  },
  {
    name: "one container done, the pod not ready",
    pod: { containers: 2, statuses: [ended({ reason: "Completed", exitCode: 0 }), { ...running(), name: "c1" }] },
    ready: "1/2",
    status: "NotReady",
  },
  {
    name: "a gated pod",
    pod: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] },
    ready: "0/1",
    status: "SchedulingGated",
  },
];
for (const { name, pod: sketch, ready, status, restarts = "0" } of cases) {
  Deno.test(`the columns of pods show ${name}`, () => {
    const [, readyCell, statusCell, restartsCell, age] = podColumns.map((column) => column.cell(pod(sketch), now));
    assertEquals([readyCell, statusCell, restartsCell, age], [ready, status, restarts, "60m"]);
  });
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const ages: [milliseconds: number, shown: string][] = [
  [-5 * second, "<invalid>"],
  [0, "0s"],
  [119 * second, "119s"],
  [2 * minute, "2m"],
  [200 * second, "3m20s"],
  [179 * minute, "179m"],
  [3 * hour, "3h"],
  [5 * hour + 12 * minute, "5h12m"],
  [47 * hour, "47h"],
  [3 * day + 4 * hour, "3d4h"],
  [100 * day, "100d"],
  [800 * day, "2y70d"],
  [3650 * day, "10y"],
];
for (const [milliseconds, shown] of ages) {
  Deno.test(`humanDuration shows ${milliseconds} ms as ${shown}`, () =>
    assertEquals(humanDuration(milliseconds), shown));
}
