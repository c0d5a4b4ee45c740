import { assertEquals } from "@std/assert";
import type { Caches } from "../../../machines/controllers/controller.ts";
import { nodeLifecycleController } from "../../../machines/controllers/node_lifecycle/node_lifecycle_controller.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";

const ready = (status: string, at: string, reason?: string) => ({
  conditions: [{ type: "Ready", status, lastTransitionTime: at, ...(reason === undefined ? {} : { reason }) }],
});
const node = (status: object) =>
  ({ apiVersion: "v1", kind: "Node", metadata: { name: "n1" }, status }) as unknown as KubeObject;
const pod = (status: object) =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "n" },
    spec: { nodeName: "n1" },
    status,
  }) as unknown as KubeObject;

const [before, then, ahead] = ["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", "2026-01-01T01:00:00Z"];
const marked = pod(ready("False", then));

const cases: { name: string; node: KubeObject; previous: KubeObject; keys: string[] }[] = [
  {
    name: "looks again at a pod that becomes ready on a silent node",
    node: node(ready("Unknown", then)),
    previous: pod(ready("False", then, "ContainersNotReady")),
    keys: ["n1"],
  },
  {
    name: "leaves a pod alone that contradicts the mark of this silence",
    node: node(ready("Unknown", before)),
    previous: marked,
    keys: [],
  },
  {
    name: "leaves pods to a kubelet that says itself that its node is not ready, however far ahead its clock is",
    node: node(ready("False", ahead)),
    previous: marked,
    keys: [],
  },
];

for (const { name, node, previous, keys } of cases) {
  Deno.test(`nodeLifecycleController ${name}`, () => {
    const caches = { of: () => ({ get: () => node }) } as unknown as Caches;
    const { keys: keysOf } = nodeLifecycleController.watches.find(({ resource }) => resource === resources.pods)!;
    assertEquals(keysOf(pod(ready("True", then)), previous, caches), keys);
  });
}
