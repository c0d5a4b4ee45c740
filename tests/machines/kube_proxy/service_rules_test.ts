import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Packet, SimulatedPacketFilter } from "../../../actors/simulated/packet_filter.ts";
import { changesScript, fullScript, removalScript } from "../../../machines/kube_proxy/nft_script.ts";
import { isEmpty, Ruleset } from "../../../machines/kube_proxy/ruleset.ts";
import { serviceOf, servicePorts } from "../../../machines/kube_proxy/service_ports.ts";
import { serviceRules } from "../../../machines/kube_proxy/service_rules.ts";
import { hostPortRules } from "../../../machines/kube_proxy/host_port_rules.ts";
import { allNodes, arbitraryCluster, arbitraryPacket, arbitraryService, proxyTable } from "./arbitrary_cluster.ts";
import { type Cluster, expected } from "./service_model.ts";

const hostAddresses = ["127.0.0.1"];

function fill(ruleset: Ruleset, { services, slices, nodes }: Cluster): void {
  for (const service of services) {
    const key = `${service.metadata.namespace}/${service.metadata.name}`;
    const own = slices.filter((slice) => serviceOf(slice) === key);
    const host = { nodes, podCidr: proxyTable.podCidr, hostAddresses };
    ruleset.replace(key, serviceRules(servicePorts(service, own, nodes), host));
  }
}

function fates(filter: SimulatedPacketFilter, packet: Packet): string[] {
  return filter.fates(packet).map((fate) =>
    fate.type === "passed" ? `${fate.to}${fate.masqueraded ? "*" : ""}` : fate.type
  )
    .sort();
}

Deno.test("serviceRules sends every packet where Kubernetes says it goes", async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryCluster,
      fc.array(arbitraryPacket, { minLength: 30, maxLength: 30 }),
      async (cluster, packets) => {
        const ruleset = new Ruleset();
        fill(ruleset, cluster);
        const filter = new SimulatedPacketFilter();
        await filter.apply(fullScript(proxyTable, ruleset.takeAll()));
        for (const packet of packets) {
          assertEquals(fates(filter, packet), expected(cluster, packet).sort(), JSON.stringify(packet));
        }
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("Ruleset's changes, one after the other, make the table that a full script makes", async () => {
  const step = fc.tuple(fc.nat({ max: 2 }), fc.boolean()).chain(([index, present]) =>
    arbitraryService(index).map((member) => ({ index, member: present ? member : undefined }))
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const ruleset = new Ruleset();
      const filter = new SimulatedPacketFilter();
      await filter.apply(fullScript(proxyTable, ruleset.takeAll()));
      const host = { nodes: allNodes, podCidr: proxyTable.podCidr, hostAddresses };
      for (const { index, member } of steps) {
        const rules = member && serviceRules(servicePorts(member.service, member.slices, allNodes), host);
        ruleset.replace(`default/web-${index}`, rules);
        const changes = ruleset.take();
        if (!isEmpty(changes)) await filter.apply(changesScript(proxyTable, changes));
      }
      assert(isEmpty(ruleset.take()));
      const fresh = new SimulatedPacketFilter();
      await fresh.apply(fullScript(proxyTable, ruleset.takeAll()));
      assertEquals(filter.dump(proxyTable.table), fresh.dump(proxyTable.table));
      await filter.apply(removalScript(proxyTable.table));
      await filter.apply(removalScript(proxyTable.table));
      assertEquals(await filter.tables(), []);
    }),
    { numRuns: 200 },
  );
});

Deno.test("Ruleset gives an address that two owners claim to the first, and to the other when the first goes", async () => {
  const ruleset = new Ruleset();
  const filter = new SimulatedPacketFilter();
  await filter.apply(fullScript(proxyTable, ruleset.takeAll()));
  const packet = {
    source: "10.160.0.9",
    destination: "10.161.129.0",
    protocol: "tcp",
    port: 8080,
    fromHost: false,
  } as const;
  const publish = (owner: string, podIP: string) =>
    ruleset.replace(
      `hostport/${owner}`,
      hostPortRules(owner, allNodes[0]!, [{ protocol: "TCP", hostPort: 8080, podIP, containerPort: 80 }], {
        hostAddresses,
      }),
    );
  const seen: string[][] = [];
  const apply = async () => {
    await filter.apply(changesScript(proxyTable, ruleset.take()));
    seen.push(fates(filter, packet));
  };
  publish("default/b", "10.160.0.3");
  await apply();
  publish("default/a", "10.160.0.2");
  await apply();
  ruleset.replace("hostport/default/a", undefined);
  await apply();
  ruleset.replace("hostport/default/b", undefined);
  await apply();
  assertEquals(seen, [["10.160.0.3:80"], ["10.160.0.2:80"], ["10.160.0.3:80"], ["10.161.129.0:8080"]]);
});

Deno.test("serviceRules keeps a client with ClientIP affinity at one endpoint", async () => {
  const { service, slices } = fc.sample(arbitraryService(0), { numRuns: 1, seed: 1 })[0]!;
  const endpoints = [2, 3, 4].map((pod) => ({ addresses: [`10.160.0.${pod}`], nodeName: "worker-0" }));
  const sticky = {
    ...service,
    spec: { ...service.spec!, internalTrafficPolicy: "Cluster", sessionAffinity: "ClientIP" },
  };
  const ports = servicePorts(sticky as typeof service, [{ ...slices[0]!, endpoints }], allNodes);
  const ruleset = new Ruleset();
  ruleset.replace(
    "default/web-0",
    serviceRules(ports, { nodes: allNodes, podCidr: proxyTable.podCidr, hostAddresses }),
  );
  const filter = new SimulatedPacketFilter();
  await filter.apply(fullScript(proxyTable, ruleset.takeAll()));
  const from = (source: string, draw: number) => {
    const fate = filter.send({ source, destination: "10.161.0.20", protocol: "tcp", port: 80, fromHost: false }, draw);
    return fate.type === "passed" ? fate.to : fate.type;
  };
  assertEquals(
    [from("10.160.0.9", 0.5), from("10.160.0.9", 0), from("10.160.0.9", 0.9)],
    Array(3).fill("10.160.0.3:8080"),
  );
  assertEquals([from("10.160.0.8", 0.9), from("10.160.0.8", 0)], Array(2).fill("10.160.0.4:8080"));
});
