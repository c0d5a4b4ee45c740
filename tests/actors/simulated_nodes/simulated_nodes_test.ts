import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Lease, Node, Pod } from "../../../machines/objects/object.ts";
import { resources } from "../../../ports/api_client.ts";
import { readyOf, World } from "./world.ts";

/** Time from the pod's creation, and how it stands then. */
const behaviours: { name: string; declared: string; spec?: Record<string, unknown>; at: [number, string][] }[] = [
  { name: "plain", declared: "{}", at: [[500, "Running, ready"], [60_000, "Running, ready"]] },
  {
    name: "start-delay",
    declared: "startDelay: 5s",
    at: [[3_000, "Pending, not ready, ContainerCreating"], [6_000, "Running, ready"]],
  },
  {
    name: "start-error",
    declared: "startError: exec format error",
    at: [[3_000, "Pending, not ready, CrashLoopBackOff"]],
  },
  {
    name: "crash",
    declared: "exit: { after: 5s, code: 3 }",
    at: [
      [4_000, "Running, ready"],
      [12_000, "Running, not ready, CrashLoopBackOff, 1 restarts"],
      [23_000, "Running, ready, 2 restarts"],
    ],
  },
  {
    name: "completion",
    declared: "exit: { after: 5s }",
    spec: { restartPolicy: "Never" },
    at: [[4_000, "Running, ready"], [7_000, "Succeeded, not ready, exit 0"]],
  },
  {
    name: "failure",
    declared: "exit: { after: 5s, code: 7 }",
    spec: { restartPolicy: "Never" },
    at: [[7_000, "Failed, not ready, exit 7"]],
  },
  { name: "not-ready", declared: "ready: false", at: [[60_000, "Running, not ready"]] },
  {
    name: "ready-window",
    declared: "ready: { after: 5s, until: 20s }",
    at: [[3_000, "Running, not ready"], [10_000, "Running, ready"], [23_000, "Running, not ready"]],
  },
  {
    name: "pull-failure",
    declared: "pull: { error: manifest unknown }",
    at: [
      [500, "Pending, not ready, ErrImagePull"],
      [10_000, "Pending, not ready, ImagePullBackOff"],
    ],
  },
  {
    name: "slow-pull",
    declared: "pull: { delay: 5s }",
    at: [[4_000, "Pending, not ready, ContainerCreating"], [6_000, "Running, ready"]],
  },
];

Deno.test("SimulatedNodes: pods behave as it is declared, through their own charts", async () => {
  const rows = behaviours.map(({ name, declared }) =>
    declared === "{}" ? "" : `  - { match: { selector: app=${name} }, ${declared} }\n`
  );
  const world = await World.start(2, `behaviours:\n${rows.join("")}`);
  for (const { name, spec = {} } of behaviours) await world.create(name, { spec });
  const moments = [...new Set(behaviours.flatMap(({ at }) => at.map(([ms]) => ms)))].sort((a, b) => a - b);
  const seen: Record<string, [number, string][]> = Object.fromEntries(behaviours.map(({ name }) => [name, []]));
  let now = 0;
  for (const moment of moments) {
    await world.pass(moment - now);
    now = moment;
    for (const { name, at } of behaviours) {
      if (at.some(([ms]) => ms === moment)) seen[name]!.push([moment, await world.stateOf(name)]);
    }
  }
  assertEquals(seen, Object.fromEntries(behaviours.map(({ name, at }) => [name, at])));
  assertEquals(world.faults, []);
  await world.stop();
});

Deno.test("SimulatedNodes: nodes are Ready, say what they are, renew their leases, and pods are spread over them", async () => {
  const world = await World.start(3, "nodes: { cpu: 8, zones: 2, labels: { disk: ssd } }", true);
  const { items } = await world.client.list<Node>(resources.nodes);
  assertEquals(
    items.map((node) => [
      node.metadata.name,
      readyOf(node),
      node.status?.allocatable?.cpu,
      node.metadata.labels?.["topology.kubernetes.io/zone"],
      node.metadata.labels?.["chartroom.dev/simulated"],
      node.metadata.labels?.disk,
      node.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`),
    ]),
    [0, 1, 2].map((number) => [
      `simulated-${number}`,
      "True",
      "8",
      `zone-${number % 2}`,
      "true",
      "ssd",
      ["chartroom.dev/simulated:NoSchedule"],
    ]),
  );
  const renewals = async () => {
    const { items } = await world.client.list<Lease>(resources.leases, { namespace: "kube-node-lease" });
    return items.map(({ spec }) => spec?.renewTime);
  };
  const before = await renewals();
  await world.pass(11_000);
  const after = await renewals();
  assertEquals([before.length, after.filter((time, index) => time !== before[index]).length], [3, 3]);
  await world.create("unwilling");
  const tolerations = [{ key: "chartroom.dev/simulated", operator: "Exists" }];
  for (const name of ["a", "b", "c"]) await world.create(name, { spec: { tolerations } });
  await world.pass(1_000);
  assertEquals(await world.stateOf("unwilling"), "Pending, not ready");
  const hosts = await Promise.all(["a", "b", "c"].map(async (name) => (await world.pod(name))?.spec?.nodeName));
  assertEquals(hosts.sort(), ["simulated-0", "simulated-1", "simulated-2"]);
  await world.stop();
});

Deno.test("SimulatedNodes: a deletion takes its grace where the stop is ignored; an eviction ends a pod and its addresses are free", async () => {
  const world = await World.start(1, "behaviours: [{ match: { selector: app=stubborn }, ignoresStop: true }]");
  await world.create("stubborn", { spec: { terminationGracePeriodSeconds: 20 } });
  await world.create("willing");
  await world.pass(1_000);
  const { podIP } = (await world.pod("willing"))!.status!;
  assert(podIP?.startsWith("240.0.0."), podIP);
  await world.client.delete(resources.pods, "default", "stubborn");
  // As a drain does it.
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "willing", namespace: "default" } };
  await world.client.patch(resources.nodes, undefined, "simulated-0", "merge", { spec: { unschedulable: true } });
  await world.client.create(resources.pods, "default", eviction, { name: "willing", subresource: "eviction" });
  await world.pass(10_000);
  assertEquals([await world.stateOf("willing"), await world.stateOf("stubborn")], ["gone", "Running, ready"]);
  await world.pass(12_000);
  assertEquals(await world.stateOf("stubborn"), "gone");
  await world.stop();
});

Deno.test("SimulatedNodes: a node that is told to be silent loses its pods, and hears what it missed when it is back", async () => {
  const world = await World.start(1);
  const tolerations = [{
    key: "node.kubernetes.io/unreachable",
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 30,
  }];
  await world.create("pod", { spec: { tolerations } });
  await world.pass(1_000);
  const silence = (value: string | null) =>
    world.client.patch(resources.nodes, undefined, "simulated-0", "merge", {
      metadata: { annotations: { "chartroom.dev/silent": value } },
    });
  await silence("true");
  await world.pass(60_000);
  assertEquals(readyOf(await world.node("simulated-0")), "Unknown");
  await world.pass(60_000);
  const evicted = await world.pod("pod");
  assert(evicted?.metadata.deletionTimestamp !== undefined, "it is being evicted, and nobody is there to end it");
  await silence(null);
  await world.pass(60_000);
  assertEquals([readyOf(await world.node("simulated-0")), await world.stateOf("pod")], ["True", "gone"]);
  assertEquals(world.faults, []);
  await world.stop();
});

Deno.test("SimulatedNodes: a Node that somebody makes with the label lives, and a deleted one ends", async () => {
  const world = await World.start(1);
  await world.client.create(resources.nodes, undefined, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "large", labels: { "chartroom.dev/simulated": "true" } },
    status: { capacity: { cpu: "128", memory: "1Ti", pods: "500" } },
  });
  await world.pass(2_000);
  const large = await world.node("large");
  assertEquals([readyOf(large), large?.status?.capacity?.cpu, large?.status?.capacity?.pods], ["True", "128", "500"]);
  await world.client.delete(resources.nodes, undefined, "simulated-0");
  await world.pass(2_000);
  assertEquals([await world.node("simulated-0"), world.nodes.has("simulated-0"), world.nodes.has("large")], [
    undefined,
    false,
    true,
  ]);
  await world.create("pod");
  await world.pass(1_000);
  assertEquals((await world.pod("pod"))?.spec?.nodeName, "large");
  assertEquals(world.faults, []);
  await world.stop();
});

Deno.test("SimulatedNodes: logs and commands say that nothing runs there, or what was declared", async () => {
  const world = await World.start(1, 'behaviours: [{ match: { selector: app=talks }, log: "hello\\n" }]');
  for (const name of ["talks", "silent"]) await world.create(name);
  await world.pass(1_000);
  const { streams } = world.nodes.kubeletOf({ namespace: "default", pod: "silent" })!;
  const logOf = async (pod: string) => {
    const options = { follow: false, previous: false, timestamps: false };
    const target = { namespace: "default", pod, container: "app" };
    return await new Response(await streams.logs(target, options, new AbortController().signal)).text();
  };
  const nothing = "Nothing runs in this container: node simulated-0 is simulated.\n";
  assertEquals([await logOf("talks"), await logOf("silent")], ["hello\n", nothing]);
  const process = await streams.exec({ namespace: "default", pod: "silent", container: "app" }, ["ls"], {
    stdin: false,
    stdout: true,
    stderr: true,
    tty: false,
  });
  assertEquals([await new Response(process.stderr!).text(), await process.exit], [nothing, { exitCode: 126 }]);
  await process.stdout?.cancel();
  await assertRejects(() => logOf("none"), Error, "pod does not exist");
  await world.stop();
});

Deno.test("SimulatedNodes: a Job's pods complete, its init containers before them", async () => {
  const world = await World.start(1);
  await world.client.create(resources.jobs, "default", {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "work" },
    spec: {
      completions: 2,
      template: {
        spec: {
          restartPolicy: "Never",
          initContainers: [{ name: "first", image: "init:1" }],
          containers: [{ name: "app", image: "app:1" }],
        },
      },
    },
  });
  await world.pass(10_000);
  const job = await world.client.get<{ metadata: Pod["metadata"]; status: { succeeded?: number } }>(
    resources.jobs,
    "default",
    "work",
  );
  assertEquals(job.status.succeeded, 2);
  await world.stop();
});
