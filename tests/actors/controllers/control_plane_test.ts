/** The controllers and the scheduler together, through the API alone. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Deployment, Event, Node, Pod, ReplicaSet } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { startControlPlane } from "../../support/control_plane.ts";
import { Kubelets, recordedNodes } from "../../support/kubelets.ts";

const { deployments, pods, replicaSets, nodes, namespaces } = resources;

async function world() {
  const plane = await startControlPlane();
  const { client, clock } = plane;
  const kubelets = new Kubelets(client, clock);
  for (const node of recordedNodes) await kubelets.register(node);
  await clock.settle();
  await client.create(namespaces, undefined, { apiVersion: "v1", kind: "Namespace", metadata: { name: "n" } });
  await clock.settle();
  const deploy = async (replicas: number, spec: object = {}) => {
    await client.create(deployments, "n", {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d", namespace: "n" },
      spec: {
        replicas,
        selector: { matchLabels: { app: "a" } },
        template: { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "i:1" }], ...spec } },
      },
    });
    await clock.pass(100);
    await kubelets.runAll("n");
    await clock.pass(100);
  };
  const create = async (name: string, spec: object = {}, labels: Record<string, string> = {}) => {
    const containers = [{ name: "c", image: "i:1" }];
    const metadata = { name, namespace: "n", labels };
    await client.create(pods, "n", { apiVersion: "v1", kind: "Pod", metadata, spec: { containers, ...spec } });
    await clock.pass(100);
  };
  const nodeOf = async (name: string) => (await client.get<Pod>(pods, "n", name)).spec?.nodeName ?? "";
  const count = async () => {
    const [sets, all] = await Promise.all([
      client.list<ReplicaSet>(replicaSets, { namespace: "n" }),
      client.list<Pod>(pods, { namespace: "n" }),
    ]);
    return { sets: sets.items.length, pods: all.items.length };
  };
  return { ...plane, kubelets, deploy, create, nodeOf, count };
}

for (const [propagationPolicy, left] of [["Background", 0], ["Foreground", 0], ["Orphan", 3]] as const) {
  Deno.test(`deleting a deployment with ${propagationPolicy} leaves ${left} pods`, async () => {
    const { client, clock, deploy, kubelets, count, stop } = await world();
    await deploy(3);
    assertEquals(await count(), { sets: 1, pods: 3 });
    await client.delete(deployments, "n", "d", { propagationPolicy });
    for (let round = 0; round < 3; round++) {
      await clock.pass(200);
      await kubelets.finishAll("n");
    }
    await clock.pass(1000);
    assertEquals(await count(), { sets: propagationPolicy === "Orphan" ? 1 : 0, pods: left });
    assertEquals((await client.list(deployments, { namespace: "n" })).items.length, 0);
    await stop();
  });
}

Deno.test("a deployment whose pods are refused says so, and goes on when they are not any more", async () => {
  const { client, clock, deploy, count, stop } = await world();
  const enforce = (level: string | null) =>
    client.patch(namespaces, undefined, "n", "merge", {
      metadata: { labels: { "pod-security.kubernetes.io/enforce": level } },
    });
  await enforce("restricted");
  await deploy(2);
  await clock.pass(2000);
  assertEquals(await count(), { sets: 1, pods: 0 });
  const failure = async () => {
    const { status } = await client.get<Deployment>(deployments, "n", "d");
    return status?.conditions?.find(({ type }) => type === "ReplicaFailure");
  };
  assertStringIncludes((await failure())?.message ?? "", "violates PodSecurity");
  const { items } = await client.list<Event>(resources.events, { namespace: "n" });
  assertStringIncludes(items.find(({ reason }) => reason === "FailedCreate")?.message ?? "", "Error creating: pods ");
  await enforce(null);
  await clock.pass(60_000);
  assertEquals([await count(), await failure()], [{ sets: 1, pods: 2 }, undefined]);
  await stop();
});

Deno.test("a pod that waits for another's company is placed as soon as that one is", async () => {
  const { create, nodeOf, clock, stop } = await world();
  const near = {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{
        labelSelector: { matchLabels: { app: "db" } },
        topologyKey: "kubernetes.io/hostname",
      }],
    },
  };
  await create("web", { affinity: near });
  assertEquals(await nodeOf("web"), "");
  await create("db", {}, { app: "db" });
  await clock.pass(2000);
  assertEquals(await nodeOf("web"), await nodeOf("db"));
  await stop();
});

Deno.test("a pod that fits nowhere is placed when a node comes, is freed or is uncordoned", async () => {
  const { client, clock, create, kubelets, nodeOf, stop } = await world();
  await create("big", { containers: [{ name: "c", image: "i:1", resources: { requests: { cpu: "6" } } }] });
  await create("tape", { nodeSelector: { disk: "tape" } });
  assertEquals([await nodeOf("big"), await nodeOf("tape")], ["", ""]);
  await kubelets.register({ name: "n4", cpu: "8", labels: { disk: "tape" } });
  await clock.pass(11_000);
  assertEquals([await nodeOf("big"), await nodeOf("tape")], ["n4", "n4"]);
  await client.patch(nodes, undefined, "n4", "merge", { spec: { unschedulable: true } });
  await clock.pass(100);
  await create("late", { nodeSelector: { disk: "tape" } });
  assertEquals(await nodeOf("late"), "");
  await client.patch(nodes, undefined, "n4", "merge", { spec: { unschedulable: null } });
  await clock.pass(11_000);
  assertEquals(await nodeOf("late"), "n4");
  await stop();
});

Deno.test("pods of a node that is gone are removed, and replaced elsewhere", async () => {
  const { client, clock, deploy, kubelets, count, stop } = await world();
  await deploy(3);
  const victim = (await kubelets.pods("n"))[0]?.spec?.nodeName ?? "";
  await client.delete(nodes, undefined, victim);
  await clock.pass(50_000);
  const left = await kubelets.pods("n");
  assertEquals([left.some(({ spec }) => spec?.nodeName === victim), (await count()).pods], [false, 3]);
  await stop();
});

Deno.test("a gated pod is placed when its last gate is removed", async () => {
  const { client, clock, create, nodeOf, stop } = await world();
  await create("gated", { schedulingGates: [{ name: "e.com/g" }] });
  assertEquals(await nodeOf("gated"), "");
  await client.patch(pods, "n", "gated", "merge", { spec: { schedulingGates: null } });
  await clock.pass(1000);
  assertEquals(await nodeOf("gated") !== "", true);
  await stop();
});

Deno.test("a namespace with a running deployment goes when its pods have ended", async () => {
  const { client, clock, deploy, kubelets, stop } = await world();
  await deploy(5);
  await client.delete(namespaces, undefined, "n");
  for (let round = 0; round < 3; round++) {
    await clock.pass(200);
    await kubelets.finishAll("n");
  }
  await clock.pass(1000);
  const { items } = await client.list(namespaces);
  assertEquals(items.some(({ metadata }) => metadata.name === "n"), false);
  await stop();
});

Deno.test("a node with no heartbeat for a moment keeps its taints as they are", async () => {
  const { client, clock, kubelets, stop } = await world();
  for (let passed = 0; passed < 100; passed += 10) {
    await clock.pass(10_000);
    for (const { name } of recordedNodes) await kubelets.renew(name);
  }
  const { items } = await client.list<Node>(nodes);
  assertEquals(items.map(({ spec }) => spec?.taints ?? []), [[], [], []]);
  await stop();
});

Deno.test("a node that has fallen silent stays silent when the controller has written that nothing is known of it", async () => {
  const { client, clock, system, stop } = await world();
  const { name } = recordedNodes[0]!;
  await clock.pass(62_000);
  const { status } = await client.get<Node>(nodes, undefined, name);
  assertEquals(status?.conditions?.find(({ type }) => type === "Ready")?.status, "Unknown");
  const health = [...system.addresses()].find((at) => at.includes(`/node-health/-/${name}/`))!;
  assertEquals(system.get(health)?.getSnapshot().value, { silent: "marked" });
  await stop();
});
