/**
 * How many pods a second the scheduler binds, end to end: created through the real API over the store on a real disk,
 * seen by watch, placed, bound through the API. Usage: deno run -A bench/scheduler_bench.ts [nodes] [pods] [kinds]
 */
import { realDisk } from "../actors/disk/real_disk.ts";
import { realClock } from "../actors/real/real_clock.ts";
import type { Pod } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import { startControlPlane } from "../tests/support/control_plane.ts";
import { Kubelets } from "../tests/support/kubelets.ts";

const nodes = Number(Deno.args[0] ?? 500);
const pods = Number(Deno.args[1] ?? 5000);
const creators = 64;

type Kind = "plain" | "spread" | "antiAffinity";

function draft(index: number, kind: Kind) {
  const labels = { app: `${kind}-${index % 50}` };
  const labelSelector = { matchLabels: labels };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${kind.toLowerCase()}-${index}`, labels },
    spec: {
      containers: [{ name: "c", image: "i:1", resources: { requests: { cpu: "100m", memory: "100Mi" } } }],
      ...(kind === "spread" && {
        topologySpreadConstraints: [{
          maxSkew: 5,
          topologyKey: "topology.kubernetes.io/zone",
          whenUnsatisfiable: "DoNotSchedule",
          labelSelector,
        }],
      }),
      ...(kind === "antiAffinity" && {
        affinity: {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [{
              weight: 1,
              podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector },
            }],
          },
        },
      }),
    },
  };
}

const directory = await Deno.makeTempDir({ prefix: "chartroom-scheduler-bench" });
const plane = await startControlPlane({ clock: realClock, disk: realDisk(directory), controllers: false });
const { client } = plane;
await client.create(resources.serviceAccounts, "default", {
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: "default" },
});
const kubelets = new Kubelets(client, realClock);
for (let index = 0; index < nodes; index++) {
  const labels = { "topology.kubernetes.io/zone": `zone-${index % 3}` };
  const name = `node-${index}`;
  await kubelets.register({ name, labels, cpu: "32", memory: "256Gi", pods: "500" });
  // No controller runs here that would see that it is ready.
  await client.patch(resources.nodes, undefined, name, "merge", { spec: { taints: null } });
}

/** Creates with `creators` requests under way, and waits until all are bound. */
async function run(kind: Kind, count: number) {
  let bound = 0;
  const all = Promise.withResolvers<void>();
  const { resourceVersion } = await client.list(resources.pods, { namespace: "default", limit: 1 });
  const watch = client.watch<Pod>(resources.pods, { namespace: "default", resourceVersion }, {
    events(batch) {
      for (const event of batch) {
        if (event.type === "MODIFIED" && event.object.spec?.nodeName && ++bound === count) all.resolve();
      }
    },
    closed: (status) => all.reject(new Error(`the watch ended: ${status?.message}`)),
  });
  const begin = performance.now();
  let next = 0;
  const create = async () => {
    while (next < count) await client.create(resources.pods, "default", draft(next++, kind));
  };
  await Promise.all(Array.from({ length: creators }, create));
  const created = performance.now();
  await all.promise;
  const end = performance.now();
  watch.cancel();
  const rate = (ms: number) => Math.round(count / ms * 1000);
  console.log(
    `${kind.padEnd(14)} ${count} pods on ${nodes} nodes: created ${rate(created - begin)}/s, bound ${
      rate(end - begin)
    }/s end to end`,
  );
}

const kinds = (Deno.args[2] ?? "plain,spread,antiAffinity").split(",") as Kind[];
for (const kind of kinds) await run(kind, kind === "plain" ? pods : Math.round(pods / 5));
await plane.stop();
await Deno.remove(directory, { recursive: true });
