import { assertEquals } from "@std/assert";
import { SimulatedPacketFilter } from "../../../actors/simulated/packet_filter.ts";
import { addressPlan, controlPlaneAddress, nodePlan } from "../../../machines/network/address_plan.ts";
import { podsScript } from "../../../machines/network/pods_table.ts";

const plan = addressPlan(0);
const pod = { source: "10.160.0.2", protocol: "tcp", port: 80, fromHost: false } as const;

const cases: { name: string; destination: string; masqueraded: boolean }[] = [
  { name: "to the outside", destination: "192.0.2.1", masqueraded: true },
  { name: "to a pod of another node", destination: "10.160.1.2", masqueraded: false },
  { name: "to a node", destination: nodePlan(plan, 1).address, masqueraded: false },
  { name: "to a control plane", destination: controlPlaneAddress(plan, 0), masqueraded: false },
  { name: "to a load balancer's address", destination: "10.161.192.1", masqueraded: false },
  { name: "to another cluster", destination: "10.162.0.2", masqueraded: true },
];

for (const { name, destination, masqueraded } of cases) {
  Deno.test(`podsScript: a pod's packet ${name} is ${masqueraded ? "" : "not "}masqueraded`, async () => {
    const filter = new SimulatedPacketFilter();
    await filter.apply(podsScript(plan));
    await filter.apply(podsScript(plan));
    assertEquals(filter.fates({ ...pod, destination }), [
      { type: "passed", to: `${destination}:80`, translated: false, masqueraded },
    ]);
  });
}
