/**
 * The single-member store on a real disk: answered puts per second, restart with 100,000 keys, reads, watches.
 *
 *     deno run -A bench/store_bench.ts [directory]
 */
import { realDisk } from "../actors/disk/real_disk.ts";
import { realClock } from "../actors/real/real_clock.ts";
import { realRandom } from "../actors/real/real_random.ts";
import { type MemberStorage, openStorage } from "../actors/store/open_storage.ts";
import { prefixEnd } from "../ports/storage.ts";

const directory = Deno.args[0] ?? await Deno.makeTempDir({ prefix: "chartroom-bench-" });
const value = new Uint8Array(1_024).fill(120);
const keys = 100_000;

const open = () => openStorage({ disk: realDisk(directory), clock: realClock, random: realRandom });
const put = (storage: MemberStorage, key: string) =>
  storage.txn({ compare: [], success: [{ type: "put", key, value }], failure: [] });
const podKey = (n: number) => `/registry/pods/namespace-${n % 100}/pod-${String(n).padStart(6, "0")}`;

function show(what: string, figure: number, unit: string): void {
  console.log(`${what.padEnd(58)} ${figure.toLocaleString("en", { maximumFractionDigits: 1 }).padStart(12)} ${unit}`);
}

const memory = () => Deno.memoryUsage().rss / 2 ** 20;

/** So many writers, each with one put under way at a time. */
async function write(storage: MemberStorage, writers: number, count: number, key: (n: number) => string) {
  const started = performance.now();
  let next = 0;
  let worst = 0;
  await Promise.all(Array.from({ length: writers }, async () => {
    for (let n = next++; n < count; n = next++) {
      const at = performance.now();
      await put(storage, key(n));
      worst = Math.max(worst, performance.now() - at);
    }
  }));
  return { perSecond: count / ((performance.now() - started) / 1_000), worst };
}

async function timed<T>(what: string, times: number, act: () => Promise<T>): Promise<T> {
  let result = await act();
  const started = performance.now();
  for (let i = 0; i < times; i++) result = await act();
  show(what, (performance.now() - started) / times, "ms");
  return result;
}

let storage = await open();
for (const [writers, count] of [[1, 3_000], [16, 30_000], [256, 60_000]] as const) {
  const { perSecond, worst } = await write(storage, writers, count, (n) => podKey(n % 5_000));
  show(`puts of 1 KiB, fsynced, ${writers} writers`, perSecond, "/s");
  show(`  slowest of them`, worst, "ms");
}

const watches = Array.from({ length: 1_000 }, (_, n) => {
  const key = `/watched/${String(n).padStart(4, "0")}/`;
  return storage.watch({ key, end: prefixEnd(key) }, { events() {}, progress() {}, closed() {} });
});
const watched = await write(storage, 256, 60_000, (n) => `/watched/${String(n % 1_000).padStart(4, "0")}/key`);
show("the same, 256 writers, beside 1,000 watches of 1,000 prefixes", watched.perSecond, "/s");
for (const watch of watches) watch.cancel();

await storage.compact((await storage.status()).revision);
const filled = await write(storage, 256, keys, podKey);
show(`puts of ${keys} new keys, 256 writers`, filled.perSecond, "/s");
await storage.compact((await storage.status()).revision - 1);
while ((JSON.stringify(storage.actor.getSnapshot().value)).includes("saving")) await put(storage, "/settling");
show("resident memory with these keys", memory(), "MiB");

const all = { key: "/registry/pods/", end: prefixEnd("/registry/pods/") };
const { kvs } = await timed(`range of all keys`, 10, () => storage.range(all));
if (kvs.length !== keys) throw new Error(`Cannot go on: ${kvs.length} keys`);
await timed("count of all keys", 10, () => storage.range({ ...all, countOnly: true }));
await timed("first page of 500, with the count of the rest", 10, () => storage.range({ ...all, limit: 500 }));
const one = { key: "/registry/pods/namespace-7/", end: prefixEnd("/registry/pods/namespace-7/") };
await timed("range of one namespace, 1,000 keys", 100, () => storage.range(one));
await timed("get, a thousand of them", 20, async () => {
  for (let n = 0; n < 1_000; n++) await storage.range({ key: podKey(n * 97) });
});

show("size on disk", (await storage.status()).sizeBytes / 2 ** 20, "MiB");
await storage.close();
for (let i = 0; i < 3; i++) {
  const started = performance.now();
  storage = await open();
  show(`restart with ${keys} keys`, performance.now() - started, "ms");
  if ((await storage.range({ ...all, countOnly: true })).count !== keys) {
    throw new Error("Cannot go on: keys are missing");
  }
  await storage.close();
}
await Deno.remove(directory, { recursive: true });
