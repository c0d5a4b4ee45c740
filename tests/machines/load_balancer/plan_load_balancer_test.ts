import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Service } from "../../../machines/objects/object.ts";
import { planLoadBalancer } from "../../../machines/load_balancer/plan_load_balancer.ts";
import { inCidr } from "../../../machines/network/cidr.ts";

const range = "10.161.192.0/29"; // Six addresses, from .1 to .6.

function balanced(name: string, options: {
  type?: string;
  has?: string;
  wants?: string;
  class?: string;
  deleted?: boolean;
  age?: number;
} = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      namespace: "default",
      uid: name,
      resourceVersion: "1",
      creationTimestamp: `2026-01-01T00:00:0${9 - (options.age ?? 0)}Z`,
      ...(options.deleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: {
      type: options.type ?? "LoadBalancer",
      ...(options.wants === undefined ? {} : { loadBalancerIP: options.wants }),
      ...(options.class === undefined ? {} : { loadBalancerClass: options.class }),
    },
    status: options.has === undefined ? {} : { loadBalancer: { ingress: [{ ip: options.has, ipMode: "VIP" }] } },
  } as unknown as Service;
}

const address = (last: number) => `10.161.192.${last}`;

Deno.test("planLoadBalancer keeps what services have and gives the others what is free", () => {
  const plan = planLoadBalancer([balanced("a", { has: address(1) }), balanced("b")], range);
  assertEquals(plan, {
    assign: [{ key: "default/b", address: address(2) }],
    release: [],
    unable: [],
    addresses: [address(1), address(2)],
  });
});

Deno.test("planLoadBalancer gives a wanted address, and says why it cannot", () => {
  const services = [
    balanced("any"),
    balanced("wish", { wants: address(1) }),
    balanced("late", { wants: address(1), age: 1 }),
    balanced("outside", { wants: "192.0.2.1" }),
  ];
  const { assign, unable } = planLoadBalancer(services, range);
  assertEquals(Object.fromEntries(assign.map(({ key, address }) => [key, address])), {
    "default/late": address(1),
    "default/any": address(2),
  });
  assertEquals(unable.map(({ reason }) => reason), [
    `Cannot give address "192.0.2.1" to service "default/outside": it is not one of ${range} to give out`,
    `Cannot give address "${address(1)}" to service "default/wish": service "default/late" has it`,
  ]);
});

Deno.test("planLoadBalancer takes an address back from a service that changed its type, its class or is going", () => {
  const services = [
    balanced("plain", { type: "ClusterIP", has: address(1) }),
    balanced("other", { class: "other.test/lb", has: address(2) }),
    balanced("going", { deleted: true, has: address(3) }),
    balanced("others-address", { type: "ClusterIP", has: "192.0.2.9" }),
  ];
  const plan = planLoadBalancer(services, range);
  assertEquals(plan.release.map(({ key }) => key).sort(), ["default/going", "default/other", "default/plain"]);
  assertEquals(plan.addresses, []);
});

Deno.test("planLoadBalancer never gives an address to two, and settles in one pass", () => {
  const someAddress = fc.option(fc.integer({ min: 1, max: 7 }).map(address), { nil: undefined });
  const service = fc.record({
    type: fc.constantFrom("LoadBalancer", "LoadBalancer", "ClusterIP"),
    has: someAddress,
    wants: someAddress,
    deleted: fc.boolean(),
    age: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(fc.property(fc.array(service, { maxLength: 9 }), (shapes) => {
    const services = shapes.map(({ has, wants, ...shape }, index) =>
      balanced(`s${index}`, { ...shape, ...(has ? { has } : {}), ...(wants ? { wants } : {}) })
    );
    const plan = planLoadBalancer(services, range);
    assertEquals(new Set(plan.addresses).size, plan.addresses.length);
    assert(plan.addresses.every((each) => inCidr(range, each)));
    const status = new Map<string, string | undefined>([
      ...plan.release.map(({ key }) => [key, undefined] as const),
      ...plan.assign.map(({ key, address }) => [key, address] as const),
    ]);
    const after = services.map((each) => {
      const key = `default/${each.metadata.name}`;
      if (!status.has(key)) return each;
      const ip = status.get(key);
      return { ...each, status: ip === undefined ? {} : { loadBalancer: { ingress: [{ ip }] } } } as Service;
    });
    const again = planLoadBalancer(after, range);
    assertEquals([again.assign, again.release, again.addresses], [[], [], plan.addresses]);
  }));
});
