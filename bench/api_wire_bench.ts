/**
 * What a client of the API server gets per second over TLS, beside the goals: `deno run -A bench/api_wire_bench.ts
 * [names of measurements]`. The server is a process of its own (`bench/api/server.ts`), this one is the load; PROFILE=DIRECTORY
 * writes the server's CPU profile there, V8_FLAGS are given to it instead of those that clusters run with.
 */
import { type Connection, Http1Connection, Http2Connection, type Request } from "./api/connection.ts";
import type { Started } from "./api/server.ts";

const wanted = new Set(Deno.args);
/** As `commands/own_command.ts` and the launcher start every master. */
const v8Flags = Deno.env.get("V8_FLAGS") ?? "--min-semi-space-size=16";
const profile = Deno.env.get("PROFILE");
const server = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    "-A",
    `--v8-flags=${v8Flags}`,
    ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`]),
    new URL("api/server.ts", import.meta.url).pathname,
  ],
  stdin: "piped",
  stdout: "piped",
}).spawn();
const started = await firstLine(server.stdout);

const pods = "/api/v1/namespaces/bench/pods";
const http2 = { open: () => Http2Connection.open(started), request: Http2Connection.request };
const http1 = { open: () => Http1Connection.open(started), request: Http1Connection.request };
type Protocol = { open(): Promise<Connection>; request(asked: Request): Uint8Array };

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<Started> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("\n")) return JSON.parse(text) as Started;
  }
  throw new Error("The server ended before it had started");
}

/** A pod of about 2.5 KB as served. */
function pod(name: string, namespace: string): Request {
  const body = JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app: "web" }, annotations: { padding: "x".repeat(600) } },
    spec: { nodeName: "node-1", containers: [{ name: "c", image: "nginx", env: [{ name: "A", value: "1" }] }] },
  });
  return { method: "POST", path: `/api/v1/namespaces/${namespace}/pods`, body };
}

interface Rate {
  readonly perSecond: number;
  /** Of the server, all threads: what it costs, whoever else wants the machine. */
  readonly cpuMicroseconds: number;
}

/** 100 a second on every Linux that Deno runs on. */
const ticksPerSecond = 100;

async function cpuSeconds(): Promise<number> {
  const fields = (await Deno.readTextFile(`/proc/${server.pid}/stat`)).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

async function rateOf(count: number, work: () => Promise<void>): Promise<Rate> {
  const before = await cpuSeconds();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const used = await cpuSeconds() - before;
  return { perSecond: count / seconds, cpuMicroseconds: used / count * 1e6 };
}

function printed(name: string, { perSecond, cpuMicroseconds }: Rate, goal: number | undefined): void {
  const figure = Math.round(perSecond).toLocaleString("en").padStart(9);
  const cost = (cpuMicroseconds < 20 ? cpuMicroseconds.toFixed(1) : cpuMicroseconds.toFixed(0)).padStart(7);
  const beside = goal === undefined ? "" : `   goal ${goal.toLocaleString("en")}`;
  console.log(`${name.padEnd(54)} ${figure} /s ${cost} µs of CPU${beside}`);
}

/** `requests` over `connections`, each with `parallel` at a time. */
async function load(
  protocol: Protocol,
  connections: number,
  parallel: number,
  count: number,
  request: (index: number) => Uint8Array,
): Promise<Rate> {
  const open = await Promise.all(Array.from({ length: connections }, () => protocol.open()));
  let next = 0;
  const worker = async (connection: Connection) => {
    while (next < count) await connection.exchange(request(next++));
  };
  const rate = await rateOf(count, async () => {
    await Promise.all(open.flatMap((connection) => Array.from({ length: parallel }, () => worker(connection))));
  });
  for (const connection of open) connection.close();
  return rate;
}

/** Three rounds; the best is what the machine can do when nobody else wants it. */
async function best(round: () => Promise<Rate>): Promise<Rate> {
  const rounds = [await round(), await round(), await round()];
  return {
    perSecond: Math.max(...rounds.map(({ perSecond }) => perSecond)),
    cpuMicroseconds: Math.min(...rounds.map(({ cpuMicroseconds }) => cpuMicroseconds)),
  };
}

async function residentMiB(): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${server.pid}/status`);
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

let made = 0;
async function create(namespace: string, connections: number, parallel: number, count: number): Promise<Rate> {
  const requests = Array.from({ length: count }, () => http2.request(pod(`pod-${made++}`, namespace)));
  return await load(http2, connections, parallel, count, (index) => requests[index]!);
}

async function fanOut(name: string, change: (value: number) => Request, watched: string, goal: number | undefined) {
  const watchers = 1_000;
  const changes = 200;
  let lines = 0;
  let target = watchers;
  let reached = Promise.withResolvers<void>();
  const connections = await Promise.all(Array.from({ length: watchers / 250 }, () => http2.open()));
  const told = (count: number) => {
    lines += count;
    if (lines >= target) reached.resolve();
  };
  const watch = http2.request({ method: "GET", path: `${watched}?watch=true` });
  for (let index = 0; index < watchers; index++) connections[index % connections.length]!.stream(watch, told);
  await reached.promise;
  const rate = await best(async () => {
    reached = Promise.withResolvers();
    lines = 0;
    target = watchers * changes;
    return await rateOf(target, async () => {
      await load(http2, 1, 16, changes, (index) => http2.request(change(index + Math.random())));
      await reached.promise;
    });
  });
  for (const connection of connections) connection.close();
  printed(name, rate, goal);
}

const mergePatch = "application/merge-patch+json";
const measurements: Record<string, () => Promise<void>> = {
  async get() {
    const asked: Request = { method: "GET", path: `${pods}/pod-1` };
    for (
      const [name, protocol, connections, parallel, goal] of [
        ["HTTP/2, 4 connections, 16 streams each", http2, 4, 16, 15_000],
        ["HTTP/2, 16 connections, 1 stream each", http2, 16, 1, undefined],
        ["HTTP/1.1, 16 connections", http1, 16, 1, 15_000],
      ] as const
    ) {
      const request = protocol.request(asked);
      printed(
        `GET a pod, ${name}`,
        await best(() => load(protocol, connections, parallel, 30_000, () => request)),
        goal,
      );
    }
  },
  async list() {
    for (
      const [name, protocol, path, goal] of [
        ["500 pods, HTTP/2, 4 connections", http2, pods, 500],
        ["500 pods from the cache, HTTP/2, 4 connections", http2, `${pods}?resourceVersion=0`, undefined],
        ["500 pods, HTTP/1.1, 4 connections", http1, pods, 500],
      ] as const
    ) {
      const request = protocol.request({ method: "GET", path });
      printed(`LIST ${name}`, await best(() => load(protocol, 4, 1, 400, () => request)), goal);
    }
  },
  async create() {
    printed("create a pod, fsync, 16 connections", await best(() => create("many", 16, 1, 5_000)), 5_000);
    printed(
      "create a pod, fsync, 16 connections, 8 streams each",
      await best(() => create("many", 16, 8, 5_000)),
      undefined,
    );
  },
  async fan() {
    const path = "/apis/coordination.k8s.io/v1/namespaces/fan/leases";
    const metadata = { name: "lease" };
    await load(http2, 1, 1, 1, () =>
      http2.request({
        method: "POST",
        path,
        body: JSON.stringify({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata }),
      }));
    const renewed = (value: number): Request => ({
      method: "PATCH",
      path: `${path}/lease`,
      contentType: mergePatch,
      body: JSON.stringify({ spec: { holderIdentity: `holder-${value}` } }),
    });
    await fanOut("changes of a lease to 1,000 watchers, 4 connections", renewed, path, 200_000);
  },
  async memory() {
    const before = await residentMiB();
    const count = 18_000;
    await create("many", 16, 8, count);
    const filled = await residentMiB();
    const all = http2.request({ method: "GET", path: "/api/v1/pods" });
    await load(http2, 1, 1, 3, () => all);
    console.log(
      `resident with ${count.toLocaleString("en")} more pods: ${before} MiB before, ${filled} MiB after, ` +
        `${await residentMiB()} MiB after three lists of all`,
    );
  },
};

await create("bench", 4, 16, 500);
for (const [name, measure] of Object.entries(measurements)) {
  if (wanted.size === 0 || wanted.has(name)) await measure();
}
await server.stdin.close();
await server.status;
