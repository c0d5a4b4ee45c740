import { assert, assertEquals } from "@std/assert";
import { SimulatedRandom } from "../../../actors/simulated/simulated_random.ts";
import type { Lease, Node } from "../../../machines/objects/object.ts";
import { type ApiWatchSink, resources, type WatchEvent } from "../../../ports/api_client.ts";
import { RuntimeError } from "../../../ports/container_runtime.ts";
import { SimulatedNode } from "./simulated_node.ts";

const isReady = (pod: { status?: { conditions?: { type: string; status: string }[] } } | undefined) =>
  pod?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

async function startedNode(): Promise<SimulatedNode> {
  const node = new SimulatedNode();
  await node.start();
  await node.clock.pass(2_000);
  return node;
}

Deno.test("kubelet waits 10 s, 20 s, 40 s and at most 5 minutes between crashes, and forgets them after 10 minutes", async () => {
  const node = await startedNode();
  node.behaviours.set("app", { endsAfterMs: 1_000, exitCode: 1 });
  await node.createPod("crash");
  const waits: number[] = [];
  let endedAt = 0;
  let restarts = -1;
  const end = node.clock.now() + 3_000_000;
  while (node.clock.now() < end && waits.length < 8) {
    await node.clock.pass(500);
    const status = await node.container("crash");
    if (status?.state?.running !== undefined && status.restartCount !== restarts) {
      if (restarts >= 0) waits.push(Math.round((node.clock.now() - endedAt) / 1000));
      restarts = status.restartCount;
    } else if (status?.state?.running !== undefined) endedAt = node.clock.now();
    else if (endedAt === 0) endedAt = node.clock.now();
  }
  const about = [0, 10, 20, 40, 80, 160, 300, 300];
  assert(
    waits.every((wait, index) => Math.abs(wait - about[index]!) <= 3),
    `waited ${waits.join(", ")} s`,
  );
  node.behaviours.set("app", { endsAfterMs: 700_000, exitCode: 1 });
  await node.clock.pass(400_000);
  const before = (await node.container("crash"))!.restartCount;
  await node.clock.pass(720_000);
  assertEquals((await node.container("crash"))?.restartCount, before + 1);
  assertEquals(node.faults, []);
  node.crash();
});

Deno.test("kubelet writes nothing while nothing happens, but renews its lease every 10 s", async () => {
  const node = await startedNode();
  await node.createPod("quiet");
  await node.clock.pass(5_000);
  assert(isReady(await node.pod("quiet")));
  const before = node.api.writes.length;
  await node.clock.pass(100_000);
  const writes = node.api.writes.slice(before);
  assertEquals(new Set(writes), new Set(["update leases kube-node-lease/n1"]));
  assertEquals(writes.length, 10);
  const lease = await node.api.get<Lease>(resources.leases, "kube-node-lease", "n1");
  assertEquals(lease.spec?.leaseDurationSeconds, 40);
  const later = node.api.writes.length;
  await node.clock.pass(300_000);
  assertEquals(node.api.writes.slice(later).filter((write) => write === "patch nodes/status -/n1").length, 1);
  node.crash();
});

Deno.test("kubelet shows a new pod the ConfigMap as it is now, however lately another pod was shown it", async () => {
  const node = await startedNode();
  const settings = (greeting: string) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", namespace: "default" },
    data: { GREETING: greeting },
  });
  const shown = new Map<string, readonly string[] | undefined>();
  const created = node.runtime.create.bind(node.runtime);
  node.runtime.create = (draft) => {
    shown.set(draft.labels["io.kubernetes.pod.name"] ?? "", draft.env?.filter((each) => each.startsWith("GREETING=")));
    return created(draft);
  };
  const containers = [{ name: "app", image: "app:1", envFrom: [{ configMapRef: { name: "settings" } }] }];
  await node.api.create(resources.configMaps, "default", settings("hello"));
  await node.createPod("early", { containers });
  await node.clock.pass(100);
  await node.api.patch(resources.configMaps, "default", "settings", "merge", { data: { GREETING: "bye" } });
  await node.createPod("late", { containers });
  await node.clock.pass(500);
  assertEquals([shown.get("early"), shown.get("late")], [["GREETING=hello"], ["GREETING=bye"]]);
  node.crash();
});

Deno.test("kubelet starts each attempt of a container once, though earlier ones cannot be removed", async () => {
  const node = await startedNode();
  node.behaviours.set("app", { endsAfterMs: 1_000, exitCode: 1 });
  node.runtime.remove = () => Promise.reject(new Error("the engine is busy"));
  await node.createPod("crash");
  await node.clock.pass(120_000);
  const { restartCount } = (await node.container("crash"))!;
  const starts = [...node.starts].filter(([name]) => name.startsWith("k8s_app_"));
  assertEquals(
    starts.map(([name, count]) => [Number(name.split("_").at(-1)), count]),
    [0, 1, 2, 3, 4].map((n) => [n, 1]),
  );
  assertEquals(restartCount, 4);
  node.crash();
});

Deno.test("kubelet does not start a container again whose start was carried out and reported as failed", async () => {
  const node = await startedNode();
  const start = node.runtime.start.bind(node.runtime);
  node.runtime.start = async (id) => {
    await start(id);
    if (node.starts.size === 2) throw new RuntimeError("refused", "Cannot start: the connection was reset");
  };
  await node.createPod("told-wrong");
  await node.clock.pass(60_000);
  assertEquals([...node.starts.values()], [1, 1]);
  assert(isReady(await node.pod("told-wrong")));
  assertEquals((await node.container("told-wrong"))?.restartCount, 0);
  assertEquals(node.faults, []);
  node.crash();
});

Deno.test("kubelet ends what runs of an attempt that it gave up before it makes the next", async () => {
  const node = await startedNode();
  const start = node.runtime.start.bind(node.runtime);
  const inspect = node.runtime.inspect.bind(node.runtime);
  const lost = new RuntimeError("unreachable", "Cannot reach the engine");
  let answers = true;
  node.runtime.start = async (id) => {
    await start(id);
    if (node.starts.size !== 2 || !answers) return;
    answers = false;
    throw lost;
  };
  // Nor can it be asked what became of it.
  node.runtime.inspect = (id) => {
    if (answers) return inspect(id);
    answers = true;
    node.runtime.inspect = inspect;
    return Promise.reject(lost);
  };
  let most = 0;
  await node.createPod("unknown");
  for (let second = 0; second < 60; second++) {
    await node.clock.pass(1_000);
    most = Math.max(most, node.runtime.containers().filter(({ state }) => state === "running").length);
  }
  assertEquals(most, 2, "the sandbox and one container");
  assert(isReady(await node.pod("unknown")));
  assertEquals(node.faults, []);
  node.crash();
});

Deno.test("kubelet heeds a deletion that it first sees in the answer to its own status write", async () => {
  const node = await startedNode();
  const watch = node.api.watch.bind(node.api);
  let deaf = false;
  node.api.watch = (resource, options, sink: ApiWatchSink<never>) =>
    watch(resource, options, { ...sink, events: (batch: readonly WatchEvent<never>[]) => deaf || sink.events(batch) });
  node.crash();
  await node.start();
  await node.clock.pass(2_000);
  await node.createPod("unseen");
  await node.clock.pass(5_000);
  const id = (await node.container("unseen"))!.containerID!.replace("docker://", "");
  deaf = true;
  await node.api.delete(resources.pods, "default", "unseen", { gracePeriodSeconds: 5 });
  node.runtime.exit(id, 1);
  await node.clock.pass(60_000);
  assertEquals(await node.pod("unseen"), undefined);
  assertEquals(node.faults, []);
  node.crash();
});

Deno.test("kubelet asks again how a container ended when the engine could not say so at first", async () => {
  const node = await startedNode();
  await node.createPod("unasked");
  await node.clock.pass(5_000);
  const inspect = node.runtime.inspect.bind(node.runtime);
  let failures = 2;
  node.runtime.inspect = (id) =>
    failures-- > 0 ? Promise.reject(new RuntimeError("unreachable", "Cannot reach the engine")) : inspect(id);
  await node.api.delete(resources.pods, "default", "unasked", { gracePeriodSeconds: 5 });
  await node.clock.pass(60_000);
  assertEquals(await node.pod("unasked"), undefined);
  assertEquals(node.faults, []);
  node.crash();
});

Deno.test("kubelet hears of an end that comes in the very moment in which the grace is over", async () => {
  const node = new SimulatedNode();
  // Its event is lost, so that only the order's own question brings it to light.
  const watch = node.runtime.watch.bind(node.runtime);
  node.runtime.watch = (labels, sink) =>
    watch(labels, { ...sink, event: (event) => event.type === "exited" || sink.event(event) });
  await node.start();
  await node.clock.pass(2_000);
  await node.createPod("just-so");
  await node.clock.pass(5_000);
  const at = [...node.system.addresses()].find((address) => address.includes("/container/"))!;
  const inspect = node.runtime.inspect.bind(node.runtime);
  let held = 0;
  node.runtime.inspect = (id) => {
    const grace = node.system.report(at)?.timers.find((timer) => timer.id.includes("gracePeriod"));
    if (grace === undefined || held++ > 0) return inspect(id);
    const found = node.runtime.containers().find((container) => container.id === id);
    return new Promise((resolve) => node.clock.wakeAt(node.clock.now() + grace.inMs, () => resolve(found)));
  };
  await node.api.delete(resources.pods, "default", "just-so", { gracePeriodSeconds: 5 });
  await node.clock.pass(60_000);
  assert(held > 0);
  assertEquals(await node.pod("just-so"), undefined);
  assertEquals(node.faults, []);
  node.crash();
});

Deno.test("kubelet is not ready while its engine is gone, and then hears of what ended meanwhile", async () => {
  const node = await startedNode();
  await node.createPod("away", { restartPolicy: "Never" });
  await node.clock.pass(5_000);
  const readyStatus = async () =>
    (await node.api.get<Node>(resources.nodes, undefined, "n1")).status?.conditions
      ?.find(({ type }) => type === "Ready")?.status;
  assertEquals(await readyStatus(), "True");
  const id = (await node.container("away"))!.containerID!.replace("docker://", "");
  node.runtime.disconnect();
  node.runtime.exit(id, 4);
  await node.clock.pass(12_000);
  assertEquals(await readyStatus(), "False");
  node.runtime.reconnect();
  await node.clock.pass(40_000);
  assertEquals(await readyStatus(), "True");
  const pod = await node.pod("away");
  assertEquals([pod?.status?.phase, pod?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode], ["Failed", 4]);
  assertEquals(node.faults, []);
  node.crash();
});

Deno.test("kubelet keeps its pods when the API does not answer, and reports when it does again", async () => {
  const node = await startedNode();
  node.api.refuse = (write) => write.startsWith("patch pods/status") ? new Error("no route to host") : undefined;
  await node.createPod("unheard");
  await node.clock.pass(20_000);
  assertEquals((await node.pod("unheard"))?.status?.phase, "Pending");
  assertEquals([...node.starts.values()], [1, 1]);
  node.api.refuse = undefined;
  await node.clock.pass(20_000);
  assert(isReady(await node.pod("unheard")));
  assertEquals(node.faults, []);
  node.crash();
});

Deno.test("kubelet that dies at any moment starts nothing twice, finishes what it began and leaves nothing", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const draw = new SimulatedRandom(seed);
    const node = new SimulatedNode(seed);
    node.behaviours.set("first", { endsAfterMs: 50 });
    await node.start();
    await node.clock.pass(draw.next() * 200);
    await node.createPod("pod", {
      terminationGracePeriodSeconds: 5,
      volumes: [{ name: "data", emptyDir: {} }],
      initContainers: [{ name: "first", image: "app:1" }],
      containers: [{ name: "app", image: "app:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    });
    const crashAgain = async (within: number) => {
      for (let crashes = 0; crashes < 3; crashes++) {
        await node.clock.pass(draw.next() * within);
        node.crash();
        await node.clock.pass(draw.next() * 50);
        await node.start();
      }
    };
    await crashAgain(600);
    await node.clock.pass(60_000);
    const where = `seed ${seed}`;
    assert(isReady(await node.pod("pod")), `${where}: ${JSON.stringify((await node.pod("pod"))?.status)}`);
    const app = [...node.starts].filter(([name]) => name.startsWith("k8s_app_"));
    assertEquals(app.map(([, count]) => count), [1], where);
    await node.api.delete(resources.pods, "default", "pod");
    await crashAgain(300);
    await node.clock.pass(60_000);
    assertEquals(await node.pod("pod"), undefined, where);
    assertEquals(await node.leftovers(), [], where);
    assertEquals(node.faults, [], where);
    node.crash();
  }
});
