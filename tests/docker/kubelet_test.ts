import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { mountsBelow } from "../../actors/node_files/mounts.ts";
import { resources } from "../../ports/api_client.ts";
import { Harness, isGone, isReady, sleeper } from "./kubelet_harness.ts";
import { busybox } from "./images.ts";

const target = (pod: string, container = "app") => ({ namespace: "default", pod, container });
const text = async (stream: ReadableStream<Uint8Array> | undefined) => await new Response(stream ?? null).text();

Deno.test("a kubelet runs a pod until it is Ready, shows its logs, runs commands and removes everything", async () => {
  await using harness = await Harness.start();
  await harness.createPod("web", { containers: [sleeper("app")] });
  const pod = await harness.ready("web");
  assertEquals(pod.status?.phase, "Running");
  assertEquals(pod.status?.containerStatuses?.[0]?.restartCount, 0);
  assertStringIncludes(pod.status?.containerStatuses?.[0]?.containerID ?? "", "docker://");
  assert(pod.status?.podIP?.startsWith("10.199.0."));

  const options = { follow: true, previous: false, timestamps: false };
  const { signal } = new AbortController();
  const followed = (await harness.kubelet!.streams.logs(target("web"), options, signal)).getReader();
  assertEquals(new TextDecoder().decode((await followed.read()).value), "hello\n");
  await followed.cancel();
  const logs = await harness.kubelet!.streams.logs(target("web"), { ...options, follow: false }, signal);
  assertEquals(await text(logs), "hello\n");

  const process = { stdin: false, stdout: true, stderr: true, tty: false };
  const exec = await harness.kubelet!.streams.exec(
    target("web"),
    ["sh", "-c", "echo out; echo err >&2; exit 7"],
    process,
  );
  assertEquals(
    [await text(exec.stdout), await text(exec.stderr), (await exec.exit).exitCode],
    ["out\n", "err\n", 7],
  );

  await harness.deletePod("web");
  await harness.until("web", isGone);
  assertEquals(await harness.containers(), []);
  assertEquals(await mountsBelow(harness.directory), []);
  assertEquals([...Deno.readDirSync(`${harness.directory}/pods`)], []);
  const reasons = (await harness.events("web")).map(({ reason }) => reason);
  assertEquals(reasons, ["Pulled", "Created", "Started", "Killing"]);
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet restarts a container that crashes: at once, then under CrashLoopBackOff", async () => {
  await using harness = await Harness.start();
  await harness.createPod("crash", {
    containers: [{ name: "app", image: busybox, command: ["sh", "-c", "echo bye; exit 3"] }],
  });
  const pod = await harness.until(
    "crash",
    (each) => each?.status?.containerStatuses?.[0]?.state?.waiting?.reason === "CrashLoopBackOff",
  );
  const status = pod!.status!.containerStatuses![0]!;
  assertEquals([status.restartCount, status.lastState?.terminated?.exitCode, pod!.status!.phase], [1, 3, "Running"]);
  assertStringIncludes(
    status.state!.waiting!.message!,
    "back-off 10s restarting failed container=app pod=crash_default(",
  );
  await harness.deletePod("crash");
  await harness.until("crash", isGone);
  assertEquals(await harness.containers(), []);
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet that was killed adopts what runs and starts nothing twice", async () => {
  await using harness = await Harness.start();
  await harness.createPod("stay", { containers: [sleeper("app")] });
  const before = await harness.ready("stay");
  const ids = (await harness.containers()).map(({ id }) => id).sort();
  await harness.crash();
  await harness.startKubelet();
  await harness.api.until(resources.nodes, undefined, "worker-0", () => true);
  await harness.until("stay", isReady);
  // Something that can only happen when the pod was adopted: it is deleted.
  assertEquals((await harness.containers()).map(({ id }) => id).sort(), ids);
  await harness.deletePod("stay");
  await harness.until("stay", isGone);
  assertEquals(await harness.containers(), []);
  assertEquals(before.status?.containerStatuses?.[0]?.restartCount, 0);
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet restarts a container whose image was changed, while it looks and while it was away", async () => {
  await using harness = await Harness.start();
  const other = `${busybox.split(":")[0]}:2`;
  const tag = new Deno.Command("docker", { args: ["tag", busybox, other] });
  assertEquals((await tag.output()).success, true);
  const change = (image: string) =>
    harness.api.patch(resources.pods, "default", "changed", "strategic", {
      spec: { containers: [{ name: "app", image }] },
    });
  const restarted = (image: string, count: number) =>
    harness.until("changed", (pod) => {
      const status = pod?.status?.containerStatuses?.[0];
      return isReady(pod) && status?.image === image && status.restartCount === count;
    });
  await harness.createPod("changed", { containers: [sleeper("app")] });
  await harness.ready("changed");
  await change(other);
  await restarted(other, 1);
  await harness.crash();
  await change(busybox);
  await harness.startKubelet();
  await restarted(busybox, 2);
  const messages = (await harness.events("changed")).map(({ message }) => message);
  assert(messages.includes("Container app definition changed, will be restarted"));
  assertEquals(harness.faults, []);
});
