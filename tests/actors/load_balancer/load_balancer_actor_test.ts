import { assertEquals } from "@std/assert";
import { SharedInformers } from "../../../actors/informer.ts";
import { MemoryAddresses } from "../../../actors/load_balancer/host_addresses.ts";
import { startLoadBalancer } from "../../../actors/load_balancer/load_balancer_actor.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { ActorSystem } from "../../../actors/system.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { MemoryApiClient, play } from "../kube_proxy/memory_api_client.ts";
import { service } from "../kube_proxy/objects.ts";

function world() {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const client = new MemoryApiClient();
  const hostAddresses = new MemoryAddresses();
  const informers = new SharedInformers(system, { node: "test", client });
  const start = () =>
    startLoadBalancer({ system, node: "test", informers, client, range: "10.161.192.0/20", hostAddresses });
  const ingress = (name: string) =>
    (client.peek(resources.services, `default/${name}`)?.status as { loadBalancer?: { ingress?: unknown } })
      ?.loadBalancer
      ?.ingress;
  const events = () => client.writes.filter((write) => write.startsWith("create events"));
  return { clock, client, hostAddresses, start, ingress, events };
}

const spec = { type: "LoadBalancer", clusterIP: "10.161.0.20", ports: [{ port: 80 }] };

Deno.test("LoadBalancer gives a service an address that the host answers to, and takes it back with the service", async () => {
  const { clock, client, hostAddresses, start, ingress, events } = world();
  start();
  await play(clock);
  client.put(resources.services, service("web", spec));
  await play(clock, 20);
  assertEquals(ingress("web"), [{ ip: "10.161.192.1", ipMode: "VIP" }]);
  assertEquals(hostAddresses.current, ["10.161.192.1"]);
  assertEquals(events(), [
    "create events default EnsuringLoadBalancer: Ensuring load balancer",
    "create events default EnsuredLoadBalancer: Ensured load balancer",
  ]);
  client.remove(resources.services, "default/web");
  await play(clock, 20);
  assertEquals(hostAddresses.current, []);
});

Deno.test("LoadBalancer clears the status of a service that is balanced no more", async () => {
  const { clock, client, hostAddresses, start, ingress } = world();
  client.put(resources.services, service("web", spec));
  start();
  await play(clock, 20);
  client.put(resources.services, {
    ...service("web", { ...spec, type: "ClusterIP" }),
    status: client.peek(resources.services, "default/web")!.status,
  });
  await play(clock, 20);
  assertEquals([ingress("web"), hostAddresses.current], [null, []]);
});

Deno.test("LoadBalancer finds addresses of a former life again", async () => {
  const { clock, client, hostAddresses, start, ingress } = world();
  client.put(resources.services, service("a", spec, { loadBalancer: { ingress: [{ ip: "10.161.192.7" }] } }));
  client.put(resources.services, service("b", spec));
  start().stop();
  start();
  await play(clock, 20);
  assertEquals([ingress("a"), ingress("b")], [
    [{ ip: "10.161.192.7" }],
    [{ ip: "10.161.192.8", ipMode: "VIP" }],
  ]);
  assertEquals(hostAddresses.current, ["10.161.192.7", "10.161.192.8"]);
});

Deno.test("LoadBalancer tries again when a status cannot be written", async () => {
  const { clock, client, start, ingress, events } = world();
  client.put(resources.services, service("web", spec));
  client.failure = new Error("no leader");
  start();
  await play(clock, 20);
  assertEquals(ingress("web"), undefined);
  assertEquals(events().at(-1), "create events default SyncLoadBalancerFailed: Error syncing load balancer: no leader");
  client.failure = undefined;
  await play(clock, 1_000);
  assertEquals(ingress("web"), [{ ip: "10.161.192.1", ipMode: "VIP" }]);
});

Deno.test("LoadBalancer says once why a service cannot have the address it wants", async () => {
  const { clock, client, start, events } = world();
  client.put(resources.services, service("web", { ...spec, loadBalancerIP: "192.0.2.1" }));
  start();
  await play(clock, 60_000);
  assertEquals(events().length, 1);
});
