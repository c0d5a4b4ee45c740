/** Rollouts in every order in which pods may become ready, against what the documentation promises. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { deploymentController } from "../../../machines/controllers/deployment/deployment_controller.ts";
import { rolloutOf } from "../../../machines/controllers/deployment/rollout.ts";
import { proportional } from "../../../machines/controllers/deployment/scaling.ts";
import { isActive, isReady } from "../../../machines/controllers/pod_readiness.ts";
import { replicaSetController } from "../../../machines/controllers/replica_set/replica_set_controller.ts";
import type { Deployment, Pod, ReplicaSet } from "../../../machines/objects/object.ts";
import { keyOf } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { PaperWorld } from "./paper_world.ts";

const { deployments, replicaSets, pods } = resources;

interface Shape {
  readonly replicas: number;
  readonly maxSurge: number | string;
  readonly maxUnavailable: number | string;
  readonly strategy: "RollingUpdate" | "Recreate";
}

function start(world: PaperWorld, { replicas, strategy, maxSurge, maxUnavailable }: Shape): void {
  world.put(deployments, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d", namespace: "n" },
    spec: {
      replicas,
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: { app: "a" } },
      strategy: strategy === "Recreate"
        ? { type: strategy }
        : { type: strategy, rollingUpdate: { maxSurge, maxUnavailable } },
      template: { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "i:1" }] } },
    },
  });
}

const deployment = (world: PaperWorld) => world.of<Deployment>(deployments).get("n/d")!;
const allPods = (world: PaperWorld) => world.of<Pod>(pods).list();
const setsOf = (world: PaperWorld) => world.of<ReplicaSet>(replicaSets).list();

function ready(world: PaperWorld, pod: Pod): void {
  const lastTransitionTime = new Date(world.now).toISOString();
  const conditions = [{ type: "Ready", status: "True", lastTransitionTime }];
  world.put(pods, { ...pod, spec: { ...pod.spec, nodeName: "n1" }, status: { phase: "Running", conditions } });
}

/** One thing that may happen next; false: there was nothing of the kind. */
function happen(world: PaperWorld, what: number): boolean {
  const choices = [
    () => world.reconcile(deploymentController, "n/d"),
    ...setsOf(world).map((set) => () => world.reconcile(replicaSetController, keyOf(set))),
    ...allPods(world).filter((pod) => !isReady(pod)).map((pod) => () => (ready(world, pod), true)),
  ];
  return choices[what % choices.length]!();
}

/** Everything that can happen, in turn, until nothing does any more. */
function finish(world: PaperWorld, check: () => void): void {
  for (let round = 0; round < 2000; round++) {
    world.now += 1000;
    let news = false;
    for (let what = 0, count = 1 + setsOf(world).length + allPods(world).length; what < count; what++) {
      news = happen(world, what) || news;
      check();
    }
    if (!news) return;
  }
  throw new Error("Cannot finish the rollout: there was always more to do");
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  replicas: fc.integer({ min: 0, max: 9 }),
  maxSurge: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom("0%", "25%", "50%", "100%")),
  maxUnavailable: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom("0%", "25%", "50%", "100%")),
  strategy: fc.constantFrom("RollingUpdate", "RollingUpdate", "Recreate"),
});

Deno.test("deploymentController rolls out to its end, never above the surge nor below what must be available", () => {
  fc.assert(
    fc.property(shapes, fc.array(fc.nat({ max: 40 }), { maxLength: 60 }), fc.nat({ max: 9 }), (shape, order, later) => {
      const world = new PaperWorld();
      start(world, shape);
      finish(world, () => {});
      const image = (name: string) => {
        const { spec, ...rest } = deployment(world);
        const template = { ...spec?.template, spec: { containers: [{ name: "c", image: name }] } };
        world.put(deployments, { ...rest, spec: { ...spec, template } });
      };
      const check = () => {
        const { maxSurge, maxUnavailable, wanted } = rolloutOf(deployment(world), setsOf(world), [], world.now);
        const active = allPods(world).filter(isActive);
        const total = setsOf(world).reduce((sum, set) => sum + (set.spec?.replicas ?? 0), 0);
        assert(total <= wanted + maxSurge, `${total} replicas wanted of ${wanted} + ${maxSurge}`);
        if (shape.strategy === "Recreate") {
          const images = new Set(active.map(({ spec }) => spec?.containers[0]?.image));
          assert(images.size <= 1, `two versions at once: ${[...images]}`);
        } else {
          const available = active.filter(isReady).length;
          assert(available >= wanted - maxUnavailable, `${available} available of ${wanted} - ${maxUnavailable}`);
        }
      };
      image("i:2");
      for (const [index, what] of order.entries()) {
        // In the middle of it people change their mind.
        if (index === later) image("i:3");
        happen(world, what);
        check();
      }
      image("i:4");
      finish(world, check);
      const left = allPods(world);
      assertEquals(left.length, shape.replicas);
      assert(left.every(({ spec }) => spec?.containers[0]?.image === "i:4"));
      const { status } = deployment(world);
      assertEquals([status?.updatedReplicas ?? 0, status?.availableReplicas ?? 0], [shape.replicas, shape.replicas]);
      assertEquals(status?.conditions?.find(({ type }) => type === "Progressing")?.reason, "NewReplicaSetAvailable");
      assert(setsOf(world).length <= 3, "history beyond its limit");
    }),
    { numRuns: 150 },
  );
});

Deno.test("proportional scaling shares out exactly what is allowed, and takes from nobody more than there is", () => {
  const size = fc.nat({ max: 30 });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 2, maxLength: 5 }), size, fc.nat({ max: 5 }), (
      sizes,
      wanted,
      maxSurge,
    ) => {
      const before = sizes.reduce((a, b) => a + b, 0);
      const sets = sizes.map((replicas, index) => ({
        metadata: {
          name: `d-${index}`,
          namespace: "n",
          uid: String(index),
          creationTimestamp: `2026-01-01T00:00:0${index}Z`,
          annotations: {
            "deployment.kubernetes.io/max-replicas": String(before),
            "deployment.kubernetes.io/desired-replicas": String(Math.max(1, before - maxSurge)),
          },
        },
        spec: { replicas, template: { metadata: { labels: { v: String(index) } } } },
      })) as unknown as ReplicaSet[];
      const deployment = {
        metadata: { name: "d", namespace: "n" },
        spec: {
          replicas: wanted,
          strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable: 0 } },
          template: { metadata: { labels: { v: "0" } } },
        },
      } as unknown as Deployment;
      const rollout = rolloutOf(deployment, sets, [], 0);
      const changed = proportional(rollout);
      const after = sets.map((set) => changed.get(set) ?? set.spec?.replicas ?? 0);
      assert(after.every((each) => each >= 0), String(after));
      assertEquals(after.reduce((a, b) => a + b, 0), wanted > 0 ? wanted + rollout.maxSurge : 0);
      // Who keeps its size hears of the new number all the same: the rollout goes on when nobody is behind.
      const behind = sets.filter(({ metadata }) =>
        metadata.annotations?.["deployment.kubernetes.io/desired-replicas"] !== String(wanted)
      );
      assertEquals(behind.filter((set) => !changed.has(set)), []);
    }),
  );
});
