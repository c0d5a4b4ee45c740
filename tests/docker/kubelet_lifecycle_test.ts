import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Pod } from "../../machines/objects/object.ts";
import { labelNames } from "../../machines/pod/pod_names.ts";
import { busybox } from "./images.ts";
import { Harness, isGone, isReady, sleeper } from "./kubelet_harness.ts";

const shell = (name: string, script: string, more: Record<string, unknown> = {}) => ({
  name,
  image: busybox,
  command: ["sh", "-c", script],
  ...more,
});
const first = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0];
const phaseIs = (phase: string) => (pod: Pod | undefined) => pod?.status?.phase === phase;

Deno.test("a kubelet runs init containers in order, sidecars beside, and ends the pod with its app", async () => {
  await using harness = await Harness.start();
  await harness.createPod("steps", {
    restartPolicy: "Never",
    volumes: [{ name: "shared", emptyDir: {} }],
    initContainers: [
      shell("one", "echo one >> /shared/log", { volumeMounts: [{ name: "shared", mountPath: "/shared" }] }),
      sleeper("side", { restartPolicy: "Always" }),
      shell("two", "echo two >> /shared/log", { volumeMounts: [{ name: "shared", mountPath: "/shared" }] }),
    ],
    containers: [
      shell("app", "cat /shared/log > /dev/termination-log", {
        volumeMounts: [{ name: "shared", mountPath: "/shared" }],
      }),
    ],
  });
  const pod = (await harness.until("steps", phaseIs("Succeeded")))!;
  assertEquals(first(pod)?.state?.terminated?.message, "one\ntwo\n");
  assertEquals(first(pod)?.state?.terminated?.reason, "Completed");
  assertEquals(pod.status?.initContainerStatuses?.map(({ name, state }) => [name, state?.terminated?.exitCode]), [
    ["one", 0],
    ["side", 0],
    ["two", 0],
  ]);
  const conditions = Object.fromEntries(
    pod.status!.conditions!.map(({ type, status, reason }) => [type, [status, reason]]),
  );
  assertEquals(conditions.Ready, ["False", "PodCompleted"]);
  assertEquals(conditions.Initialized, ["True", "PodCompleted"]);
  await harness.deletePod("steps");
  await harness.until("steps", isGone);
  assertEquals(await harness.containers(), []);
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet kills what ignores SIGTERM when the grace is over, and runs preStop first", async () => {
  await using harness = await Harness.start();
  await harness.createPod("stubborn", {
    terminationGracePeriodSeconds: 1,
    volumes: [{ name: "host", hostPath: { path: harness.directory } }],
    containers: [
      shell("app", "trap '' TERM; while true; do sleep 0.1; done", {
        lifecycle: { preStop: { exec: { command: ["touch", "/host/stopped"] } } },
        volumeMounts: [{ name: "host", mountPath: "/host" }],
      }),
    ],
  });
  await harness.ready("stubborn");
  const began = performance.now();
  await harness.deletePod("stubborn");
  const last = await harness.until(
    "stubborn",
    (pod) => pod === undefined || first(pod)?.state?.terminated !== undefined,
  );
  assertEquals(first(last)?.state?.terminated?.exitCode, 137);
  await harness.until("stubborn", isGone);
  assert(performance.now() - began >= 1_000);
  assert((await Deno.stat(`${harness.directory}/stopped`)).isFile);
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet restarts a container whose liveness probe fails and keeps an unready one out of service", async () => {
  await using harness = await Harness.start();
  const probe = { periodSeconds: 1, failureThreshold: 1 };
  await harness.createPod("probed", {
    containers: [
      shell("app", "touch /tmp/alive; sleep 1.5; rm /tmp/alive; while true; do sleep 0.1; done", {
        livenessProbe: { exec: { command: ["cat", "/tmp/alive"] }, ...probe },
        readinessProbe: { exec: { command: ["test", "-e", "/tmp/ready"] }, ...probe },
      }),
    ],
  });
  const restarted = (await harness.until("probed", (pod) => (first(pod)?.restartCount ?? 0) >= 1))!;
  assertEquals(isReady(restarted), false);
  const events = await harness.events("probed");
  const messages = events.map(({ reason, message }) => `${reason}: ${message}`).join("\n");
  assertStringIncludes(
    messages,
    "Unhealthy: Liveness probe failed: cat: can't open '/tmp/alive': No such file or directory",
  );
  assertStringIncludes(messages, "Killing: Container app failed liveness probe, will be restarted");
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet makes a dead sandbox anew and starts the containers again in it", async () => {
  await using harness = await Harness.start();
  await harness.createPod("sandbox", { containers: [sleeper("app")] });
  await harness.ready("sandbox");
  const sandbox = (await harness.containers()).find(({ labels }) => labels[labelNames.container] === "POD")!;
  await harness.runtime.kill(sandbox.id);
  const again = (await harness.until("sandbox", (pod) => isReady(pod) && first(pod)?.restartCount === 1))!;
  const now = (await harness.containers()).filter(({ labels }) => labels[labelNames.container] === "POD");
  assertEquals(now.map(({ name }) => name.endsWith("_1")), [true]);
  assertEquals(again.status?.phase, "Running");
  assert((await harness.events("sandbox")).some(({ reason }) => reason === "SandboxChanged"));
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet says why an image or a configuration cannot be had", async () => {
  await using harness = await Harness.start();
  const rows = [
    ["never", { image: "chartroom-test/absent:1", imagePullPolicy: "Never" }, "ErrImageNeverPull"],
    ["invalid", { image: "UPPER/case:1" }, "InvalidImageName"],
    ["pull", { image: "127.0.0.1:1/absent:1" }, "ErrImagePull"],
    ["config", { image: busybox, envFrom: [{ configMapRef: { name: "absent" } }] }, "CreateContainerConfigError"],
    ["command", { image: busybox, command: ["/absent"] }, "RunContainerError"],
  ] as const;
  await Promise.all(rows.map(async ([name, container, reason]) => {
    await harness.createPod(name, { containers: [{ name: "app", ...container }] });
    await harness.until(name, (pod) => {
      const waiting = first(pod)?.state?.waiting?.reason;
      return waiting === reason || (reason === "RunContainerError" && waiting === "CrashLoopBackOff");
    });
    await harness.deletePod(name);
    await harness.until(name, isGone);
  }));
  assertEquals(await harness.containers(), []);
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet fails a pod whose active deadline has passed", async () => {
  await using harness = await Harness.start();
  // A pod's start time has whole seconds: with 2 it has at least one, time enough for its container to start.
  await harness.createPod("late", { activeDeadlineSeconds: 2, containers: [sleeper("app")] });
  const pod = (await harness.until("late", phaseIs("Failed")))!;
  assertEquals([pod.status?.reason, pod.status?.message], [
    "DeadlineExceeded",
    "Pod was active on the node longer than the specified deadline",
  ]);
  const left = (await harness.containers()).filter(({ labels }) => labels[labelNames.container] === "app");
  assertEquals(left.map(({ state }) => state), ["exited"]);
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet refuses a pod that does not fit", async () => {
  await using harness = await Harness.start();
  await harness.createPod("large", { containers: [sleeper("app", { resources: { requests: { cpu: "1000" } } })] });
  const pod = (await harness.until("large", phaseIs("Failed")))!;
  assertEquals(pod.status?.reason, "OutOfcpu");
  assertEquals(await harness.containers(), []);
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet takes down pods that vanished from the API while it was away, and its own orphans", async () => {
  await using harness = await Harness.start();
  await harness.createPod("vanished", { containers: [sleeper("app")] });
  await harness.ready("vanished");
  await harness.crash();
  harness.api.remove({ group: "", version: "v1", resource: "pods" }, "default", "vanished");
  await harness.startKubelet();
  while ((await harness.containers()).length > 0) await new Promise((resolve) => setImmediate(resolve));
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet starts an ephemeral container in a pod that runs, beside the processes of its target", async () => {
  await using harness = await Harness.start();
  await harness.createPod("debugged", { containers: [sleeper("app")] });
  await harness.ready("debugged");
  await harness.api.patch({ group: "", version: "v1", resource: "pods" }, "default", "debugged", "merge", {
    spec: {
      ephemeralContainers: [
        shell("debugger", "ps > /dev/termination-log; exec sleep 1000", { targetContainerName: "app" }),
      ],
    },
  });
  const ephemeral = (pod: Pod | undefined) => pod?.status?.ephemeralContainerStatuses?.[0];
  const pod = await harness.until("debugged", (each) => ephemeral(each)?.state?.running !== undefined);
  assertEquals([isReady(pod), first(pod)?.restartCount], [true, 0]);
  const process = await harness.kubelet!.streams.exec(
    { namespace: "default", pod: "debugged", container: "debugger" },
    ["ps"],
    { stdin: false, stdout: true, stderr: false, tty: false },
  );
  assertStringIncludes(await new Response(process.stdout ?? null).text(), "echo hello");
  await harness.deletePod("debugged");
  await harness.until("debugged", isGone);
  assertEquals(await harness.containers(), []);
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet runs a pod on the host's network under the node's address", async () => {
  await using harness = await Harness.start();
  await harness.createPod("host", {
    hostNetwork: true,
    containers: [shell("app", "hostname > /dev/termination-log; exec sleep 1000")],
  });
  const pod = await harness.ready("host");
  assertEquals(pod.status?.podIP, "127.0.0.1");
  assertEquals((await harness.network.list()).size, 0);
  await harness.deletePod("host", 1);
  await harness.until("host", isGone);
  assertEquals(harness.faults, []);
});
