import { assertEquals } from "@std/assert";
import type { Pod } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { formatTime } from "../../../machines/objects/time.ts";
import type { ApiClient } from "../../../ports/api_client.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Behaviour } from "./behaviours.ts";
import { story } from "./story.ts";
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
