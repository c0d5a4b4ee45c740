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

/** Three members in this process, each of which can be closed and opened again. */
class Trio {
  readonly open = new Map<string, ReplicatedStorage>();
  readonly #ports = new Map<string, number>();
  readonly #authority = makeAuthority("members", Date.now());

  async start(name: string): Promise<void> {
    const authority = await this.#authority;
    const { certificate, key } = await issue(
      authority,
      { commonName: name, usages: ["client", "server"] },
      Date.now(),
    );
    const transport = await openTlsTransport({
      self: name,
      listen: [{ host: "127.0.0.1", port: this.#ports.get(name)! }],
      certificate,
      key,
      authority: authority.certificate,
      clock: realClock,
    });
    const members = [...this.#ports].map(([name, port]) => ({ name, peerAddresses: [`https://127.0.0.1:${port}`] }));
    const begin = { found: { cluster: "00000000000000c1", members } };
    const own = members.find((each) => each.name === name)!;
    this.open.set(name, await openReplicatedStorage({ ...ports, ...own, disk: await disk(name), transport, begin }));
  }

  async startAll(): Promise<void> {
    for (const name of ["a", "b", "c"]) {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      this.#ports.set(name, listener.addr.port);
      listener.close();
    }
    await Promise.all([...this.#ports.keys()].map((name) => this.start(name)));
  }

  async leader(): Promise<[string, ReplicatedStorage]> {
    const [any] = this.open.values();
    await any!.range({ key: "nothing" });
    const { leader: id } = await any!.status();
    return [...this.open].find(([, { membership }]) => membership.id === id)!;
  }
}

/** From the end of the leader, whose connections are reset, to the first write that another one has answered. */
async function failOver(trio: Trio, rounds: number): Promise<void> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const [name, leader] = await trio.leader();
    trio.open.delete(name);
    const [other] = trio.open.values();
    const started = performance.now();
    const closed = leader.close();
    await other!.txn({ compare: [], success: [{ type: "put", key: "fail-over", value }], failure: [] });
    took.push(performance.now() - started);
    await closed;
    await trio.start(name);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  took.sort((a, b) => a - b);
  const [least, middle, most] = [took[0]!, took[took.length >> 1]!, took.at(-1)!].map((ms) => ms.toFixed(0));
  console.log(
    `the leader is gone, ${rounds} times: first write after ${least} to ${most} ms, half of them within ${middle} ms`,
  );
}

const single = await openStorage({ ...ports, disk: await disk("single") });
await measureAll("store of a single member", single);
await single.close();

const alone = await openReplicatedStorage({ ...ports, disk: await disk("alone"), name: "alone" });
await measureAll("replicated store, 1 member", alone);
await alone.close();

const trio = new Trio();
await trio.startAll();
const [, leader] = await trio.leader();
await measureAll("replicated store, 3 members, by the leader", leader);
await measureAll(
  "replicated store, 3 members, by a follower",
  [...trio.open.values()].find((each) => each !== leader)!,
);
await failOver(trio, 20);
for (const storage of trio.open.values()) await storage.close();
if (Deno.args[1] === undefined) await Deno.remove(directory, { recursive: true });
