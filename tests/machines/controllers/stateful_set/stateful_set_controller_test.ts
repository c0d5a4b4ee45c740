import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { planStatefulSet } from "../../../../machines/controllers/stateful_set/stateful_set_controller.ts";
import { isReady } from "../../../../machines/controllers/pod_readiness.ts";
import type {
  ControllerRevision,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
} from "../../../../machines/objects/object.ts";
import { SimulatedObjects } from "../simulated_objects.ts";

const world = (spec: object) => {
  const objects = new SimulatedObjects();
  const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "i:1" }] } };
  objects.put("statefulsets", {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "s", namespace: "n", uid: "set", creationTimestamp: "1970-01-01T00:00:00Z" },
    spec: { replicas: 3, serviceName: "s", selector: { matchLabels: { app: "a" } }, template, ...spec },
  });
  const set = () => objects.all<StatefulSet>("statefulsets")[0]!;
  const pods = () => objects.all<Pod>("pods");
  const plan = () =>
    planStatefulSet(
      set(),
      pods(),
      objects.all<ControllerRevision>("controllerrevisions"),
      objects.all<PersistentVolumeClaim>("persistentvolumeclaims"),
      objects.now,
    );
  const change = (changed: object) => objects.put("statefulsets", { ...set(), spec: { ...set().spec, ...changed } });
  const image = (image: string) => change({ template: { ...template, spec: { containers: [{ name: "c", image }] } } });
  /** Every kubelet does its part, then the controller. */
  const round = () => {
    for (const pod of pods()) {
      if (pod.metadata.deletionTimestamp !== undefined) objects.finish(pod);
      else if (!isReady(pod)) objects.setPhase(pod, "Running");
    }
    objects.apply(plan());
  };
  const told = () => pods().map(({ metadata, spec }) => `${metadata.name} ${spec?.containers[0]?.image}`).sort();
  return { objects, set, pods, plan, change, image, round, told };
};

Deno.test("planStatefulSet makes pods in order, each with its claims, and says for whom it waits", () => {
  const volumeClaimTemplates = [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } }];
  const { objects, pods, plan, told, round } = world({ volumeClaimTemplates });
  objects.apply(plan());
  assertEquals(told(), ["s-0 i:1"]);
  assertEquals(plan().waitsFor, "s-0 to be ready");
  assertEquals(pods()[0]?.spec?.volumes, [{ name: "data", persistentVolumeClaim: { claimName: "data-s-0" } }]);
  assertEquals(pods()[0]?.metadata.labels?.["apps.kubernetes.io/pod-index"], "0");
  for (let count = 0; count < 4; count++) round();
  assertEquals(told(), ["s-0 i:1", "s-1 i:1", "s-2 i:1"]);
  assertEquals(
    objects.all<PersistentVolumeClaim>("persistentvolumeclaims").map(({ metadata }) => metadata.name),
    ["data-s-0", "data-s-1", "data-s-2"],
  );
});

Deno.test("planStatefulSet rolls out from the highest ordinal down to the partition; what is below stays as it was", () => {
  const { image, change, objects, pods, round, set, told } = world({});
  for (let count = 0; count < 5; count++) round();
  change({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } } });
  image("i:2");
  round();
  assertEquals(pods().filter(({ metadata }) => metadata.deletionTimestamp).map(({ metadata }) => metadata.name), [
    "s-2",
  ]);
  for (let count = 0; count < 8; count++) round();
  assertEquals(told(), ["s-0 i:1", "s-1 i:2", "s-2 i:2"]);
  assert(set().status?.currentRevision !== set().status?.updateRevision);
  objects.remove("pods", "s-0");
  round();
  assertEquals(told()[0], "s-0 i:1");
  change({ updateStrategy: { type: "RollingUpdate" } });
  for (let count = 0; count < 8; count++) round();
  assertEquals(told(), ["s-0 i:2", "s-1 i:2", "s-2 i:2"]);
  assertEquals(set().status?.currentRevision, set().status?.updateRevision);
});

Deno.test("planStatefulSet keeps order and never misses more than one of those that served, whatever happens", () => {
  const step = fc.record({
    what: fc.constantFrom("sync", "sync", "sync", "kubelet", "kubelet", "fail", "scale", "image"),
    which: fc.nat(5),
  });
  const play = (steps: readonly { what: string; which: number }[]) => {
    const { objects, pods, plan, change, image, round, set, told } = world({});
    for (const { what, which } of steps) {
      const pod = pods()[which % Math.max(1, pods().length)];
      if (what === "scale") change({ replicas: which });
      else if (what === "image") image(`i:${which}`);
      else if (what === "fail" && pod && !pod.metadata.deletionTimestamp) objects.setPhase(pod, "Failed");
      else if (what === "kubelet" && pod) {
        if (pod.metadata.deletionTimestamp) objects.finish(pod);
        else if (pod.status?.phase !== "Failed") objects.setPhase(pod, "Running");
      } else if (what === "sync") {
        const before = pods();
        const serving = new Set(before.filter((each) => isReady(each) && !each.metadata.deletionTimestamp).map(nameOf));
        const writes = plan().writes.flat();
        const creates = writes.filter((each) => each.type === "create" && each.resource.resource === "pods");
        const deletes = writes.filter((each) => each.type === "delete" && each.resource.resource === "pods");
        assert(creates.length + deletes.length <= 1, "one step at a time");
        const made = creates.map((each) => each.type === "create" ? (each.object as Pod).metadata.name : "");
        for (const name of made) {
          const ordinal = Number(name.slice(2));
          for (let below = 0; below < ordinal; below++) {
            assert(serving.has(`s-${below}`), `${name} before s-${below} serves`);
          }
        }
        objects.apply(plan());
      }
    }
    for (let count = 0; count < 60; count++) {
      for (const pod of pods()) if (pod.status?.phase === "Failed") objects.end("pods", pod);
      round();
    }
    const wanted = set().spec?.template.spec?.containers[0]?.image;
    assertEquals(told(), Array.from({ length: set().spec?.replicas ?? 0 }, (_, index) => `s-${index} ${wanted}`));
    assertEquals(set().status?.availableReplicas, set().spec?.replicas);
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), play), { numRuns: 200 });
});

function nameOf({ metadata }: Pod): string {
  return metadata.name;
}
