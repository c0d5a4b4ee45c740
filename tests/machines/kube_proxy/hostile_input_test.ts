import { assertEquals } from "@std/assert";
import { type HostPortMapping, hostPortRules } from "../../../machines/kube_proxy/host_port_rules.ts";
import { servicePorts } from "../../../machines/kube_proxy/service_ports.ts";
import type { EndpointSlice, Service } from "../../../machines/objects/object.ts";

const evil = "10.0.0.1 . tcp . 1 : drop }\nadd table ip evil\nadd set ip x y { 1.1.1.1";

const mappings: { title: string; change: Partial<HostPortMapping>; count: number }[] = [
  { title: "of one address is published there", change: { hostIP: "10.1.1.1" }, count: 1 },
  { title: "with rules in its host address is left out", change: { hostIP: evil }, count: 0 },
  { title: "with rules in its pod's address is left out", change: { podIP: evil }, count: 0 },
  { title: "of an IPv6 address, which the table cannot hold, is left out", change: { hostIP: "::1" }, count: 0 },
];
for (const { title, change, count } of mappings) {
  Deno.test(`a host port ${title}`, () => {
    const mapping = { protocol: "TCP" as const, hostPort: 80, podIP: "10.2.0.1", containerPort: 80, ...change };
    const rules = hostPortRules("a/b", { address: "10.1.1.1" }, [mapping], { hostAddresses: [] });
    assertEquals([...rules.services.keys()].length, count);
    assertEquals([...rules.services, ...rules.chains].flat(9).join().includes("evil"), false);
  });
}

Deno.test("a service's ranges and endpoints that are no IPv4 addresses are left out", () => {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s", namespace: "a" },
    spec: {
      type: "LoadBalancer",
      clusterIP: "10.96.0.9",
      ports: [{ port: 80, protocol: "TCP" }],
      loadBalancerSourceRanges: ["10.0.0.0/8", " 192.0.2.1/32 ", "10.0.0.0/8 accept\nadd table ip evil", "::/0"],
    },
  } as unknown as Service;
  const slice = {
    metadata: { name: "s-1", namespace: "a" },
    addressType: "IPv4",
    endpoints: [{ addresses: [evil] }, { addresses: ["10.2.0.1"] }],
    ports: [{ port: 80, protocol: "TCP" }],
  } as unknown as EndpointSlice;
  const [port] = servicePorts(service, [slice], []);
  assertEquals(port?.sourceRanges, ["10.0.0.0/8", "192.0.2.1/32"]);
  assertEquals(port?.endpoints, [{ address: "10.2.0.1", port: 80 }]);
});
