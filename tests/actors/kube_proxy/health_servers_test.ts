import { assertEquals } from "@std/assert";
import { HealthServers } from "../../../actors/kube_proxy/health_servers.ts";
import { healthCheck } from "../../../machines/kube_proxy/health_check.ts";
import { servicePorts } from "../../../machines/kube_proxy/service_ports.ts";
import type { EndpointSlice, Service } from "../../../machines/objects/object.ts";
import { service, slice } from "./objects.ts";

const nodes = [{ name: "worker-0", address: "127.0.0.2" }, { name: "worker-1", address: "127.0.0.3" }];

function checkOf(port: number, spec: Record<string, unknown> = {}) {
  const ports = [{ name: "http", port: 80 }, { name: "https", port: 443 }];
  const balanced = service("web", {
    type: "LoadBalancer",
    clusterIP: "10.161.0.20",
    externalTrafficPolicy: "Local",
    healthCheckNodePort: port,
    ports,
    ...spec,
  }) as unknown as Service;
  const slices = [{ ...slice("web", ["10.160.0.2", "10.160.0.3"]), ports }] as unknown as EndpointSlice[];
  return healthCheck(balanced, servicePorts(balanced, slices, nodes), nodes);
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.2", port: 0 });
  listener.close();
  return (listener.addr as Deno.NetAddr).port;
}

Deno.test("healthCheck counts each node's own pods, and is for the Local policy only", () => {
  assertEquals(checkOf(32_000)?.localEndpoints, { "worker-0": 2, "worker-1": 0 });
  assertEquals(checkOf(32_000, { externalTrafficPolicy: "Cluster" }), undefined);
  assertEquals(checkOf(0), undefined);
});

Deno.test("HealthServers tell a load balancer which nodes have endpoints, and of the proxy itself", async () => {
  let healthy = true;
  const failures: string[] = [];
  const servers = new HealthServers({
    nodes: () => nodes,
    isHealthy: () => healthy,
    now: () => 0,
    failed: (message) => failures.push(message),
  });
  const port = freePort();
  const ask = async (address: string, at = port) => {
    const response = await fetch(`http://${address}:${at}/`);
    const weight = response.headers.get("x-load-balancing-endpoint-weight");
    return [response.status, weight, await response.json()];
  };
  try {
    servers.set("default/web", checkOf(port));
    await servers.reconcile();
    const body = { service: { namespace: "default", name: "web" }, localEndpoints: 2, serviceProxyHealthy: true };
    assertEquals(await ask("127.0.0.2"), [200, "2", body]);
    assertEquals((await ask("127.0.0.3")).slice(0, 2), [503, "0"]);
    healthy = false;
    assertEquals((await ask("127.0.0.2"))[0], 503);
    servers.set("default/web", undefined);
    await servers.reconcile();
    const refused = await fetch(`http://127.0.0.2:${port}/`).then(() => "answered", () => "refused");
    assertEquals(refused, "refused");
    assertEquals(failures, []);
  } finally {
    await servers.close();
  }
});
