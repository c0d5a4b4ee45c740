/** Quotas and disruption budgets through the API: what admission, controllers and evictions make of them together. */
import { assertEquals, assertRejects } from "@std/assert";
import type { KubeObject, Pod } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { startControlPlane } from "../../support/control_plane.ts";
import { Kubelets, recordedNodes } from "../../support/kubelets.ts";

const { configMaps, deployments, namespaces, podDisruptionBudgets, pods, resourceQuotas } = resources;

async function world() {
  const plane = await startControlPlane();
  const { client, clock } = plane;
  const kubelets = new Kubelets(client, clock);
  for (const node of recordedNodes) await kubelets.register(node);
  await client.create(namespaces, undefined, { apiVersion: "v1", kind: "Namespace", metadata: { name: "n" } });
  await clock.settle();
  return { ...plane, kubelets };
}

Deno.test("a quota's status follows what is there, and frees what is deleted", async () => {
  const { client, clock, stop } = await world();
  const used = async () => (await client.get<KubeObject>(resourceQuotas, "n", "q")).status as { used: object };
  const spec = { hard: { "count/configmaps": "3", pods: "5" } };
  await client.create(resourceQuotas, "n", { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "q" }, spec });
  await clock.pass(1000);
  // kube-root-ca.crt is the first.
  assertEquals((await used()).used, { "count/configmaps": "1", pods: "0" });
  const make = (name: string) =>
    client.create(configMaps, "n", { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
  await make("a");
  await make("b");
  const refusal = await assertRejects(() => make("c"), ApiError);
  assertEquals(
    refusal.message,
    'configmaps "c" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=3, limited: ' +
      "count/configmaps=3",
  );
  await client.delete(configMaps, "n", "a");
  await clock.pass(1000);
  assertEquals((await used()).used, { "count/configmaps": "2", pods: "0" });
  await make("c");
  await stop();
});

Deno.test("a budget lets as many pods be evicted as it can spare", async () => {
  const { client, clock, kubelets, stop } = await world();
  const labels = { app: "a" };
  await client.create(podDisruptionBudgets, "n", {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "b" },
    spec: { maxUnavailable: "30%", selector: { matchLabels: labels } },
  });
  await client.create(deployments, "n", {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d", namespace: "n" },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i:1" }] } },
    },
  });
  await clock.pass(500);
  const budget = async () => (await client.get<KubeObject>(podDisruptionBudgets, "n", "b")).status as object;
  assertEquals(pick(await budget()), { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 2, expectedPods: 3 });
  await kubelets.runAll("n");
  await clock.pass(500);
  assertEquals(pick(await budget()), { disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 });
  const all = (await client.list<Pod>(pods, { namespace: "n" })).items.map(({ metadata }) => metadata.name);
  const evict = (name: string) =>
    client.create(
      pods,
      "n",
      { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } } as object,
      { subresource: "eviction", name },
    );
  await evict(all[0]!);
  const refusal = await assertRejects(() => evict(all[1]!), ApiError);
  assertEquals([refusal.code, refusal.status.details?.causes?.[0]?.message], [
    429,
    "The disruption budget b needs 2 healthy pods and has 3 currently",
  ]);
  await stop();
});

function pick(status: object): object {
  const names = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
  return Object.fromEntries(names.map((name) => [name, (status as Record<string, unknown>)[name]]));
}
