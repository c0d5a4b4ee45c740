/**
 * Answered puts of 1 KiB, each on the disks of a majority: the store of one member, of the replicated store with one
 * member, and with three in this process, over TLS and with a directory each. All of it shares one process and one disk.
 *
 *     deno task bench:raft [seconds a figure] [directory]
 */
import { realDisk } from "../actors/disk/real_disk.ts";
import { realClock } from "../actors/real/real_clock.ts";
import { realRandom } from "../actors/real/real_random.ts";
import { openStorage } from "../actors/store/open_storage.ts";
import { openReplicatedStorage, type ReplicatedStorage } from "../actors/store/replica/open_replicated_storage.ts";
import { openTlsTransport } from "../actors/transport/tls_transport.ts";
import { issue, makeAuthority } from "../http/auth/certificates/issue.ts";
import type { Storage } from "../ports/storage.ts";

const seconds = Number(Deno.args[0] ?? 3);
const directory = Deno.args[1] ?? await Deno.makeTempDir({ prefix: "chartroom-bench-" });
const value = new Uint8Array(1_024).fill(120);
const ports = { clock: realClock, random: realRandom };

/** So many clients, each with one put under way at a time. */
async function measure(what: string, storage: Storage, clients: number): Promise<void> {
  const took: number[] = [];
  const started = performance.now();
  const end = started + seconds * 1_000;
  let next = 0;
  await Promise.all(Array.from({ length: clients }, async () => {
    for (let at = performance.now(); at < end; at = performance.now()) {
      const key = `/registry/pods/namespace-${next % 100}/pod-${String(next++ % 5_000).padStart(6, "0")}`;
      await storage.txn({ compare: [], success: [{ type: "put", key, value }], failure: [] });
      took.push(performance.now() - at);
    }
  }));
  const perSecond = took.length / ((performance.now() - started) / 1_000);
  took.sort((a, b) => a - b);
  const part = (share: number) => took[Math.floor((took.length - 1) * share)]!.toFixed(2).padStart(8);
  const rate = Math.round(perSecond).toLocaleString("en").padStart(8);
  console.log(`${`${what}, ${clients} clients`.padEnd(52)} ${rate}/s   p50 ${part(0.5)} ms   p99 ${part(0.99)} ms`);
}

async function measureAll(what: string, storage: Storage): Promise<void> {
  await measure("warming up", storage, 64);
  for (const clients of [1, 16, 256]) await measure(what, storage, clients);
}

const disk = async (name: string) => {
  await Deno.mkdir(`${directory}/${name}`, { recursive: true });
  return realDisk(`${directory}/${name}`);
};

async function trio(): Promise<{ leader: ReplicatedStorage; followers: ReplicatedStorage[] }> {
  const authority = await makeAuthority("members", Date.now());
  const transports = await Promise.all(["a", "b", "c"].map(async (name) => {
    const { certificate, key } = await issue(
      authority,
      { commonName: name, usages: ["client", "server"] },
      Date.now(),
    );
    const listen = { host: "127.0.0.1", port: 0 };
    return await openTlsTransport({
      self: name,
      listen,
      certificate,
      key,
      authority: authority.certificate,
      clock: realClock,
    });
  }));
  const members = transports.map(({ self: name, endpoint: { host, port } }) => ({
    name,
    peerAddresses: [`https://${host}:${port}`],
  }));
  const begin = { found: { cluster: "00000000000000c1", members } };
  const storages = await Promise.all(transports.map(async (transport, at) => {
    const member = members[at]!;
    return await openReplicatedStorage({ ...ports, ...member, disk: await disk(member.name), transport, begin });
  }));
  await storages[0]!.range({ key: "nothing" });
  const { leader: id } = await storages[0]!.status();
  const leader = storages.find(({ membership }) => membership.id === id)!;
  return { leader, followers: storages.filter((each) => each !== leader) };
}

const single = await openStorage({ ...ports, disk: await disk("single") });
await measureAll("store of a single member", single);
await single.close();

const alone = await openReplicatedStorage({ ...ports, disk: await disk("alone"), name: "alone" });
await measureAll("replicated store, 1 member", alone);
await alone.close();

const { leader, followers } = await trio();
await measureAll("replicated store, 3 members, by the leader", leader);
await measureAll("replicated store, 3 members, by a follower", followers[0]!);
for (const storage of [leader, ...followers]) await storage.close();
if (Deno.args[1] === undefined) await Deno.remove(directory, { recursive: true });
