import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { podsToDelete } from "../../../machines/controllers/replica_set/pods_to_delete.ts";
import type { Pod } from "../../../machines/objects/object.ts";

interface Looks {
  readonly node?: string;
  readonly phase?: string;
  readonly readySince?: string;
  readonly cost?: string;
  readonly restarts?: number;
  readonly created?: string;
}

function pod(name: string, { node = "n1", phase = "Running", readySince, cost, restarts = 0, created }: Looks): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      uid: name,
      resourceVersion: "1",
      creationTimestamp: created ?? "2026-01-01T00:00:00Z",
      ...(cost && { annotations: { "controller.kubernetes.io/pod-deletion-cost": cost } }),
    },
    spec: { containers: [], ...(node && { nodeName: node }) },
    status: {
      phase,
      containerStatuses: [{ name: "c", image: "", imageID: "", ready: true, restartCount: restarts }],
      ...(readySince && { conditions: [{ type: "Ready", status: "True", lastTransitionTime: readySince }] }),
    },
  } as Pod;
}

const early = "2026-01-01T00:00:00Z", late = "2026-01-01T01:00:00Z";
const pairs: [rule: string, first: Looks, second: Looks][] = [
  ["an unassigned pod goes before an assigned one", { node: "" }, {}],
  ["a pending pod goes before a running one", { phase: "Pending" }, {}],
  ["a pod of unknown phase goes before a running one", { phase: "Unknown" }, {}],
  ["a pod that is not ready goes before a ready one", {}, { readySince: early }],
  ["a cheaper pod goes first", { readySince: early, cost: "-5" }, { readySince: late }],
  ["not being ready counts more than cost", { cost: "100" }, { readySince: early, cost: "-100" }],
  ["a pod that is ready for a shorter time goes first", { readySince: late }, { readySince: early }],
  ["a pod that restarted more often goes first", { restarts: 3 }, { restarts: 1 }],
  ["a younger pod goes first", { created: late }, { created: early }],
];
for (const [rule, first, second] of pairs) {
  Deno.test(`podsToDelete: ${rule}`, () => {
    const pods = [pod("second", second), pod("first", first)];
    assertEquals(podsToDelete(pods, 1).map(({ metadata }) => metadata.name), ["first"]);
    assertEquals(podsToDelete(pods.reverse(), 1).map(({ metadata }) => metadata.name), ["first"]);
  });
}

Deno.test("podsToDelete: a pod on the more crowded node goes first", () => {
  const pods = ["a", "b"].map((name) => pod(name, { readySince: early })).concat(
    pod("alone", { node: "n2", readySince: late }),
  );
  assertEquals(podsToDelete(pods, 1).map(({ metadata }) => metadata.name), ["a"]);
});

Deno.test("podsToDelete picks the same pods, as many as asked for, in whatever order they come", () => {
  const looks = fc.record({
    node: fc.constantFrom("", "n1", "n2"),
    phase: fc.constantFrom("Pending", "Running"),
    restarts: fc.nat({ max: 2 }),
    created: fc.constantFrom(early, late),
  });
  fc.assert(fc.property(fc.array(looks, { maxLength: 8 }), fc.nat({ max: 9 }), fc.integer(), (all, count, seed) => {
    const pods = all.map((each, index) => pod(`p${index}`, each));
    const names = (of: Pod[]) => podsToDelete(of, count).map(({ metadata }) => metadata.name).sort();
    const shuffled = [...pods].sort((a, b) => hash(a, seed) - hash(b, seed));
    assertEquals(names(pods), names(shuffled));
    assertEquals(names(pods).length, Math.min(count, pods.length));
  }));
});

function hash({ metadata: { name } }: Pod, seed: number): number {
  return Math.imul(name.charCodeAt(1) ^ seed, 0x9e3779b1);
}
