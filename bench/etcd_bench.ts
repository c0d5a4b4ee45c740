/**
 * etcd's API: Chartroom's store and Debian's etcd-server side by side on the same disk, with fsync, each member a process
 * of its own, by the same gRPC client over TLS in this process. Values of 1 KB.
 *
 *     deno task bench:etcd [seconds a figure]
 */
import { BenchClient, until } from "./etcd/client.ts";
import { type BenchCluster, type BenchMember, kinds, startCluster } from "./etcd/clusters.ts";

const seconds = Number(Deno.args[0] ?? 3);
const failOvers = 10;
const keys = 100_000;
const watches = 10_000;

type Kind = keyof typeof kinds;

/** Figure → of each kind; printed as a table with the ratio. */
const table = new Map<string, Partial<Record<Kind, number>>>();

function note(kind: Kind, figure: string, number: number): void {
  table.set(figure, { ...table.get(figure), [kind]: number });
  console.error(`  ${kind}: ${figure} ${number.toFixed(1)}`);
}

/** Calls by so many clients, each with one under way at a time. */
async function measure(clients: number, call: (client: number, turn: number) => Promise<unknown>, duration = seconds) {
  const times: number[] = [];
  const begin = performance.now();
  const until = begin + duration * 1_000;
  await Promise.all(Array.from({ length: clients }, async (_, client) => {
    for (let turn = 0; performance.now() < until; turn++) {
      const sent = performance.now();
      await call(client, turn);
      times.push(performance.now() - sent);
    }
  }));
  const rate = times.length / ((performance.now() - begin) / 1_000);
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { rate, p50: at(0.5), p99: at(0.99) };
}

async function ready(cluster: BenchCluster): Promise<void> {
  for (const member of cluster.members) {
    const client = new BenchClient(member, cluster);
    await until(() => client.get("nothing", false));
    client.close();
  }
}

async function leaderOf(cluster: BenchCluster, members = cluster.members): Promise<[BenchMember, BenchMember[]]> {
  return await until(async () => {
    for (const member of members) {
      const client = new BenchClient(member, cluster);
      const { header, leader } = await client.status().finally(() => client.close());
      if (leader === header!.memberId) return [member, members.filter((each) => each !== member)];
    }
    throw new Error("Cannot find the leader: nobody says it is");
  });
}

async function serving(kind: Kind, size: number): Promise<void> {
  const cluster = await startCluster(kind, size);
  try {
    await ready(cluster);
    const [leader, others] = await leaderOf(cluster);
    const client = new BenchClient(leader, cluster);
    const put = (who: number, turn: number) => client.put(`/bench/${who}/${turn % 100}`);
    await measure(64, put, 2);
    for (const clients of [16, 256]) {
      const { rate, p50, p99 } = await measure(clients, put);
      const figure = `${size} member${size > 1 ? "s" : ""}, ${clients} clients`;
      note(kind, `writes/s, ${figure}`, rate);
      note(kind, `write p50 ms, ${figure}`, p50);
      note(kind, `write p99 ms, ${figure}`, p99);
    }
    const reader = new BenchClient(others[0] ?? leader, cluster);
    await measure(64, (who, turn) => reader.get(`/bench/${who}/${turn % 100}`, turn % 2 === 0), 2);
    for (const [name, serializable] of [["linearizable", false], ["stale", true]] as const) {
      const { rate } = await measure(256, (who, turn) => reader.get(`/bench/${who}/${turn % 100}`, serializable));
      note(kind, `${name} reads/s, ${size} member${size > 1 ? "s, by a follower" : ""}`, rate);
    }
    reader.close();
    client.close();
    if (size > 1) await failOver(kind, cluster);
  } finally {
    await cluster.close();
  }
}

/** From kill -9 of the leader to the first write that another member answers. */
async function failOver(kind: Kind, cluster: BenchCluster): Promise<void> {
  const took: number[] = [];
  for (let round = 0; round < failOvers; round++) {
    const [leader, others] = await leaderOf(cluster);
    const client = new BenchClient(others[0]!, cluster);
    await client.put("/fail-over");
    const begin = performance.now();
    await leader.kill();
    // A short deadline: what a member without a leader has taken in is not answered by the next one.
    await until(() => client.put("/fail-over", 200));
    took.push(performance.now() - begin);
    client.close();
    await leader.start();
    await ready(cluster);
  }
  took.sort((a, b) => a - b);
  note(kind, "fail-over ms, half of them within", took[took.length >> 1]!);
  note(kind, `fail-over ms, the longest of ${failOvers}`, took.at(-1)!);
}

async function memory({ pid }: BenchMember): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1_024;
}

async function full(kind: Kind): Promise<void> {
  const cluster = await startCluster(kind, 1);
  try {
    await ready(cluster);
    const [member] = cluster.members as [BenchMember];
    let client = new BenchClient(member, cluster);
    note(kind, "MB of memory, empty", await memory(member));
    const name = (number: number) => `/registry/pods/default/pod-${String(number).padStart(7, "0")}`;
    for (let from = 0; from < keys; from += 100) {
      await client.putAll(Array.from({ length: 100 }, (_, at) => name(from + at)));
    }
    note(kind, "MB of memory, 100,000 keys of 1 KB", await memory(member));
    client.close();
    await member.kill();
    const begin = performance.now();
    await member.start();
    client = new BenchClient(member, cluster);
    await until(() => client.get(name(1), false));
    note(kind, "restart ms, 100,000 keys of 1 KB", performance.now() - begin);
    note(kind, "MB of memory, after the restart", await memory(member));
    client.close();
  } finally {
    await cluster.close();
  }
}

async function watched(kind: Kind): Promise<void> {
  const cluster = await startCluster(kind, 1);
  try {
    await ready(cluster);
    const [member] = cluster.members as [BenchMember];
    const client = new BenchClient(member, cluster);
    const put = (who: number, turn: number) => client.put(`/watched/${(who * 997 + turn) % watches}`);
    await measure(64, put, 1);
    const alone = await measure(16, put);
    // A hundred streams of a hundred watches, each of a key of its own.
    let created = 0;
    let events = 0;
    const all = Promise.withResolvers<void>();
    const streams = Array.from({ length: 100 }, (_, at) => {
      const stream = client.watch();
      stream.on("error", () => {});
      stream.on("data", (answer) => {
        if (answer.created && ++created === watches) all.resolve();
        events += answer.events.length;
      });
      for (let i = 0; i < watches / 100; i++) {
        stream.write({ createRequest: { key: new TextEncoder().encode(`/watched/${at * (watches / 100) + i}`) } });
      }
      return stream;
    });
    await all.promise;
    const { rate, p50 } = await measure(16, put);
    if (events === 0) throw new Error("Cannot measure watches: none was told of anything");
    note(kind, "writes/s, 16 clients, nobody watches", alone.rate);
    note(kind, `writes/s, 16 clients, ${watches.toLocaleString("en")} watches`, rate);
    note(kind, `write p50 ms, 16 clients, ${watches.toLocaleString("en")} watches`, p50);
    for (const stream of streams) stream.cancel();
    client.close();
  } finally {
    await cluster.close();
  }
}

/** What runs first must not have to wait for this process' own code to be compiled. */
async function warmUp(): Promise<void> {
  const cluster = await startCluster("etcd", 1);
  await ready(cluster);
  const client = new BenchClient(cluster.members[0]!, cluster);
  await measure(64, (who, turn) => turn % 2 === 0 ? client.put(`/${who}`) : client.get(`/${who}`, false), 4);
  client.close();
  await cluster.close();
}

await warmUp();
for (const step of [(kind: Kind) => serving(kind, 1), (kind: Kind) => serving(kind, 3), full, watched]) {
  for (const kind of Object.keys(kinds) as Kind[]) await step(kind);
}
const { stdout } = await new Deno.Command("etcd", { args: ["--version"] }).output();
console.log(`Debian's etcd: ${new TextDecoder().decode(stdout).split("\n")[0]}\n`);
console.log("| figure | Chartroom | etcd | Chartroom / etcd |\n| --- | --- | --- | --- |");
for (const [figure, { Chartroom = NaN, etcd = NaN }] of table) {
  console.log(`| ${figure} | ${Chartroom.toFixed(1)} | ${etcd.toFixed(1)} | ${(Chartroom / etcd).toFixed(2)} |`);
}
Deno.exit(0);
