import { assert, assertEquals } from "@std/assert";
import { SharedInformers } from "../../../actors/informer.ts";
import { startKubeProxy } from "../../../actors/kube_proxy/kube_proxy_actor.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { SimulatedPacketFilter } from "../../../actors/simulated/packet_filter.ts";
import { ActorSystem } from "../../../actors/system.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { allNodes, proxyTable } from "../../machines/kube_proxy/arbitrary_cluster.ts";
import { MemoryApiClient, play } from "./memory_api_client.ts";
import { service, slice } from "./objects.ts";

function world() {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const client = new MemoryApiClient();
  const packetFilter = new SimulatedPacketFilter();
  const informers = new SharedInformers(system, { node: "test", client });
  const start = () =>
    startKubeProxy({ system, node: "test", informers, packetFilter, table: proxyTable, nodes: allNodes });
  const ask = (destination: string, port: number, protocol: "tcp" | "udp" = "tcp") =>
    packetFilter.fates({ source: "10.160.0.99", destination, port, protocol, fromHost: false })
      .map((fate) => fate.type === "passed" ? fate.to : fate.type);
  return { clock, system, client, packetFilter, start, ask };
}

const web = service("web", { clusterIP: "10.161.0.20", ports: [{ port: 80, protocol: "TCP" }] });

Deno.test("KubeProxy writes what is there in one transaction, then only what changes", async () => {
  const { clock, client, packetFilter, start, ask } = world();
  client.put(resources.services, web);
  client.put(resources.endpointSlices, slice("web", ["10.160.0.2"]));
  const proxy = start();
  assertEquals(proxy.status().state, "waitingForSync");
  await play(clock);
  assertEquals([proxy.status().state, ask("10.161.0.20", 80)], ["settled", ["10.160.0.2:80"]]);
  client.put(resources.endpointSlices, slice("web", ["10.160.0.2", "10.160.1.2"]));
  client.put(resources.endpointSlices, slice("web", ["10.160.1.2", "10.160.1.3"]));
  await play(clock, 20);
  assertEquals(ask("10.161.0.20", 80), ["10.160.1.2:80", "10.160.1.3:80"]);
  assertEquals(packetFilter.applied.length, 2);
  assert(packetFilter.applied[1]!.split("\n").length < 10, packetFilter.applied[1]);
  client.remove(resources.endpointSlices, "default/web-1");
  await play(clock, 20);
  assertEquals(ask("10.161.0.20", 80), ["refused"]);
  client.remove(resources.services, "default/web");
  await play(clock, 20);
  assertEquals(proxy.status().services, 0);
});

Deno.test("KubeProxy keeps the old rules when the kernel refuses and makes the table anew after a while", async () => {
  const { clock, client, packetFilter, start, ask } = world();
  client.put(resources.services, web);
  client.put(resources.endpointSlices, slice("web", ["10.160.0.2"]));
  const proxy = start();
  await play(clock);
  packetFilter.failure = new Error("Cannot apply packet-filter rules: busy");
  client.put(resources.endpointSlices, slice("web", ["10.160.0.3"]));
  await play(clock, 20);
  assertEquals([proxy.status().state, proxy.status().healthy, ask("10.161.0.20", 80)], [
    "backOff",
    false,
    ["10.160.0.2:80"],
  ]);
  assertEquals(proxy.status().lastRefusal, "Cannot apply packet-filter rules: busy");
  packetFilter.failure = undefined;
  await play(clock, 16_000);
  assertEquals([proxy.status().healthy, ask("10.161.0.20", 80)], [true, ["10.160.0.3:80"]]);
});

Deno.test("KubeProxy notices that somebody removed its table", async () => {
  const { clock, client, packetFilter, start, ask } = world();
  client.put(resources.services, web);
  client.put(resources.endpointSlices, slice("web", ["10.160.0.2"]));
  start();
  await play(clock);
  await packetFilter.apply(`delete table ip ${proxyTable.table}`);
  await play(clock, 30_000);
  assertEquals(ask("10.161.0.20", 80), ["10.160.0.2:80"]);
});

Deno.test("KubeProxy leaves its rules when it ends, takes over a former life's, and removes them on demand", async () => {
  const { clock, client, packetFilter, start, ask, system } = world();
  client.put(resources.services, web);
  client.put(resources.endpointSlices, slice("web", ["10.160.0.2"]));
  start().stop();
  const second = start();
  await play(clock);
  second.stop();
  assertEquals(ask("10.161.0.20", 80), ["10.160.0.2:80"]);
  client.put(resources.endpointSlices, slice("web", ["10.160.0.3"]));
  const third = start();
  await play(clock);
  assertEquals(ask("10.161.0.20", 80), ["10.160.0.3:80"]);
  const removed = third.remove();
  await play(clock);
  await removed;
  assertEquals([await packetFilter.tables(), system.get(third.address)], [[], undefined]);
});

Deno.test("KubeProxy forgets UDP connections to endpoints that are gone", async () => {
  const { clock, client, packetFilter, start } = world();
  client.put(resources.services, service("dns", { clusterIP: "10.161.0.10", ports: [{ port: 53, protocol: "UDP" }] }));
  client.put(resources.endpointSlices, slice("dns", ["10.160.0.2", "10.160.0.3"], { port: 53, protocol: "UDP" }));
  start();
  await play(clock);
  assertEquals(packetFilter.forgotten, ["10.161.0.10:53"]);
  client.put(resources.endpointSlices, slice("dns", ["10.160.0.3"], { port: 53, protocol: "UDP" }));
  await play(clock, 20);
  assertEquals(packetFilter.forgotten, ["10.161.0.10:53", "10.160.0.2:53"]);
});

Deno.test("KubeProxy answers host ports on the pod's node only", async () => {
  const { clock, start, ask } = world();
  const proxy = start();
  proxy.publishHostPorts("default/web", "worker-1", [
    { protocol: "TCP", hostPort: 8080, podIP: "10.160.1.2", containerPort: 80 },
  ]);
  await play(clock, 20);
  assertEquals([ask("10.161.129.1", 8080), ask("10.161.129.0", 8080)], [["10.160.1.2:80"], ["10.161.129.0:8080"]]);
  proxy.withdrawHostPorts("default/web");
  await play(clock, 20);
  assertEquals(ask("10.161.129.1", 8080), ["10.161.129.1:8080"]);
});
