/**
 * What the service proxy's rules cost: 5,000 services with three endpoints each are computed and loaded in a few
 * seconds, and a change of one of them stays under 100 ms, most of which is `nft` itself. Needs root; the table is its
 * own and is removed at the end. Run: deno run -A bench/nft_bench.ts
 */
import { NftPacketFilter } from "../actors/nftables/nft_packet_filter.ts";
import { addressPlan, nodePlan } from "../machines/network/address_plan.ts";
import { changesScript, fullScript, removalScript } from "../machines/kube_proxy/nft_script.ts";
import { Ruleset } from "../machines/kube_proxy/ruleset.ts";
import { servicePorts } from "../machines/kube_proxy/service_ports.ts";
import { serviceRules } from "../machines/kube_proxy/service_rules.ts";
import type { EndpointSlice, Service } from "../machines/objects/object.ts";

const count = 5_000;
const plan = addressPlan(39);
const node = { name: "worker-0", ...nodePlan(plan, 0) };
const table = { ...plan, table: `${plan.servicesTable}-bench` };
const host = { nodes: [node], podCidr: plan.podCidr, hostAddresses: ["127.0.0.1"] };

function rules(index: number, endpoints: number) {
  const metadata = { name: `web-${index}`, namespace: "bench", uid: "", resourceVersion: "", creationTimestamp: "" };
  const clusterIP = `10.239.${Math.floor(index / 250)}.${index % 250 + 1}`;
  const service = { apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP, ports: [{ port: 80 }] } };
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata,
    addressType: "IPv4",
    ports: [{ name: "", port: 8080 }],
    endpoints: Array.from({ length: endpoints }, (_, each) => ({
      addresses: [`10.238.${index % 250}.${each + 2}`],
      nodeName: node.name,
    })),
  };
  return serviceRules(servicePorts(service as Service, [slice as unknown as EndpointSlice], [node]), host);
}

function report(what: string, startedAt: number): void {
  console.log(`${what.padEnd(60)} ${(performance.now() - startedAt).toFixed(1).padStart(9)} ms`);
}

const filter = new NftPacketFilter();
const ruleset = new Ruleset();
try {
  let at = performance.now();
  for (let index = 0; index < count; index++) ruleset.replace(`bench/web-${index}`, rules(index, 3));
  const script = fullScript(table, ruleset.takeAll());
  report(`compute ${count} services, ${(script.length / 1e6).toFixed(1)} MB of script`, at);

  at = performance.now();
  await filter.apply(script);
  report("load them", at);

  for (const endpoints of [4, 0, 3]) {
    at = performance.now();
    ruleset.replace("bench/web-7", rules(7, endpoints));
    const change = changesScript(table, ruleset.take());
    await filter.apply(change);
    report(`change one to ${endpoints} endpoints (${change.trim().split("\n").length} commands)`, at);
  }

  at = performance.now();
  for (let index = 0; index < 100; index++) ruleset.replace(`bench/web-${index}`, rules(index, 2));
  await filter.apply(changesScript(table, ruleset.take()));
  report("change 100 of them in one transaction", at);

  at = performance.now();
  await filter.apply(fullScript(table, ruleset.takeAll()));
  report("make the table anew, as after a restart", at);
} finally {
  const at = performance.now();
  await filter.apply(removalScript(table.table));
  report("remove it", at);
}
