/** Affinity and spreading against slow second versions, read off the documentation's definitions. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Cluster } from "../../../machines/scheduler/cluster.ts";
import { podFacts } from "../../../machines/scheduler/pod_facts.ts";
import { enoughNodes, schedulePod } from "../../../machines/scheduler/schedule.ts";
import type { Node, Pod } from "../../../machines/objects/object.ts";

const zones = ["a", "b", "c"];
const apps = ["x", "y"];

function node(name: string, zone: string | undefined, cpu = "100"): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      uid: name,
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { host: name, ...(zone && { zone }) },
    },
    status: { allocatable: { cpu, memory: "1Ti", pods: "100" } },
  };
}

function pod(name: string, app: string, spec: object = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "n",
      uid: name,
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { app },
    },
    spec: { containers: [{ name: "c", image: "i" }], ...spec },
  } as Pod;
}

interface Placed {
  readonly app: string;
  readonly at: number;
  /** Required anti-affinity against this app, per zone. */
  readonly shuns?: string | undefined;
}

interface Given {
  readonly nodes: readonly (string | undefined)[];
  readonly placed: readonly Placed[];
  readonly app: string;
}

const term = (app: string) => ({ labelSelector: { matchLabels: { app } }, topologyKey: "zone" });
const shunning = (app: string) => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app)] } },
});

const given: fc.Arbitrary<Given> = fc.record({
  nodes: fc.array(fc.constantFrom(...zones, undefined), { minLength: 1, maxLength: 6 }),
  placed: fc.array(
    fc.record({
      app: fc.constantFrom(...apps),
      at: fc.nat({ max: 5 }),
      shuns: fc.option(fc.constantFrom(...apps), { nil: undefined }),
    }),
    { maxLength: 8 },
  ),
  app: fc.constantFrom(...apps),
});

function build({ nodes, placed }: Given) {
  const cluster = new Cluster();
  nodes.forEach((zone, index) => cluster.setNode(node(`n${index}`, zone)));
  const at = placed.map((each) => each.at % nodes.length);
  placed.forEach(({ app, shuns }, index) =>
    cluster.place(podFacts(pod(`p${index}`, app, shuns === undefined ? {} : shunning(shuns))), `n${at[index]}`)
  );
  const zoneOf = (index: number) => nodes[at[index]!];
  return { cluster, zoneOf };
}

/** Where the pod may go: the node it is given, with every other one cordoned off by its name. */
function fitting(cluster: Cluster, spec: (name: string) => object, app: string): string[] {
  return cluster.nodes.map(({ name }) => name).filter((name) => {
    const only = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [name] }] }],
        },
      },
    };
    const { affinity, ...rest } = spec(name) as { affinity?: object };
    const asked = pod("incoming", app, { ...rest, affinity: { ...affinity, ...only } });
    return schedulePod(podFacts(asked), cluster, 0, 0).fits;
  });
}

Deno.test("anti-affinity keeps a pod out of the zones of those it shuns and of those that shun it", () => {
  fc.assert(fc.property(given, fc.constantFrom(...apps, undefined), (world, shuns) => {
    const { cluster, zoneOf } = build(world);
    const allowed = world.nodes.flatMap((zone, index) => {
      const clash = zone !== undefined &&
        world.placed.some((each, place) => zoneOf(place) === zone && (each.app === shuns || each.shuns === world.app));
      return clash ? [] : [`n${index}`];
    });
    assertEquals(fitting(cluster, () => shuns === undefined ? {} : shunning(shuns), world.app), allowed);
  }));
});

Deno.test("affinity wants a zone with such a pod; the first of its own kind may go to any zone", () => {
  fc.assert(fc.property(given, fc.constantFrom(...apps), (world, wanted) => {
    const peaceful = { ...world, placed: world.placed.map(({ app, at }) => ({ app, at })) };
    const { cluster, zoneOf } = build(peaceful);
    const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(wanted)] } };
    const inZones = new Set(
      peaceful.placed.flatMap(({ app }, place) => app === wanted && zoneOf(place) !== undefined ? [zoneOf(place)] : []),
    );
    const first = inZones.size === 0 && wanted === world.app;
    const allowed = world.nodes.flatMap((zone, index) =>
      zone !== undefined && (first || inZones.has(zone)) ? [`n${index}`] : []
    );
    assertEquals(fitting(cluster, () => ({ affinity }), world.app), allowed);
  }));
});

Deno.test("required spreading never lets a zone have more than maxSkew above the emptiest", () => {
  fc.assert(fc.property(given, fc.integer({ min: 1, max: 3 }), fc.option(fc.integer({ min: 1, max: 4 })), (
    world,
    maxSkew,
    minDomains,
  ) => {
    const peaceful = { ...world, placed: world.placed.map(({ app, at }) => ({ app, at })) };
    const { cluster, zoneOf } = build(peaceful);
    const constraint = {
      maxSkew,
      topologyKey: "zone",
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { app: "x" } },
      nodeAffinityPolicy: "Ignore",
      ...(minDomains !== null && { minDomains }),
    };
    const counts = new Map<string, number>();
    for (const zone of world.nodes) if (zone !== undefined) counts.set(zone, 0);
    peaceful.placed.forEach(({ app }, place) => {
      const zone = zoneOf(place);
      if (app === "x" && zone !== undefined) counts.set(zone, (counts.get(zone) ?? 0) + 1);
    });
    const least = counts.size < (minDomains ?? 1) ? 0 : Math.min(...counts.values());
    const allowed = world.nodes.flatMap((zone, index) => {
      if (zone === undefined) return [];
      return counts.get(zone)! + (world.app === "x" ? 1 : 0) - least > maxSkew ? [] : [`n${index}`];
    });
    assertEquals(fitting(cluster, () => ({ topologySpreadConstraints: [constraint] }), world.app), allowed);
  }));
});

Deno.test("preferences decide between nodes that fit", () => {
  const { cluster } = build({ nodes: ["a", "b"], placed: [{ app: "x", at: 0 }], app: "y" });
  const preferred = (app: string) => [{ weight: 100, podAffinityTerm: term(app) }];
  const near = { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred("x") } } };
  const far = { affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred("x") } } };
  const even = {
    topologySpreadConstraints: [{
      maxSkew: 1,
      topologyKey: "zone",
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels: { app: "x" } },
    }],
  };
  for (const [spec, at] of [[near, "n0"], [far, "n1"], [even, "n1"]] as const) {
    for (const draw of [0, 0.99]) {
      const placement = schedulePod(podFacts(pod("incoming", "y", spec)), cluster, 0, draw);
      assert(placement.fits);
      assertEquals(placement.node, at);
    }
  }
});

Deno.test("preemption ends as few pods as possible, of as low a priority as possible", () => {
  const cluster = new Cluster();
  for (const name of ["n0", "n1", "n2"]) cluster.setNode(node(name, "a", "4"));
  const running = (name: string, at: string, cpu: string, priority: number) => {
    const containers = [{ name: "c", image: "i", resources: { requests: { cpu } } }];
    cluster.place(podFacts(pod(name, "x", { containers, priority })), at);
  };
  running("two-small-a", "n0", "2", 1);
  running("two-small-b", "n0", "2", 1);
  running("important", "n1", "3", 5);
  running("spared", "n2", "1", 1);
  running("one-large", "n2", "3", 1);
  const incoming = (priority: number, extra = {}) => {
    const containers = [{ name: "c", image: "i", resources: { requests: { cpu: "3" } } }];
    return schedulePod(podFacts(pod("incoming", "y", { containers, priority, ...extra })), cluster, 0, 0);
  };
  const chosen = incoming(10);
  assert(!chosen.fits);
  assertEquals([chosen.preemption?.node, chosen.preemption?.victims.map(({ key }) => key)], ["n2", ["n/one-large"]]);
  const lowest = incoming(0), never = incoming(10, { preemptionPolicy: "Never" });
  assert(!lowest.fits && !never.fits);
  assertEquals([lowest.preemption, never.preemption], [undefined, undefined]);
  assert(never.message.endsWith("preemption: not eligible due to preemptionPolicy=Never."), never.message);
});

Deno.test("a place that is being cleared is kept for whom it is cleared", () => {
  const cluster = new Cluster();
  cluster.setNode(node("n0", "a", "4"));
  const containers = [{ name: "c", image: "i", resources: { requests: { cpu: "3" } } }];
  const [vip, other] = ["vip", "other"].map((name) =>
    podFacts(pod(name, "x", { containers, priority: name === "vip" ? 9 : 0 }))
  );
  cluster.nominate(vip!, "n0");
  assertEquals([schedulePod(other!, cluster, 0, 0).fits, schedulePod(vip!, cluster, 0, 0).fits], [false, true]);
});

Deno.test("enoughNodes looks at all of a small cluster and at ever fewer of a large one", () => {
  assertEquals([0, 50, 100, 500, 5000, 15_000].map(enoughNodes), [0, 50, 100, 230, 500, 750]);
});
