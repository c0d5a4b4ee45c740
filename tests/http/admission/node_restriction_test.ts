import { assertEquals } from "@std/assert";
import { nodeRestriction } from "../../../http/admission/node_restriction.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { MemoryApi } from "../auth/memory_api.ts";
import { user } from "../auth/requests.ts";
import { admissionRequest } from "./requests.ts";

const kubelet = user("system:node:n1", "system:nodes", "system:authenticated");
const pod = (nodeName: string, annotations: object = {}, spec: object = {}) => ({
  metadata: { name: "p", namespace: "ns", annotations },
  spec: { nodeName, ...spec },
});
const mirror = { "kubernetes.io/config.mirror": "x" };
const node = (name: string, labels: object = {}, spec: object = {}) => ({ metadata: { name, labels }, spec });
const token = (boundObjectRef?: object) => ({ spec: boundObjectRef === undefined ? {} : { boundObjectRef } });
const reserved = { "node-restriction.kubernetes.io/a": "b" };

const cases: { text: string; object?: object; old?: object; refusal?: string }[] = [
  { text: "update pods/status p in ns", object: pod("n1"), old: pod("n1") },
  {
    text: "update pods/status p in ns",
    object: pod("n2"),
    old: pod("n2"),
    refusal: 'node "n1" can only update pod status for pods with spec.nodeName set to itself',
  },
  { text: "delete pods p in ns", old: pod("n1") },
  {
    text: "delete pods p in ns",
    old: pod("n2"),
    refusal: 'node "n1" can only delete pods with spec.nodeName set to itself',
  },
  { text: "create pods/eviction mine in ns", object: { metadata: { name: "mine" } } },
  {
    text: "create pods/eviction other in ns",
    object: { metadata: { name: "other" } },
    refusal: 'node "n1" can only evict pods with spec.nodeName set to itself',
  },
  { text: "create pods in ns", object: pod("n1", mirror) },
  {
    text: "create pods in ns",
    object: pod("n1"),
    refusal: 'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
  },
  {
    text: "create pods in ns",
    object: pod("n2", mirror),
    refusal: 'node "n1" can only create pods with spec.nodeName set to itself',
  },
  {
    text: "create pods in ns",
    object: pod("n1", mirror, { volumes: [{ name: "v", secret: {} }] }),
    refusal: 'node "n1" can not create pods that reference secret volumes',
  },
  { text: "update nodes/status n1", object: node("n1"), old: node("n1") },
  { text: "create nodes", object: node("n2"), refusal: 'node "n1" is not allowed to modify node "n2"' },
  {
    text: "update nodes n1",
    object: node("n1", reserved),
    old: node("n1"),
    refusal: 'node "n1" is not allowed to modify labels: node-restriction.kubernetes.io/a',
  },
  {
    text: "update nodes n1",
    object: node("n1"),
    old: node("n1", {}, { taints: [{ key: "k" }] }),
    refusal: 'node "n1" is not allowed to modify taints',
  },
  { text: "create coordination.k8s.io:leases in kube-node-lease", object: { metadata: { name: "n1" } } },
  {
    text: "create coordination.k8s.io:leases in kube-node-lease",
    object: { metadata: { name: "n2" } },
    refusal: "can only access node lease with the same name as the requesting node",
  },
  { text: "create serviceaccounts/token sa in ns", object: token({ kind: "Pod", name: "mine", uid: "uid-mine" }) },
  {
    text: "create serviceaccounts/token sa in ns",
    object: token(),
    refusal: "node requested token not bound to a pod",
  },
  {
    text: "create serviceaccounts/token sa in ns",
    object: token({ kind: "Pod", name: "other", uid: "uid-other" }),
    refusal: "node requested token bound to a pod scheduled on a different node",
  },
];

cases.forEach(({ text, object, old, refusal }, index) => {
  Deno.test(`a kubelet ${refusal === undefined ? "may" : "may not"} ${text} (${index})`, async () => {
    const api = new MemoryApi();
    for (const [name, nodeName] of [["mine", "n1"], ["other", "n2"]]) {
      api.put("pods", { metadata: { name, namespace: "ns" }, spec: { nodeName } });
    }
    const plugin = nodeRestriction(api);
    const outcome = async (who: typeof kubelet) => {
      try {
        await plugin.validate!(admissionRequest(text, { object, old, who }));
        return undefined;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return error.message.replace(/^.* is forbidden: /, "");
      }
    };
    assertEquals([await outcome(kubelet), await outcome(user("bob"))], [refusal, undefined]);
  });
});
