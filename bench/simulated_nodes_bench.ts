/**
 * Simulated nodes beside their goals, with the whole control plane in this process: the real API over a store on a real
 * disk, scheduler and controllers. Rates on a machine that others use too mean little: the CPU time is what can be
 * compared. Usage: deno task bench:simulated-nodes [nodes] [pods] [nodes to hold] [pods to hold]
 */
import process from "node:process";
import { realDisk } from "../actors/disk/real_disk.ts";
import { realClock } from "../actors/real/real_clock.ts";
import { realRandom } from "../actors/real/real_random.ts";
import { SimulatedNodes } from "../actors/simulated_nodes/simulated_nodes.ts";
import type { Lease, Pod } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import { type ControlPlane, startControlPlane } from "../tests/support/control_plane.ts";

const [nodes = 1_000, pods = 5_000, heldNodes = 5_000, heldPods = 100_000] = Deno.args.map(Number);
const creators = 64;

declare const gc: (() => void) | undefined;

function megabytes() {
  gc?.();
  const { heapUsed, rss } = Deno.memoryUsage();
  return { heap: heapUsed / 2 ** 20, rss: rss / 2 ** 20 };
}

/** Wall and CPU time, in seconds. */
async function timed(work: () => Promise<unknown>): Promise<{ wall: number; cpu: number }> {
  const began = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - began) / 1000, cpu: (user + system) / 1_000_000 };
}

interface Cluster {
  readonly plane: ControlPlane<typeof realClock>;
  readonly simulated: SimulatedNodes;
  stop(): Promise<void>;
}

async function start(count: number): Promise<{ cluster: Cluster; took: { wall: number; cpu: number } }> {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-simulated-nodes-bench" });
  const plane = await startControlPlane({ clock: realClock, disk: realDisk(directory) });
  let simulated!: SimulatedNodes;
  const took = await timed(async () => {
    simulated = new SimulatedNodes({
      system: plane.system,
      node: "bench",
      clusterName: "bench",
      count,
      world: { nodes: {}, behaviours: [] },
      tainted: false,
      client: plane.client,
      clientOf: (name) =>
        plane.clientOf({ name: `system:node:${name}`, groups: ["system:nodes", "system:authenticated"] }),
      random: realRandom,
      host: "127.0.0.1",
      port: 10_250,
    });
    await simulated.ready;
  });
  const stop = async () => {
    await simulated.stop();
    await plane.stop();
    await Deno.remove(directory, { recursive: true });
  };
  return { cluster: { plane, simulated, stop }, took };
}

/** Creates them with `creators` requests under way and waits until all run. */
async function run({ plane: { client } }: Cluster, count: number): Promise<{ wall: number; cpu: number }> {
  const running = new Set<string>();
  const all = Promise.withResolvers<void>();
  const { resourceVersion } = await client.list(resources.pods, { namespace: "default", limit: 1 });
  const watch = client.watch<Pod>(resources.pods, { namespace: "default", resourceVersion }, {
    events(batch) {
      for (const event of batch) {
        if (event.type !== "MODIFIED" || event.object.status?.phase !== "Running") continue;
        running.add(event.object.metadata.uid);
        if (running.size === count) all.resolve();
      }
    },
    closed: (status) => all.reject(new Error(`the watch ended: ${status?.message}`)),
  });
  let next = 0;
  const create = async () => {
    while (next < count) {
      await client.create(resources.pods, "default", {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: `pod-${next}`, labels: { app: `app-${next++ % 50}` } },
        spec: {
          containers: [{ name: "c", image: "i:1", resources: { requests: { cpu: "100m", memory: "100Mi" } } }],
        },
      });
    }
  };
  const took = await timed(async () => {
    await Promise.all([all.promise, ...Array.from({ length: creators }, create)]);
  });
  watch.cancel();
  return took;
}

/** Of the leases, how long ago the oldest was renewed. */
async function oldestLease({ plane: { client } }: Cluster): Promise<number> {
  const { items } = await client.list<Lease>(resources.leases, { namespace: "kube-node-lease" });
  const now = Date.now();
  return Math.max(...items.map(({ spec }) => now - Date.parse(spec?.renewTime ?? ""))) / 1000;
}

const seconds = (value: number) => `${value.toFixed(2)} s`;

const first = await start(nodes);
console.log(
  `${nodes} nodes Ready        ${seconds(first.took.wall)}, ${
    (first.took.cpu / nodes * 1000).toFixed(2)
  } ms of CPU each   (goal: 1,000 in 5 s)`,
);
const ran = await run(first.cluster, pods);
console.log(
  `${pods} pods to Running    ${(pods / ran.wall).toFixed(0)}/s, ${
    (ran.cpu / pods * 1000).toFixed(2)
  } ms of CPU each   (goal: 500/s)`,
);
await first.cluster.stop();
if (heldNodes > 0) {
  const before = megabytes();
  const { cluster, took } = await start(heldNodes);
  const withNodes = megabytes();
  console.log(
    `${heldNodes} nodes Ready        ${seconds(took.wall)}, ${
      ((withNodes.heap - before.heap) / heldNodes * 1024).toFixed(1)
    } KB of heap each`,
  );
  const held = await run(cluster, heldPods);
  const withPods = megabytes();
  console.log(
    `${heldPods} pods held          ${(heldPods / held.wall).toFixed(0)}/s, ${
      ((withPods.heap - withNodes.heap) / heldPods * 1024).toFixed(1)
    } KB of heap each; heap ${withPods.heap.toFixed(0)} MB, process ${withPods.rss.toFixed(0)} MB`,
  );
  const minute = await timed(() => new Promise((resolve) => setTimeout(resolve, 60_000)));
  const oldest = await oldestLease(cluster);
  console.log(
    `a minute of nothing        ${(minute.cpu / minute.wall * 100).toFixed(0)} % of a core; oldest lease renewed ${
      seconds(oldest)
    } ago   (goal: 40 s)`,
  );
}
Deno.exit(0);
