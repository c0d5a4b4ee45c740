/**
 * What the API server's machinery does per second, without the network: requests go into the app, bytes come out.
 * Creates are on a real store with a real disk. `deno run -A bench/api_bench.ts`.
 */
import { realDisk } from "../actors/disk/real_disk.ts";
import { realClock } from "../actors/real/real_clock.ts";
import { realRandom } from "../actors/real/real_random.ts";
import { openStorage } from "../actors/store/open_storage.ts";
import { createApp } from "../http/app.ts";
import { createApi } from "../http/machinery/api.ts";
import type { UserInfo } from "../http/machinery/types.ts";
import { createResources } from "../http/resources/built_in.ts";
import { loadSchema } from "../http/schema/schema.ts";
import { answered, type RawResponse } from "../http/server/environment.ts";

const user: UserInfo = { name: "bench", groups: ["system:masters", "system:authenticated"] };
const directory = await Deno.makeTempDir({ prefix: "chartroom-bench-" });
const storage = await openStorage({ disk: realDisk(directory), clock: realClock, random: realRandom });
const api = createApi({
  storage,
  clock: realClock,
  random: realRandom,
  resources: createResources(),
  schema: loadSchema(),
  authorizer: { authorize: () => ({ allowed: true, reason: "" }) },
  admission: [],
});
await api.start();
const app = createApp({
  api,
  authenticator: { authenticate: () => Promise.resolve(user) },
  serverAddress: "127.0.0.1",
  health: { livez: [], readyz: [] },
});

const origin = "http://bench";
const padding = "x".repeat(600);

function pod(index: number, namespace: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `pod-${index}`, namespace, labels: { app: "web" }, annotations: { padding } },
    spec: {
      nodeName: `node-${index % 50}`,
      containers: [{ name: "c", image: "nginx", env: [{ name: "A", value: "1" }] }],
    },
  });
}

async function measure(name: string, count: number, parallel: number, one: (index: number) => Promise<void>) {
  const start = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  const seconds = (performance.now() - start) / 1000;
  console.log(`${name.padEnd(52)} ${Math.round(count / seconds).toLocaleString("en").padStart(10)} /s`);
}

async function create(index: number, namespace: string): Promise<void> {
  const response = await app.request(`${origin}/api/v1/namespaces/${namespace}/pods`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: pod(index, namespace),
  });
  if (response.status !== 201) throw new Error(`Cannot create a pod: ${response.status} ${await response.text()}`);
  await response.bytes();
}

async function read(path: string): Promise<number> {
  const response = await app.request(origin + path);
  return (await response.bytes()).length;
}

await measure("create a pod, fsync, 16 at a time", 4_000, 16, (index) => create(index, "many"));
await measure("create a pod, fsync, 256 at a time", 8_000, 256, (index) => create(index + 10_000, "more"));
await measure("fill a namespace", 500, 64, (index) => create(index, "default"));

const one = await read("/api/v1/namespaces/default/pods/pod-1");
await measure(`get a pod (${one} bytes)`, 30_000, 16, async () => {
  await read("/api/v1/namespaces/default/pods/pod-1");
});
const list = await read("/api/v1/namespaces/default/pods");
await measure(`list 500 pods (${Math.round(list / 1024)} KiB), latest`, 1_000, 4, async () => {
  await read("/api/v1/namespaces/default/pods");
});
await measure("list 500 pods by label, cache", 500, 4, async () => {
  await read("/api/v1/namespaces/default/pods?labelSelector=app%3Dweb&resourceVersion=0");
});
const all = await read("/api/v1/pods");
await measure(`list 12,500 pods (${Math.round(all / 1024 / 1024)} MiB)`, 10, 1, async () => {
  await read("/api/v1/pods");
});
const patchOf = (value: number) => JSON.stringify({ metadata: { annotations: { n: String(value) } } });
await measure("merge patch a pod, fsync, 64 at a time", 4_000, 64, async (index) => {
  const response = await app.request(`${origin}/api/v1/namespaces/default/pods/pod-${index % 500}`, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: patchOf(index),
  });
  if (response.status !== 200) throw new Error(`Cannot patch a pod: ${await response.text()}`);
});

let lines = 0;
class Sink implements RawResponse {
  readonly unsentBytes = 0;
  readonly closed = false;
  begin(): void {}
  write(): boolean {
    lines += 1;
    return true;
  }
  onDrain(): void {}
  onClose(): void {}
  onDraining(): void {}
  end(): void {}
  destroy(): void {}
}
const watchers = 1_000;
for (let index = 0; index < watchers; index++) {
  const path = `${origin}/api/v1/namespaces/default/pods?watch=true&resourceVersion=${api.cache.revision}`;
  const response = await app.request(path, {}, { raw: new Sink() });
  if (response !== answered) throw new Error(`Cannot watch: ${response.status}`);
}
const changes = 500;
const start = performance.now();
await Promise.all(
  Array.from({ length: changes }, (_, index) =>
    app.request(`${origin}/api/v1/namespaces/default/pods/pod-${index}`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: patchOf(index + 1_000_000),
    })),
);
await api.cache.reach(await api.cache.latest(), 10_000);
const seconds = (performance.now() - start) / 1000;
const told = changes * watchers;
console.log(
  `${`${changes} changes to ${watchers} watchers (${lines} writes)`.padEnd(52)} ${
    Math.round(told / seconds).toLocaleString("en").padStart(10)
  } events/s`,
);

api.close();
await storage.close();
await Deno.remove(directory, { recursive: true });
Deno.exit(0);
