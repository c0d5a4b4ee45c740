import { assert, assertEquals } from "@std/assert";
import { realClock } from "../../../actors/real/real_clock.ts";
import { realRandom } from "../../../actors/real/real_random.ts";
import { SimulatedNodeFiles } from "../../../actors/simulated/node_files.ts";
import { SimulatedPodNetwork } from "../../../actors/simulated/pod_network.ts";
import { SimulatedRuntime } from "../../../actors/simulated/container_runtime.ts";
import { startKubelet } from "../../../actors/kubelet/kubelet.ts";
import { ActorSystem } from "../../../actors/system.ts";
import { createApi } from "../../../http/machinery/api.ts";
import { createResources } from "../../../http/resources/built_in.ts";
import { loadSchema } from "../../../http/schema/schema.ts";
import type { Lease, Node, Pod } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { type ApiClient, resources } from "../../../ports/api_client.ts";
import { admin } from "../../http/machinery/test_api.ts";
import { MemoryStorage } from "../../http/machinery/memory_storage.ts";

async function until<T>(read: () => Promise<T>, wanted: (found: T) => boolean): Promise<T> {
  const end = performance.now() + 20_000;
  for (let found = await read();; found = await read()) {
    if (wanted(found)) return found;
    assert(performance.now() < end, `waited too long: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function getPod(client: ApiClient, name: string): Promise<Pod | undefined> {
  try {
    return await client.get<Pod>(resources.pods, "default", name);
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}

Deno.test("kubelet registers its node, runs a pod and lets it go, by the rules of the API server", async () => {
  const api = createApi({
    storage: new MemoryStorage(),
    clock: realClock,
    random: realRandom,
    resources: createResources(),
    schema: loadSchema(),
    authorizer: { authorize: () => ({ allowed: true, reason: "" }) },
    admission: [],
  });
  await api.start();
  const client = api.client(admin);
  const make = (name: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const name of ["default", "kube-node-lease"]) await client.create(resources.namespaces, undefined, make(name));
  const system = new ActorSystem({ clock: realClock });
  const faults: string[] = [];
  system.inspect((inspection) => {
    if (inspection.type === "actor.failed") faults.push(inspection.detail);
  });
  const kubelet = await startKubelet({
    system,
    clusterName: "api-test",
    nodeName: "n1",
    client,
    runtime: new SimulatedRuntime({ clock: realClock, random: realRandom, images: { "app:1": {} } }),
    network: new SimulatedPodNetwork("10.0.0.0/24"),
    files: new SimulatedNodeFiles(),
    directory: "/node",
    addresses: [{ type: "InternalIP", address: "10.1.0.1" }],
    podCIDR: "10.0.0.0/24",
  });
  try {
    const node = await until(
      () => client.get<Node>(resources.nodes, undefined, "n1").catch(() => undefined),
      (each) => each?.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True",
    );
    assertEquals(node?.status?.nodeInfo?.kubeletVersion, "v1.36.2");
    const lease = await until(
      () => client.get<Lease>(resources.leases, "kube-node-lease", "n1").catch(() => undefined),
      (each) => each !== undefined,
    );
    assertEquals(lease?.spec?.holderIdentity, "n1");
    await client.create(resources.pods, "default", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", labels: { app: "web" } },
      spec: {
        nodeName: "n1",
        initContainers: [{ name: "one", image: "app:1", restartPolicy: "Always" }],
        containers: [{ name: "app", image: "app:1", ports: [{ containerPort: 80 }] }],
      },
    });
    const pod = await until(
      () => getPod(client, "web"),
      (each) => each?.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True",
    );
    assertEquals([pod?.status?.phase, pod?.status?.hostIP, pod?.status?.qosClass], [
      "Running",
      "10.1.0.1",
      "BestEffort",
    ]);
    assertEquals(pod?.status?.conditions?.map(({ type, status }) => [type, status]).sort(), [
      ["ContainersReady", "True"],
      ["Initialized", "True"],
      ["PodReadyToStartContainers", "True"],
      ["Ready", "True"],
    ]);
    const { items } = await until(
      () => client.list<{ reason: string }>(resources.events, { namespace: "default" }),
      (found) => found.items.length >= 7,
    );
    assertEquals(
      new Set(items.map(({ reason }) => reason)),
      new Set(["Starting", "NodeReady", "Pulled", "Created", "Started"]),
    );
    await client.delete(resources.pods, "default", "web", { gracePeriodSeconds: 1 });
    await until(() => getPod(client, "web"), (each) => each === undefined);
    assertEquals(faults, []);
  } finally {
    await kubelet.stop();
    system.stopAll();
    api.close();
  }
});
