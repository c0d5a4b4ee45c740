import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { nodeOf } from "../../../../machines/controllers/daemon_set/daemon_pod.ts";
import { planDaemonSet } from "../../../../machines/controllers/daemon_set/daemon_set_controller.ts";
import { isReady } from "../../../../machines/controllers/pod_readiness.ts";
import type { ControllerRevision, DaemonSet, Node, Pod } from "../../../../machines/objects/object.ts";
import { SimulatedObjects } from "../simulated_objects.ts";

const taints = {
  none: [],
  noSchedule: [{ key: "k", effect: "NoSchedule" }],
  noExecute: [{ key: "k", effect: "NoExecute" }],
  unschedulable: [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }],
};
const eligible = new Set(["none", "unschedulable"]);

function world(updateStrategy: object) {
  const objects = new SimulatedObjects();
  const template = (image: string) => ({
    metadata: { labels: { a: "b" } },
    spec: { containers: [{ name: "c", image }] },
  });
  objects.put("daemonsets", {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "d", namespace: "n", uid: "set", creationTimestamp: "1970-01-01T00:00:00Z" },
    spec: { selector: { matchLabels: { a: "b" } }, template: template("i:0"), updateStrategy },
  });
  const set = () => objects.all<DaemonSet>("daemonsets")[0]!;
  const pods = () => objects.all<Pod>("pods");
  const sync = () => {
    const revisions = objects.all<ControllerRevision>("controllerrevisions");
    objects.apply(planDaemonSet(set(), objects.all<Node>("nodes"), pods(), revisions, objects.now));
  };
  return {
    objects,
    set,
    pods,
    sync,
    image: (image: string) =>
      objects.put("daemonsets", { ...set(), spec: { ...set().spec, template: template(image) } }),
    node: (name: string, kind: keyof typeof taints) =>
      objects.put("nodes", { apiVersion: "v1", kind: "Node", metadata: { name }, spec: { taints: taints[kind] } }),
    /** The kubelet does what it is asked to. */
    kubelet(pod: Pod) {
      if (pod.metadata.deletionTimestamp !== undefined) objects.finish(pod);
      else if (!isReady(pod) && pod.status?.phase !== "Failed") {
        objects.setPhase({ ...pod, spec: { ...pod.spec!, nodeName: nodeOf(pod)! } }, "Running");
      }
    },
  };
}

const step = fc.record({
  what: fc.constantFrom("sync", "sync", "sync", "kubelet", "kubelet", "fail", "image", "node", "nodeGone"),
  which: fc.nat(5),
  kind: fc.constantFrom(...Object.keys(taints) as (keyof typeof taints)[]),
});

for (const surge of [0, 1]) {
  const limits = surge === 0 ? "misses no more than may be missing" : "has two pods on no more nodes than may surge";
  Deno.test(`planDaemonSet ends with one pod on each node that fits, and ${limits}, whatever happens`, () => {
    const play = (steps: readonly { what: string; which: number; kind: keyof typeof taints }[]) => {
      const rollingUpdate = surge === 0 ? { maxUnavailable: 2 } : { maxSurge: 1, maxUnavailable: 0 };
      const { objects, set, pods, sync, image, node, kubelet } = world({ type: "RollingUpdate", rollingUpdate });
      const kinds = new Map<string, keyof typeof taints>();
      for (const { what, which, kind } of steps) {
        const pod = pods()[which % Math.max(1, pods().length)];
        if (what === "node") {
          node(`n${which}`, kind);
          kinds.set(`n${which}`, kind);
        } else if (what === "nodeGone") {
          objects.remove("nodes", `n${which}`);
          kinds.delete(`n${which}`);
          // The pod garbage collector's part.
          for (const each of pods()) {
            if (each.spec?.nodeName === `n${which}`) objects.remove("pods", each.metadata.name);
          }
        } else if (what === "image") image(`i:${which}`);
        else if (what === "kubelet" && pod) kubelet(pod);
        else if (what === "fail" && pod && !pod.metadata.deletionTimestamp) objects.setPhase(pod, "Failed");
        else if (what === "sync") {
          const fitting = [...kinds].filter(([, each]) => eligible.has(each)).map(([name]) => name);
          const serving = () => {
            const ready = pods().filter((each) => isReady(each) && !each.metadata.deletionTimestamp);
            return new Set(ready.map(nodeOf).filter((name) => fitting.includes(name ?? "")));
          };
          const [before, ids] = [serving().size, pods().filter(({ metadata }) => !metadata.deletionTimestamp).length];
          sync();
          const after = serving().size;
          const least = surge === 0 ? fitting.length - 2 : fitting.length;
          assert(after === before || after >= least, `${after} of ${fitting.length} serve, ${before} did, ${ids} pods`);
          for (const name of kinds.keys()) {
            const here = pods().filter((each) => nodeOf(each) === name && !each.metadata.deletionTimestamp);
            assert(here.length <= 1 + surge, `${here.length} pods on ${name}`);
          }
        }
      }
      for (let round = 0; round < 40; round++) {
        objects.now += 60_000;
        sync();
        for (const pod of pods()) kubelet(pod);
      }
      sync();
      const wanted = set().spec?.template.spec?.containers[0]?.image;
      const mustRun = [...kinds].filter(([, kind]) => eligible.has(kind)).map(([name]) => name).sort();
      const updated = pods().filter(({ spec }) => spec?.containers[0]?.image === wanted).map(nodeOf);
      for (const name of mustRun) assertEquals(updated.filter((each) => each === name).length, 1, name);
      for (const pod of pods()) assert(kinds.get(nodeOf(pod) ?? "") !== "noExecute", "stays where it must not");
      const { desiredNumberScheduled, numberAvailable = 0, updatedNumberScheduled = 0 } = set().status!;
      assertEquals([desiredNumberScheduled, numberAvailable, updatedNumberScheduled], Array(3).fill(mustRun.length));
    };
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), play), { numRuns: 150 });
  });
}

Deno.test("planDaemonSet under OnDelete replaces a pod only when it is gone", () => {
  const { objects, pods, sync, image, node, kubelet } = world({ type: "OnDelete" });
  node("n1", "none");
  sync();
  for (const pod of pods()) kubelet(pod);
  image("i:1");
  sync();
  assertEquals(pods().map(({ spec, metadata }) => [spec?.containers[0]?.image, metadata.deletionTimestamp]), [[
    "i:0",
    undefined,
  ]]);
  objects.remove("pods", pods()[0]!.metadata.name);
  sync();
  assertEquals(pods().map(({ spec }) => spec?.containers[0]?.image), ["i:1"]);
});
