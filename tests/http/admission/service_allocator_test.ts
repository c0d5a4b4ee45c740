import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { NumberPool } from "../../../http/admission/number_pool.ts";
import { serviceAllocation } from "../../../http/admission/service_allocation.ts";
import { formatAddress, parseAddress, ServiceAllocator } from "../../../http/admission/service_allocator.ts";
import type { Service } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { scenario } from "../oracle.ts";
import { admissionRequest } from "./requests.ts";

type Move = { take: number; owner: string } | { any: string; draw: number } | { release: number; owner: string };
const owner = fc.constantFrom("a", "b", "c");
const number = fc.integer({ min: 8, max: 33 });
const moves = fc.array(
  fc.oneof<fc.Arbitrary<Move>[]>(
    fc.record({ take: number, owner }),
    fc.record({ any: owner, draw: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
    fc.record({ release: number, owner }),
  ),
  { maxLength: 80 },
);

Deno.test("a pool behaves like a plain map of numbers to owners", () => {
  fc.assert(fc.property(moves, fc.integer({ min: 0, max: 12 }), (played, reserved) => {
    const pool = new NumberPool(10, 30, reserved);
    const plain = new Map<number, string>();
    for (const move of played) {
      if ("take" in move) {
        const holder = plain.get(move.take);
        const expected = move.take < 10 || move.take > 30
          ? "outOfRange"
          : holder !== undefined && holder !== move.owner
          ? "taken"
          : undefined;
        assertEquals(pool.take(move.take, move.owner), expected);
        if (expected === undefined) plain.set(move.take, move.owner);
      } else if ("any" in move) {
        const got = pool.takeAny(move.any, move.draw);
        if (plain.size === 21) assertEquals(got, "full");
        else {
          assert(typeof got === "number" && got >= 10 && got <= 30 && !plain.has(got));
          const upperIsFull = [...plain.keys()].filter((one) => one >= 10 + reserved).length === 21 - reserved;
          assert(got >= 10 + reserved || upperIsFull);
          plain.set(got, move.any);
        }
      } else {
        pool.release(move.release, move.owner);
        if (plain.get(move.release) === move.owner) plain.delete(move.release);
      }
      assertEquals(pool.free, 21 - plain.size);
    }
  }));
});

Deno.test("addresses are written and read alike", () => {
  fc.assert(fc.property(fc.ipV4(), (text) => assertEquals(formatAddress(parseAddress(text)!), text)));
  assertEquals(["10.0.0.256", "1.2.3", "::1", "None", ""].map(parseAddress), Array(5).fill(undefined));
});

function world(serviceCidr = "10.0.0.0/16", nodePorts = { first: 30_000, last: 32_767 }) {
  const time = { ms: 0 };
  let draws = 0;
  const draw = () => (draws = (draws + 0.37) % 1);
  const allocator = new ServiceAllocator({ serviceCidr, nodePorts }, () => time.ms, draw);
  const plugin = serviceAllocation(allocator);
  const stored = new Map<string, Service>();
  const write = (name: string, spec: object, old?: Service, dryRun = false): Service | ApiError => {
    const object = structuredClone({ apiVersion: "v1", kind: "Service", metadata: { name, namespace: "ns" }, spec });
    const request = admissionRequest(old === undefined ? "create services in ns" : `update services ${name} in ns`, {
      object,
      old,
      dryRun,
    });
    try {
      plugin.admit!(request);
      return request.object as unknown as Service;
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
  };
  const store = (service: Service | ApiError): Service => {
    if (service instanceof ApiError) throw service;
    const { name } = service.metadata;
    allocator.changed(stored.has(name) ? "MODIFIED" : "ADDED", service);
    stored.set(name, service);
    return service;
  };
  return { allocator, time, write, store };
}

Deno.test("services get addresses and ports as the recorded server gave and refused them", () => {
  const recording = scenario("services: addresses and ports");
  if (recording === undefined) return;
  const { write, store, allocator } = world();
  allocator.takeAddress("10.0.0.1", "default/kubernetes");
  const seen = new Map<string, Service>();
  /** What other parts of the server refuse: here only that the allocator does not. */
  const othersRefuse = /must be a valid IP|may not change|Required value/;
  for (const step of recording.steps) {
    const { body } = step;
    if (typeof body !== "object" || body === null) continue;
    const given = body as { metadata?: { name: string }; spec: Record<string, unknown> };
    const name = step.method === "POST" ? given.metadata!.name : step.path.split("/").at(-1)!;
    const old = step.method === "POST" ? undefined : seen.get(name);
    const merged = { ...(old?.spec ?? { type: "ClusterIP" }), ...given.spec };
    for (const [field, value] of Object.entries(merged)) {
      if (value === null) delete merged[field as keyof typeof merged];
    }
    const answer = write(name, merged, old);
    const label = `${step.method} ${name} ${JSON.stringify(given.spec)}`;
    if (step.code >= 400) {
      if (othersRefuse.test(step.response.message)) continue;
      assert(answer instanceof ApiError, `accepted: ${label}`);
      assertEquals(answer.status, step.response, label);
      continue;
    }
    const service = store(answer);
    seen.set(name, service);
    const shape = ({ spec }: Service) => ({
      type: spec?.type,
      address: spec?.clusterIP === "10.0.77.77" || spec?.clusterIP === undefined ? spec?.clusterIP : "some",
      list: spec?.clusterIPs?.[0] === spec?.clusterIP,
      families: [spec?.ipFamilies, spec?.ipFamilyPolicy],
      ports: spec?.ports?.map(({ nodePort }) => nodePort === undefined || nodePort === 30777 ? nodePort : "some"),
    });
    assertEquals(shape(service), shape(step.response), label);
  }
});

Deno.test("the allocator remembers from the list of services what is held", () => {
  const { allocator, write } = world();
  const service = (name: string, clusterIP: string, nodePort?: number) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "ns" },
    spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 1, ...(nodePort === undefined ? {} : { nodePort }) }] },
  } as unknown as Service);
  allocator.replaced([service("a", "10.0.0.9", 30_001), service("b", "None"), service("c", "10.0.0.10")]);
  assertEquals([allocator.takeAddress("10.0.0.9", "ns/x"), allocator.takeNodePort(30_001, "ns/x")], ["taken", "taken"]);
  allocator.replaced([service("a", "10.0.0.11")]);
  assertEquals(
    [allocator.takeAddress("10.0.0.9", "ns/x"), allocator.takeAddress("10.0.0.11", "ns/x")],
    [undefined, "taken"],
  );
  allocator.changed("DELETED", service("a", "10.0.0.11"));
  assertEquals(allocator.takeAddress("10.0.0.11", "ns/x"), undefined);
  assert(!(write("new", { type: "ClusterIP", ports: [{ port: 1 }] }) instanceof ApiError));
});

Deno.test("a create that fails gives its address back after a while, and its retry gets it at once", () => {
  const { allocator, write, time } = world();
  const spec = { type: "ClusterIP", clusterIP: "10.0.0.5", ports: [{ port: 1 }] };
  const tries = [write("a", spec), write("a", spec), write("b", spec)].map((one) => one instanceof ApiError);
  time.ms = 61_000;
  const later = write("b", spec) instanceof ApiError;
  assertEquals([tries, later, allocator.addresses.ownerOf(parseAddress("10.0.0.5")!)], [
    [false, false, true],
    false,
    "ns/b",
  ]);
});

Deno.test("a dry run takes nothing", () => {
  const { allocator, write } = world();
  const before = [allocator.addresses.free, allocator.nodePorts.free];
  write(
    "a",
    { type: "NodePort", clusterIP: "10.0.0.5", ports: [{ port: 1, nodePort: 30_005 }, { port: 2 }] },
    undefined,
    true,
  );
  assertEquals([allocator.addresses.free, allocator.nodePorts.free], before);
});

Deno.test("a full range is an error that says so", () => {
  const { write, store } = world("10.0.0.0/29", { first: 30_000, last: 30_001 });
  const made = ["a", "b", "c", "d", "e", "f"].map((name) =>
    store(write(name, { type: "ClusterIP", ports: [{ port: 1 }] }))
  );
  assertEquals(new Set(made.map(({ spec }) => spec?.clusterIP)).size, 6);
  const refused = write("g", { type: "ClusterIP", ports: [{ port: 1 }] });
  assert(refused instanceof ApiError);
  assertEquals(refused.message, "Internal error occurred: failed to allocate a serviceIP: range is full");
});

Deno.test("an update keeps what its client left out, and a type without node ports loses them", () => {
  const { write, store, allocator } = world();
  const spec = {
    type: "NodePort",
    ports: [{ name: "t", port: 53, protocol: "TCP" }, { name: "u", port: 53, protocol: "UDP" }],
  };
  const made = store(write("a", spec));
  const [tcp, udp] = made.spec!.ports!.map(({ nodePort }) => nodePort);
  assertEquals(tcp, udp);
  const put = store(write("a", spec, made));
  assertEquals(put.spec, made.spec);
  const plain = store(write("a", { ...put.spec, type: "ClusterIP" }, put));
  assertEquals(plain.spec!.ports!.map(({ nodePort }) => nodePort), [undefined, undefined]);
  assertEquals(allocator.nodePorts.ownerOf(tcp!), undefined);
  const local = store(write("lb", { type: "LoadBalancer", externalTrafficPolicy: "Local", ports: [{ port: 80 }] }));
  assert(local.spec!.healthCheckNodePort! >= 30_000);
});
