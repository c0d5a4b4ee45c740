import { assertEquals, assertStringIncludes } from "@std/assert";
import type { KubeObject, Pod, StatefulSet } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { formatTime } from "../../../machines/objects/time.ts";
import type { ApiClient } from "../../../ports/api_client.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Behaviour } from "./behaviours.ts";
import { newWorld, story } from "./story.ts";
import { comparableWorkloads, shootWorkloads } from "./workload_behaviours.ts";

interface World {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly namespace: string;
}

async function same({ client, namespace }: World, told: Behaviour | undefined, what: string): Promise<void> {
  if (told === undefined) return;
  const ours = comparableWorkloads(await shootWorkloads(client, namespace));
  assertEquals(ours, comparableWorkloads(told.shot(what).objects), `step "${what}"`);
}

/** The pod's containers have ended. */
async function ends({ client, clock }: World, { metadata }: Pod, phase: "Succeeded" | "Failed"): Promise<void> {
  const finishedAt = formatTime(clock.wallTime());
  const terminated = { exitCode: phase === "Failed" ? 1 : 0, finishedAt };
  const container = { name: "c", image: "i:1", imageID: "x", ready: false, restartCount: 0, state: { terminated } };
  const body = { status: { phase, containerStatuses: [container] } };
  await client.patch(resources.pods, metadata.namespace, metadata.name, "merge", body, { subresource: "status" });
}

const containers = [{ name: "c", image: "i:1" }];
const jobOf = (name: string, spec: object) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name },
  spec: { template: { spec: { restartPolicy: "Never", containers } }, ...spec },
});

story("daemon set", async (world, _, told) => {
  const { daemonSets } = resources;
  await world.create(daemonSets, {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "d" },
    spec: {
      selector: { matchLabels: { app: "a" } },
      template: { metadata: { labels: { app: "a" } }, spec: { nodeSelector: { disk: "hdd" }, containers } },
    },
  });
  await same(world, told, "created");
  await world.clock.pass(1000);
  await world.round();
  await same(world, told, "ready");
  await world.merge(daemonSets, "d", { spec: { template: { spec: { containers: [{ name: "c", image: "i:2" }] } } } });
  // Which of the two nodes comes first is drawn.
  for (let round = 0; round < 4; round++) {
    await world.clock.pass(1000);
    await world.round();
  }
  await same(world, told, "updated");
});

story("job: completions, failures, indexed", async (world, _, told) => {
  const { jobs } = resources;
  const working = async () =>
    (await world.kubelets.pods(world.namespace)).filter(({ status }) =>
      status?.phase === "Pending" || status?.phase === "Running"
    );
  await world.create(jobs, jobOf("ok", { parallelism: 2, completions: 3 }));
  await same(world, told, "created");
  for (let round = 0; round < 2; round++) {
    for (const pod of await working()) await ends(world, pod, "Succeeded");
    await world.clock.pass(1000);
  }
  await same(world, told, "completed");
  await world.create(jobs, jobOf("bad", { backoffLimit: 0 }));
  for (const pod of await working()) await ends(world, pod, "Failed");
  await world.clock.pass(1000);
  await same(world, told, "failed");
  await world.create(jobs, jobOf("idx", { parallelism: 2, completions: 2, completionMode: "Indexed" }));
  await same(world, told, "indexed");
  await world.create(jobs, jobOf("sus", { suspend: true }));
  await same(world, told, "suspended");
  await world.merge(jobs, "sus", { spec: { suspend: false } });
  await same(world, told, "unsuspended");
  await world.create(jobs, jobOf("ddl", { activeDeadlineSeconds: 1 }));
  await world.clock.pass(1500);
  await same(world, told, "deadline exceeded");
});

story("cron job", async (world, _, told) => {
  /** Time passes, and every node gives signs of life. */
  const pass = async (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= 10_000) {
      for (const node of ["n1", "n2", "n3"]) await world.kubelets.renew(node);
      await world.clock.pass(Math.min(left, 10_000));
    }
  };
  await pass(60_000 - world.clock.wallTime() % 60_000);
  await world.create(resources.cronJobs, {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "c" },
    spec: {
      schedule: "* * * * *",
      jobTemplate: { spec: { template: { spec: { restartPolicy: "Never", containers } } } },
    },
  });
  await pass(60_500);
  await same(world, told, "after a minute");
});

Deno.test("controllers keep stateful sets in order, through the real API", async () => {
  const world = await newWorld("bh");
  const { statefulSets, persistentVolumeClaims } = resources;
  const { client, namespace } = world;
  const template = (image: string) => ({
    metadata: { labels: { app: "s" } },
    spec: { containers: [{ name: "c", image }] },
  });
  const metadata = { name: "s" };
  await world.create(statefulSets, {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata,
    spec: { replicas: 3, serviceName: "s", selector: { matchLabels: { app: "s" } }, template: template("i:1") },
  });
  const images = async () =>
    (await world.kubelets.pods(namespace)).map(({ metadata, spec }) =>
      `${metadata.name} ${spec?.containers[0]?.image}`
    );
  assertEquals(await images(), ["s-0 i:1"]);
  for (let round = 0; round < 3; round++) await world.round();
  assertEquals(await images(), ["s-0 i:1", "s-1 i:1", "s-2 i:1"]);
  await world.merge(statefulSets, "s", { spec: { template: template("i:2") } });
  await world.round();
  assertEquals(await images(), ["s-0 i:1", "s-1 i:1", "s-2 i:2"]);
  for (let round = 0; round < 4; round++) await world.round();
  assertEquals(await images(), ["s-0 i:2", "s-1 i:2", "s-2 i:2"]);
  await world.merge(statefulSets, "s", { spec: { replicas: 1 } });
  for (let round = 0; round < 3; round++) await world.round();
  assertEquals(await images(), ["s-0 i:2"]);
  const { status } = await client.get<StatefulSet>(statefulSets, namespace, "s");
  assertEquals([status?.replicas, status?.availableReplicas, status?.currentReplicas], [1, 1, 1]);
  assertEquals(status?.currentRevision, status?.updateRevision);
  await world.create(statefulSets, {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "k" },
    spec: {
      replicas: 1,
      serviceName: "k",
      selector: { matchLabels: { app: "s" } },
      template: template("i:1"),
      volumeClaimTemplates: [{
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
      }],
    },
  });
  const { items } = await client.list<Pod>(persistentVolumeClaims, { namespace });
  assertEquals(items.map(({ metadata }) => metadata.name), ["data-k-0"]);
  const waiting = await client.get<Pod>(resources.pods, namespace, "k-0");
  const message = waiting.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message ?? "";
  assertStringIncludes(message, "PersistentVolumeClaims");
  assertEquals(world.refused, []);
  await world.stop();
});

Deno.test("controllers remove a finished job when its time to live has passed, and its pods with it", async () => {
  const world = await newWorld("bh");
  const { jobs } = resources;
  const { client, clock, namespace } = world;
  await world.create(jobs, jobOf("brief", { ttlSecondsAfterFinished: 5 }));
  const [pod] = await world.kubelets.pods(namespace);
  await ends(world, pod!, "Succeeded");
  await clock.pass(1000);
  assertEquals((await client.list(jobs, { namespace })).items.length, 1);
  await clock.pass(6000);
  assertEquals((await client.list(jobs, { namespace })).items.length, 0);
  assertEquals((await world.kubelets.pods(namespace)).length, 0);
  assertEquals(world.refused, []);
  await world.stop();
});

Deno.test("controllers keep as many pods as a ReplicationController asks for, through the real API", async () => {
  const world = await newWorld("bh");
  const { replicationControllers, pods } = resources;
  const { client, namespace } = world;
  const labels = { app: "r" };
  await world.create(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "orphan", labels },
    spec: { containers },
  });
  await world.create(replicationControllers, {
    apiVersion: "v1",
    kind: "ReplicationController",
    metadata: { name: "r" },
    spec: { replicas: 3, selector: labels, template: { metadata: { labels }, spec: { containers } } },
  });
  await world.round();
  const owners = async () =>
    (await world.kubelets.pods(namespace)).map(({ metadata }) => metadata.ownerReferences?.[0]?.kind);
  assertEquals(await owners(), Array(3).fill("ReplicationController"));
  await world.merge(replicationControllers, "r", { spec: { replicas: 1 } });
  await world.round();
  assertEquals((await owners()).length, 1);
  const { status, metadata } = await client.get<KubeObject>(replicationControllers, namespace, "r");
  assertEquals(status, {
    replicas: 1,
    fullyLabeledReplicas: 1,
    readyReplicas: 1,
    availableReplicas: 1,
    observedGeneration: metadata.generation,
  });
  const before = metadata.resourceVersion;
  await world.clock.pass(2000);
  assertEquals((await client.get<KubeObject>(replicationControllers, namespace, "r")).metadata.resourceVersion, before);
  assertEquals(world.refused, []);
  await world.stop();
});
