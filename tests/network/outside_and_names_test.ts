import { createSocket } from "node:dgram";
import { assert, assertEquals } from "@std/assert";
import { startDns } from "../../actors/dns/dns_actor.ts";
import { LinkAddresses } from "../../actors/load_balancer/host_addresses.ts";
import { addressesOf } from "../../actors/pod_network/ip_tool.ts";
import { realRandom } from "../../actors/real/real_random.ts";
import { controlPlaneAddress } from "../../machines/network/address_plan.ts";
import { resources } from "../../machines/objects/resources.ts";
import { service, slice } from "../actors/kube_proxy/objects.ts";
import { hostState, networkTest, peerIn } from "./harness.ts";
import { ip, Proxied } from "./proxied.ts";

networkTest(
  "pods speak to the outside with the host's address, and among themselves with their own",
  31,
  async (host) => {
    await host.addNode();
    const [a, b] = [await host.addPod("a"), await host.addPod("b")];
    const outsider = await host.addOutsider([]);
    await outsider.servePeers(80);
    await b.servePeers(80);
    assertEquals(peerIn(await a.dial(outsider.podIP, 80), 80), `198.18.${host.plan.index}.1`);
    assertEquals(peerIn(await a.dial(b.podIP, 80), 80), a.podIP);
  },
);

networkTest("outsiders reach node ports, with their own address under a Local policy", 31, async (host) => {
  await host.addNode();
  await host.addNode();
  const a = await host.addPod("a");
  await a.servePeers(80);
  const outsider = await host.addOutsider([host.plan.nodeCidr, host.plan.loadBalancerCidr]);
  const world = new Proxied(host);
  const spec = { type: "NodePort", ports: [{ port: 80, nodePort: 31_080 }] };
  world.put("any", { ...spec, clusterIP: ip(host, 20) }, [a.podIP]);
  const local = { ...spec, ports: [{ port: 80, nodePort: 31_081 }], externalTrafficPolicy: "Local" };
  world.put("local", { ...local, clusterIP: ip(host, 21) }, [a.podIP]);
  await world.settle();
  const [home, other] = host.networks.map(({ nodePlan }) => nodePlan);
  const heard = async (address: string, port: number) => peerIn(await outsider.dial(address, port), 80);
  assertEquals(await heard(home!.address, 31_080), home!.gateway);
  assertEquals(await heard(home!.address, 31_081), outsider.podIP);
  assertEquals(await heard(other!.address, 31_081), "silent"); // It has no endpoint of its own.
});

networkTest("the load balancer's addresses come and go with their services", 31, async (host) => {
  const addresses = new LinkAddresses(`${host.plan.linkPrefix}lb`);
  const [one, two] = [1, 2].map((last) => `10.${161 + 2 * host.plan.index}.192.${last}`);
  const present = async () => (await addressesOf(addresses.link)).map(({ address }) => address).sort();
  await addresses.set([one!, two!]);
  await addresses.set([one!, two!]);
  assertEquals(await present(), [one, two]);
  await addresses.set([two!]);
  assertEquals(await present(), [two]);
  await addresses.set([]);
  await addresses.set([]);
  assertEquals([await present(), (await hostState()).length], [[], 0]);
});

networkTest("a UDP client moves on when its endpoint goes, though it never stops talking", 31, async (host) => {
  await host.addNode();
  const [a, b] = [await host.addPod("a"), await host.addPod("b")];
  await Promise.all([a, b].map((pod) => pod.serveUdp(5353)));
  const world = new Proxied(host);
  const spec = { clusterIP: ip(host, 20), ports: [{ port: 53, protocol: "UDP" }] };
  const slices = { port: 5353, protocol: "UDP" };
  world.put("dns", spec, [a.podIP], {}, slices);
  await world.settle();
  const socket = createSocket("udp4");
  const ask = () =>
    new Promise<string>((resolve) => {
      socket.once("message", (message: Uint8Array) => resolve(new TextDecoder().decode(message)));
      socket.send("who?", 53, ip(host, 20));
    });
  try {
    assertEquals([await ask(), await ask()], ["a", "a"]);
    world.put("dns", spec, [b.podIP], {}, slices);
    await world.settle();
    assertEquals([await ask(), world.proxy.status().warning], ["b", undefined]);
  } finally {
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
});

networkTest("pods ask the cluster's name server at its service address", 31, async (host) => {
  await host.addNode();
  const a = await host.addPod("a");
  const { plan } = host;
  const listen = controlPlaneAddress(plan, 0);
  await new LinkAddresses(`${plan.linkPrefix}cp`).set([listen]);
  const world = new Proxied(host);
  const ports = [53, 53].map((port, index) => ({ name: `p${index}`, port, protocol: index === 0 ? "UDP" : "TCP" }));
  world.client.put(resources.services, service("kube-dns", { clusterIP: plan.dnsAddress, ports }));
  world.client.put(resources.endpointSlices, { ...slice("kube-dns", [listen]), ports });
  world.put("web", { clusterIP: ip(host, 20), ports: [{ port: 80 }] }, []);
  const server = startDns({
    system: world.system,
    node: "test",
    informers: world.informers,
    random: realRandom,
    zone: {
      domain: "cluster.local",
      ttl: 5,
      address: plan.dnsAddress,
      reverseCidrs: [plan.serviceCidr, plan.podCidr],
    },
    listen: [{ address: listen, port: 53 }],
    upstream: [],
  });
  try {
    await world.finish(server.ready());
    await world.settle();
    const said = await a.run("busybox", "nslookup", "web.default.svc.cluster.local", plan.dnsAddress);
    assert(said.includes(`Address: ${ip(host, 20)}`), said);
    const name = await a.run("busybox", "nslookup", plan.dnsAddress, plan.dnsAddress);
    assert(name.includes("kube-dns.default.svc.cluster.local"), name);
  } finally {
    await server.stop();
  }
});
