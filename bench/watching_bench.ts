/**
 * What watching costs a whole cluster: pods made ready and API requests, with nobody watching and with one page that
 * shows the cluster, by turns. It compares the server's processor time for the same work, which other programs of the
 * machine disturb less than rates. `deno task bench:watching`.
 */
import { administrator } from "../commands/administrator.ts";
import { ClusterState } from "../commands/cluster_state.ts";
import { inspectionMessages } from "../commands/inspection_reader.ts";
import type { Deployment } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import { TestCluster } from "../tests/support/cluster.ts";

const rounds = Number(Deno.args[0] ?? 4);
const replicas = 200;
const requests = 8_000;
const parallel = 16;
const namespace = "default";
const ticksPerSecond = 100;

await using cluster = await TestCluster.start({ nodes: 4, flags: ["--runtime", "simulated"] });
const state = new ClusterState(cluster.name, cluster.state);
const client = await administrator(state);
const { pid } = await cluster.running();

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** User and system time of the server, in seconds. */
async function processorTime(): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

async function measured(work: () => Promise<void>): Promise<{ seconds: number; processor: number }> {
  const [start, before] = [performance.now(), await processorTime()];
  await work();
  return { seconds: (performance.now() - start) / 1_000, processor: await processorTime() - before };
}

function deployment(name: string): Deployment {
  const labels = { app: name };
  const containers = [{ name: "app", image: "app" }];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  } as unknown as Deployment;
}

async function podsReady(name: string): Promise<void> {
  await client.create(resources.deployments, namespace, deployment(name));
  for (;;) {
    const { status } = await client.get<Deployment>(resources.deployments, namespace, name);
    if (status?.readyReplicas === replicas) return;
    await pause(50);
  }
}

async function podsGone(name: string): Promise<void> {
  await client.delete(resources.deployments, namespace, name);
  while ((await client.list(resources.pods, { namespace })).items.length > 0) await pause(100);
}

async function asked(): Promise<void> {
  let next = 0;
  const worker = async (name: string) => {
    while (next < requests) {
      const data = { round: String(next++) };
      await client.patch(resources.configMaps, namespace, name, "merge", { data });
      await client.get(resources.configMaps, namespace, name);
    }
  };
  await Promise.all(configMaps.map(worker));
}

/** What the page's first view asks for. */
function openPage(): () => Promise<void> {
  const messages = inspectionMessages(state, new URLSearchParams({ sort: "problems", limit: "2000" }));
  let open = true;
  const read = (async () => {
    for await (const _message of messages) if (!open) return;
  })();
  return async () => {
    open = false;
    await read;
  };
}

const configMaps = Array.from({ length: parallel }, (_, index) => `asked-${index}`);
for (const name of configMaps) {
  await client.create(resources.configMaps, namespace, { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
}

const kinds = ["nobody", "one page"] as const;
const results = { pods: new Map<string, number[]>(), requests: new Map<string, number[]>() };
const note = (of: Map<string, number[]>, kind: string, value: number) => of.set(kind, [...of.get(kind) ?? [], value]);

for (let round = -1; round < rounds; round++) {
  for (const kind of kinds) {
    const close = kind === "nobody" ? undefined : openPage();
    await pause(1_500);
    const name = `web-${round + 1}-${kinds.indexOf(kind)}`;
    const pods = await measured(() => podsReady(name));
    await podsGone(name);
    const api = await measured(asked);
    await close?.();
    // The hub listens on for half a minute after its last reader.
    if (close !== undefined && round >= 0) await pause(32_000);
    // The first round warms it up.
    if (round < 0) break;
    note(results.pods, kind, pods.processor);
    note(results.requests, kind, api.processor);
    const rate = (count: number, seconds: number) => Math.round(count / seconds).toLocaleString("en").padStart(7);
    console.log(
      `${kind.padEnd(9)} ${rate(replicas, pods.seconds)} pods/s, ${pods.processor.toFixed(2)} s of processor; ` +
        `${rate(2 * requests, api.seconds)} requests/s, ${api.processor.toFixed(2)} s of processor`,
    );
  }
}

const median = (values: readonly number[]) => values.toSorted((one, other) => one - other)[values.length >> 1]!;
for (const [what, of] of Object.entries(results)) {
  const ratio = median(of.get("one page")!) / median(of.get("nobody")!);
  console.log(`${what}: one page costs ${((ratio - 1) * 100).toFixed(1)} % of processor time more than nobody`);
}
client.close();
