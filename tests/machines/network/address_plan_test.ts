import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  addressPlan,
  clusterCidrs,
  controlPlaneAddress,
  drawIndex,
  drawnClusters,
  maxClusters,
  maxControlPlanes,
  maxNodes,
  nodePlan,
} from "../../../machines/network/address_plan.ts";
import { contains, formatAddress, inCidr, overlaps, parseAddress, parseCidr } from "../../../machines/network/cidr.ts";

const common = ["10.0.0.0/16", "10.42.0.0/15", "10.96.0.0/12", "10.244.0.0/16", "172.16.0.0/12", "192.168.0.0/16"];
const anyIndex = fc.integer({ min: 0, max: maxClusters - 1 });

Deno.test("addressPlan gives two clusters nothing in common and keeps clear of common ranges", () => {
  fc.assert(fc.property(anyIndex, anyIndex, (one, other) => {
    const [a, b] = [addressPlan(one), addressPlan(other)];
    const ranges = clusterCidrs(a).map(parseCidr);
    for (const [place, range] of ranges.entries()) {
      assert(!ranges.slice(place + 1).some((each) => overlaps(each, range)));
      assert(!common.map(parseCidr).some((each) => overlaps(each, range)));
      if (one !== other) assert(!clusterCidrs(b).map(parseCidr).some((each) => overlaps(each, range)));
    }
    if (one !== other) {
      assert(a.apiServerPort !== b.apiServerPort && a.servicesTable !== b.servicesTable);
      assert(!a.linkPrefix.startsWith(b.linkPrefix) && !b.linkPrefix.startsWith(a.linkPrefix));
    }
  }));
});

Deno.test("addressPlan gives every node and control plane an address and a pod range of its own", () => {
  const plan = addressPlan(7);
  const addresses = new Set<string>();
  const pods = new Set<string>();
  for (let node = 0; node < maxNodes; node++) {
    const { address, podCidr, gateway, bridge } = nodePlan(plan, node);
    assert(inCidr(plan.nodeCidr, address) && inCidr(plan.podCidr, gateway) && inCidr(podCidr, gateway));
    assert(bridge.length <= 15 && bridge.startsWith(plan.linkPrefix));
    assert(!/\.(0|255)$/.test(address));
    addresses.add(address);
    pods.add(podCidr);
  }
  for (let member = 0; member < maxControlPlanes; member++) addresses.add(controlPlaneAddress(plan, member));
  assertEquals([addresses.size, pods.size], [maxNodes + maxControlPlanes, maxNodes]);
  assertThrows(() => nodePlan(plan, maxNodes), Error, "Cannot address node 254");
});

Deno.test("addressPlan keeps the addresses of the API and of DNS inside the service range", () => {
  const plan = addressPlan(0);
  assertEquals(
    [plan.podCidr, plan.serviceCidr, plan.apiServiceAddress, plan.dnsAddress],
    ["10.160.0.0/16", "10.161.0.0/17", "10.161.0.1", "10.161.0.10"],
  );
});

Deno.test("drawIndex passes over taken indices and ranges the host has routes for", () => {
  const anyRange = fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 12, max: 32 }))
    .map(([address, bits]) => `${formatAddress(address)}/${bits}`);
  fc.assert(fc.property(fc.nat(), fc.array(anyIndex), fc.array(anyRange), (preferred, taken, hostRanges) => {
    let index: number;
    try {
      index = drawIndex({ preferred, taken, hostRanges: ["default", ...hostRanges] });
    } catch {
      return;
    }
    assert(!taken.includes(index) && index < drawnClusters);
    const plan = addressPlan(index);
    for (const range of hostRanges.map(parseCidr)) {
      assert(!clusterCidrs(plan).map(parseCidr).some((each) => overlaps(each, range)));
    }
  }));
  assertThrows(() => drawIndex({ preferred: 3, taken: [], hostRanges: ["10.0.0.0/8"] }), Error, "all 30 are taken");
  assertEquals(drawIndex({ preferred: 3, taken: [3], hostRanges: ["10.168.5.0/24"] }), 5);
});

Deno.test("parseCidr and formatAddress agree with each other", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
    assertEquals(parseAddress(formatAddress(value)), value);
    assert(contains(parseCidr(`${formatAddress(value)}/19`), value));
  }));
  for (const bad of ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "a.b.c.d"]) {
    assertThrows(() => parseAddress(bad), Error, "Cannot read IPv4 address");
  }
  for (const bad of ["1.2.3.4/33", "1.2.3.4/", "1.2.3.4/8/8"]) assertThrows(() => parseCidr(bad), Error, "Cannot read");
});
