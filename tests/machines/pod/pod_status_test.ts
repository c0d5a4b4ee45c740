import { assertEquals } from "@std/assert";
import type { Pod } from "../../../machines/objects/object.ts";
import { phaseOf, podStatus } from "../../../machines/pod/pod_status.ts";
import type { ContainerView, PodView, Run } from "../../../machines/pod/pod_view.ts";

const now = "2026-01-01T00:00:10Z";
const run: Run = {
  containerId: "docker://a",
  imageId: "docker://i",
  image: "app:1",
  startedAt: "2026-01-01T00:00:05Z",
};
const ended = (exitCode: number): Run => ({ ...run, finishedAt: "2026-01-01T00:00:09Z", exitCode });
const waiting = (reason: NonNullable<ContainerView["chart"]["reason"]>) =>
  ({ kind: "waiting", reason, ready: false, started: false }) as const;
const running = { kind: "running", ready: true, started: true } as const;
const terminated = { kind: "terminated", ready: false, started: false } as const;

function container(more: Partial<ContainerView>): ContainerView {
  return { name: "app", image: "app:1", role: "app", chart: waiting("ContainerCreating"), restartCount: 0, ...more };
}

function view(containers: ContainerView[], more: Partial<PodView> = {}, status: Pod["status"] = {}): PodView {
  const metadata = { name: "web", namespace: "default", uid: "1", resourceVersion: "1", creationTimestamp: now };
  const pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [] }, status } as unknown as Pod;
  return { pod, now, startTime: now, hostIPs: ["10.0.0.1"], podIPs: [], sandboxReady: false, containers, ...more };
}

const init = (more: Partial<ContainerView>) => container({ name: "init", role: "init", ...more });
const phases: { name: string; view: PodView; phase: string }[] = [
  { name: "nothing has run", view: view([container({})]), phase: "Pending" },
  { name: "it runs", view: view([container({ chart: running, run })]), phase: "Running" },
  { name: "an init container runs", view: view([init({ chart: running, run }), container({})]), phase: "Pending" },
  {
    name: "an init container is done and the app's image is pulled",
    view: view([init({ chart: terminated, run: ended(0) }), container({})]),
    phase: "Pending",
  },
  {
    name: "it waits after a crash",
    view: view([container({ chart: waiting("CrashLoopBackOff"), run: ended(1) })]),
    phase: "Running",
  },
  {
    name: "it ran before and its sandbox is made anew",
    view: view([container({})], {}, { phase: "Running" }),
    phase: "Running",
  },
  {
    name: "its chart says so",
    view: view([container({ chart: terminated, run: ended(1) })], { ended: "Failed" }),
    phase: "Failed",
  },
];
for (const { name, view, phase } of phases) {
  Deno.test(`phaseOf is ${phase} when ${name}`, () => assertEquals(phaseOf(view), phase));
}

const states: { name: string; container: ContainerView; state: unknown; last: unknown }[] = [
  { name: "is created", container: container({}), state: { waiting: { reason: "ContainerCreating" } }, last: {} },
  {
    name: "runs",
    container: container({ chart: running, run }),
    state: { running: { startedAt: run.startedAt } },
    last: {},
  },
  {
    name: "cannot get its image",
    container: container({ chart: waiting("trouble"), trouble: { reason: "ErrImagePull", message: "no such image" } }),
    state: { waiting: { reason: "ErrImagePull", message: "no such image" } },
    last: {},
  },
  {
    name: "waits after a crash",
    container: container({
      chart: waiting("CrashLoopBackOff"),
      run: ended(1),
      trouble: { reason: "x", message: "back-off" },
    }),
    state: { waiting: { reason: "CrashLoopBackOff", message: "back-off" } },
    last: {
      terminated: {
        exitCode: 1,
        reason: "Error",
        startedAt: run.startedAt,
        finishedAt: ended(1).finishedAt,
        containerID: "docker://a",
      },
    },
  },
  {
    name: "completed",
    container: container({ chart: terminated, run: { ...ended(0), reason: "Completed", message: "done" } }),
    state: {
      terminated: {
        exitCode: 0,
        reason: "Completed",
        message: "done",
        startedAt: run.startedAt,
        finishedAt: ended(0).finishedAt,
        containerID: "docker://a",
      },
    },
    last: {},
  },
];
for (const { name, container, state, last } of states) {
  Deno.test(`podStatus shows a container that ${name}`, () => {
    const status = podStatus(view([container])).containerStatuses![0]!;
    assertEquals([status.state, status.lastState], [state, last] as never);
  });
}

Deno.test("podStatus makes apps wait for PodInitializing while init containers run", () => {
  const status = podStatus(view([init({ chart: running, run }), container({})]));
  assertEquals(status.containerStatuses![0]!.state as unknown, { waiting: { reason: "PodInitializing" } });
  const initialized = status.conditions!.find(({ type }) => type === "Initialized")!;
  assertEquals(
    [initialized.status, initialized.reason, initialized.message],
    ["False", "ContainersNotInitialized", "containers with incomplete status: [init]"],
  );
});

Deno.test("podStatus keeps the time of a condition that did not change, and conditions of others", () => {
  const conditions = [
    { type: "PodScheduled", status: "True", lastTransitionTime: "2025-12-31T00:00:00Z" },
    { type: "Initialized", status: "True", lastTransitionTime: "2025-12-31T00:00:01Z" },
    { type: "Ready", status: "False", lastTransitionTime: "2025-12-31T00:00:02Z" },
  ];
  const status = podStatus(view([container({ chart: running, run })], { sandboxReady: true }, { conditions } as never));
  const times = Object.fromEntries(
    status.conditions!.map(({ type, status, lastTransitionTime }) => [type, [status, lastTransitionTime]]),
  );
  assertEquals(times as unknown, {
    PodReadyToStartContainers: ["True", now],
    Initialized: ["True", "2025-12-31T00:00:01Z"],
    Ready: ["True", now],
    ContainersReady: ["True", now],
    PodScheduled: ["True", "2025-12-31T00:00:00Z"],
  });
});

Deno.test("podStatus holds Ready back for readiness gates", () => {
  const gated = view([container({ chart: running, run })]);
  const spec = { containers: [], readinessGates: [{ conditionType: "example.com/up" }] };
  const status = podStatus({ ...gated, pod: { ...gated.pod, spec } as unknown as Pod });
  const ready = status.conditions!.find(({ type }) => type === "Ready")!;
  assertEquals([ready.status, ready.reason], ["False", "ReadinessGatesNotReady"]);
});
