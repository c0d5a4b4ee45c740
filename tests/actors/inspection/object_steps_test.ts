import { assert, assertEquals } from "@std/assert";
import { laneOfUser } from "../../../actors/inspection/traced_writes.ts";
import { ObjectSteps } from "../../../actors/system/object_steps.ts";

Deno.test("ObjectSteps forgets the oldest and tells one object's in their order", () => {
  let sequence = 0;
  const steps = new ObjectSteps(() => ({ sequence: ++sequence, wallTime: 0 }));
  const place = { resource: "pods", namespace: "default" };
  for (let turn = 0; turn < 20_000; turn++) {
    const name = turn % 2 === 0 ? "web" : "db";
    steps.note({ ...steps.now(), ...place, name, from: "client", to: "API server", what: "patch pods" });
  }
  const kept = steps.of({ ...place, name: "web" }).map((step) => step.sequence);
  assert(kept.length > 500 && kept.length <= 2_048, `${kept.length} of 10,000 are kept`);
  assertEquals(kept.at(-1), 19_999);
  assertEquals(kept, kept.toSorted((one, other) => one - other));
});

Deno.test("laneOfUser knows whom a user stands for", () => {
  const users = {
    "system:kube-scheduler": "scheduler",
    "system:node:worker-0": "kubelet",
    "system:serviceaccount:kube-system:replicaset-controller": "controllers",
    "kubernetes-admin": "client",
  };
  for (const [user, lane] of Object.entries(users)) assertEquals(laneOfUser(user), lane);
});
