import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { assert, assertEquals } from "@std/assert";
import { DnsCodec, messageId } from "../../../actors/dns/dns_codec.ts";
import { type DnsServer, startDns } from "../../../actors/dns/dns_actor.ts";
import { readFramed, writeFramed } from "../../../actors/dns/dns_stream.ts";
import { SharedInformers } from "../../../actors/informer.ts";
import { realRandom } from "../../../actors/real/real_random.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { ActorSystem } from "../../../actors/system.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { MemoryApiClient } from "../kube_proxy/memory_api_client.ts";
import { service, slice } from "../kube_proxy/objects.ts";

const codec = await DnsCodec.load();
const { default: packet } = await import("dns-packet") as unknown as {
  default: { encode(packet: object): Uint8Array; decode(bytes: Uint8Array): Decoded };
};
const dnsPacket = { encode: packet.encode, decode: (bytes: Uint8Array) => packet.decode(Buffer.from(bytes)) };
interface Decoded {
  id: number;
  rcode: string;
  flag_tc: boolean;
  flag_aa: boolean;
  questions: { name: string }[];
  answers: { name: string; type: string; data: unknown }[];
  additionals: { type: string }[];
}

/** Its server is not there yet. */
class ListlessApiClient extends MemoryApiClient {
  override list(): Promise<never> {
    return new Promise<never>(() => {});
  }
}

class World implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly system = new ActorSystem({ clock: this.clock });
  readonly server: DnsServer;

  constructor(upstream: { address: string; port: number }[] = [], readonly client = new MemoryApiClient()) {
    this.server = startDns({
      system: this.system,
      node: "test",
      informers: new SharedInformers(this.system, { node: "test", client: this.client }),
      random: realRandom,
      zone: { domain: "cluster.local", ttl: 5, address: "10.161.0.10", reverseCidrs: ["10.161.0.0/17"] },
      listen: [{ address: "127.0.0.1", port: 0 }],
      upstream,
      upstreamTimeoutMs: 1_000,
    });
  }

  /** Lets everything but time go on until the work is done. */
  async until<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const done = work.finally(() => over = true);
    while (!over) {
      this.clock.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return await done;
  }

  get port(): number {
    return this.server.ports[0]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    this.system.stopAll();
  }
}

async function ready(upstream: { address: string; port: number }[] = []): Promise<World> {
  const world = new World(upstream);
  const ports = [{ name: "http", port: 80, protocol: "TCP" }];
  world.client.put(resources.services, service("web", { clusterIP: "10.161.0.20", ports }));
  world.client.put(resources.services, service("out", { type: "ExternalName", externalName: "example.test" }));
  await world.until(world.server.ready());
  await world.until(new Promise((resolve) => setImmediate(resolve)));
  return world;
}

function exchange(port: number, bytes: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.on("error", reject);
    socket.on("message", (message) => socket.close(() => resolve(message)));
    socket.send(bytes, port, "127.0.0.1");
  });
}

const query = (name: string, type: string, more: object = {}) =>
  dnsPacket.encode({ id: 77, type: "query", flags: 256, questions: [{ name, type }], ...more });

async function ask(world: World, name: string, type = "A", more: object = {}): Promise<Decoded> {
  return dnsPacket.decode(await world.until(exchange(world.port, query(name, type, more))));
}

async function askTcp(world: World, name: string, type = "A"): Promise<Decoded> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: world.port });
  try {
    await writeFramed(connection, query(name, type));
    const messages = readFramed(connection);
    const { value } = await world.until(messages.next());
    return dnsPacket.decode(value!);
  } finally {
    connection.close();
  }
}

/** A name server outside that answers everything with one address, or not at all. */
async function outside(answers = true) {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (message: Uint8Array, from) => {
    const { questions } = codec.readQuery(message);
    asked.push(questions[0]!.name);
    if (!answers) return;
    const reply = dnsPacket.encode({
      id: messageId(message)!,
      type: "response",
      questions: [...questions],
      answers: [{ name: questions[0]!.name, type: "A", ttl: 60, data: "192.0.2.1" }],
    });
    socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const close = () => new Promise<void>((resolve) => socket.close(() => resolve()));
  return { asked, place: { address: "127.0.0.1", port: socket.address().port }, [Symbol.asyncDispose]: close };
}

Deno.test("DnsServer answers over UDP and TCP, in the asker's spelling and with EDNS", async () => {
  await using world = await ready();
  const udp = await ask(world, "Web.Default.svc.CLUSTER.local", "A", {
    additionals: [{ type: "OPT", name: ".", udpPayloadSize: 4096 }],
  });
  const answer = { name: "Web.Default.svc.CLUSTER.local", type: "A", data: "10.161.0.20" };
  const { name, type, data } = udp.answers[0]!;
  assertEquals([udp.id, udp.rcode, udp.flag_aa, { name, type, data }], [77, "NOERROR", true, answer]);
  assertEquals(udp.additionals.map(({ type }) => type), ["OPT"]);
  const tcp = await askTcp(world, "web.default.svc.cluster.local");
  assertEquals([tcp.answers[0]!.data, tcp.additionals], ["10.161.0.20", []]);
  assertEquals((await ask(world, "nobody.default.svc.cluster.local")).rcode, "NXDOMAIN");
  const srv = await ask(world, "_http._tcp.web.default.svc.cluster.local", "SRV");
  assertEquals([srv.answers[0]!.type, srv.additionals[0]!.type], ["SRV", "A"]);
});

Deno.test("DnsServer answers names of the cluster with SERVFAIL until it has seen all services", async () => {
  await using world = new World([], new ListlessApiClient());
  await world.until((async () => {
    while (world.server.ports.length === 0) await new Promise((resolve) => setImmediate(resolve));
  })());
  assertEquals((await ask(world, "web.default.svc.cluster.local")).rcode, "SERVFAIL");
});

Deno.test("DnsServer follows services as they come and go", async () => {
  await using world = await ready();
  world.client.put(resources.services, service("late", { clusterIP: "None", ports: [] }));
  world.client.put(resources.endpointSlices, slice("late", ["10.160.0.7"]));
  assertEquals((await ask(world, "late.default.svc.cluster.local")).answers.map(({ data }) => data), ["10.160.0.7"]);
  world.client.remove(resources.endpointSlices, "default/late-1");
  assertEquals((await ask(world, "late.default.svc.cluster.local")).rcode, "NXDOMAIN");
});

Deno.test("DnsServer cuts what does not fit over UDP and tells all over TCP, in turning order", async () => {
  await using world = await ready();
  const many = Array.from({ length: 100 }, (_, index) => `10.160.1.${index + 1}`);
  world.client.put(resources.services, service("many", { clusterIP: "None", ports: [] }));
  world.client.put(resources.endpointSlices, slice("many", many));
  const udp = await ask(world, "many.default.svc.cluster.local");
  assertEquals([udp.flag_tc, udp.answers.length], [true, 0]);
  const [one, two] = [
    await askTcp(world, "many.default.svc.cluster.local"),
    await askTcp(world, "many.default.svc.cluster.local"),
  ];
  assertEquals([one.answers.length, one.flag_tc], [100, false]);
  assert(one.answers[0]!.data !== two.answers[0]!.data);
});

Deno.test("DnsServer asks the host's name servers for other names and for what aliases lead to", async () => {
  await using upstream = await outside();
  await using world = await ready([upstream.place]);
  const direct = await ask(world, "example.test");
  assertEquals([direct.id, direct.answers[0]!.data], [77, "192.0.2.1"]);
  const alias = await ask(world, "out.default.svc.cluster.local");
  assertEquals(alias.answers.map(({ type, data }) => [type, data]), [["CNAME", "example.test"], ["A", "192.0.2.1"]]);
  assertEquals(upstream.asked, ["example.test", "example.test"]);
});

Deno.test("DnsServer tries the next name server after a time and says SERVFAIL when none answers", async () => {
  await using silent = await outside(false);
  await using upstream = await outside();
  await using world = await ready([silent.place, upstream.place]);
  /** Lets the time-out pass once the silent server has been asked. */
  const answerOf = async (asker: World, asked: number) => {
    const reply = exchange(asker.port, query("example.test", "A"));
    while (silent.asked.length < asked) await asker.until(new Promise((resolve) => setImmediate(resolve)));
    asker.clock.advance(1_000);
    return dnsPacket.decode(await asker.until(reply)).rcode;
  };
  assertEquals(await answerOf(world, 1), "NOERROR");
  await using lonely = await ready([silent.place]);
  assertEquals(await answerOf(lonely, 2), "SERVFAIL");
});

Deno.test("DnsServer answers nonsense with FORMERR and other operations with NOTIMP", async () => {
  await using world = await ready();
  const nonsense = new Uint8Array([0, 9, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 255]);
  const reply = dnsPacket.decode(await world.until(exchange(world.port, nonsense)));
  assertEquals([reply.id, reply.rcode], [9, "FORMERR"]);
  const update = await ask(world, "web.default.svc.cluster.local", "A", { flags: 5 << 11 });
  assertEquals(update.rcode, "NOTIMP");
  assertEquals(world.server.counters.malformed, 1);
});

Deno.test("DnsServer tries again when its port is taken", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const server = startDns({
    system,
    node: "test",
    informers: new SharedInformers(system, { node: "test", client: new MemoryApiClient() }),
    random: realRandom,
    zone: { domain: "cluster.local", ttl: 5, address: "10.161.0.10", reverseCidrs: [] },
    listen: [{ address: "127.0.0.1", port: (taken.addr as Deno.NetAddr).port }],
  });
  const sockets = () => (system.get(server.address)!.getSnapshot().value as { sockets: string }).sockets;
  const turn = async (milliseconds: number) => {
    clock.advance(milliseconds);
    await new Promise((resolve) => setImmediate(resolve));
  };
  while (sockets() !== "backOff") await turn(0);
  taken.close();
  while (sockets() !== "open") await turn(50);
  await server.stop();
  system.stopAll();
});
