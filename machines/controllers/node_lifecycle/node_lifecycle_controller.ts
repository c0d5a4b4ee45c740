/** Makes taints of a node's conditions and tells the pods of a node that is not ready so (Kubernetes docs, "Nodes"). */
import { jsonEquals } from "../../objects/json.ts";
import type { Node, Pod } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { formatTime, parseTime } from "../../objects/time.ts";
import { type Controller, ownKey, type Plan, type Write } from "../controller.ts";
import { conditionPatch } from "../pod_conditions.ts";
import { isReady } from "../pod_readiness.ts";
import { taintsFor } from "./node_conditions.ts";

/** Keys are names of nodes. */
export const nodeLifecycleController: Controller = {
  name: "node-lifecycle-controller",
  account: "node-controller",
  eventSource: "node-controller",
  watches: [
    {
      resource: resources.nodes,
      // A heartbeat changes times only.
      keys: (object, previous) =>
        previous !== undefined && sameForOthers(object as Node, previous as Node) ? [] : ownKey(object),
    },
    {
      // The pods' cache may be behind that of nodes: what it shows as ready only now was missed.
      resource: resources.pods,
      keys(object, previous, caches) {
        const pod = object as unknown as Pod;
        const name = pod.spec?.nodeName;
        if (!name || !isReady(pod)) return [];
        const node = caches.of<Node>(resources.nodes).get(name);
        // A kubelet that says itself that its node is not ready lives, and knows better what of its pods is: it would
        // contradict each mark, and neither end. When it says so is a time of its own clock, which may be far off.
        if (node === undefined || readyOf(node) !== "Unknown") return [];
        // A kubelet that is not heard of and contradicts all the same: likewise. The node's own state will tell.
        return previous !== undefined && isMarkedSince(previous as unknown as Pod, node) ? [] : [name];
      },
    },
  ],
  plan(key, caches, { now }): Plan | undefined {
    const node = caches.of<Node>(resources.nodes).get(key);
    if (node === undefined) return undefined;
    const writes: (Write | Write[])[] = [];
    const taints = taintsFor(node, now);
    if (!jsonEquals(taints, node.spec?.taints ?? [])) {
      const { name, resourceVersion } = node.metadata;
      const body = { metadata: { resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } };
      writes.push({ type: "patch", resource: resources.nodes, name, patch: "merge", body, missingIsFine: true });
    }
    if (isNotReady(node)) {
      const pods = caches.of<Pod>(resources.pods).list().filter((pod) => pod.spec?.nodeName === key && isReady(pod));
      writes.push(pods.map((pod) => markNotReady(pod, now)));
    }
    return { writes };
  },
};

function readyOf({ status }: Node): string | undefined {
  return status?.conditions?.find(({ type }) => type === "Ready")?.status;
}

function isNotReady(node: Node): boolean {
  const ready = readyOf(node);
  return ready === "Unknown" || ready === "False";
}

/** Not ready for no reason of its kubelet's, and since the node is not: whole seconds, so that the first one does not count. */
function isMarkedSince({ status }: Pod, node: Node): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status !== "False" || ready.reason !== undefined) return false;
  const since = node.status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime;
  return (parseTime(ready.lastTransitionTime) ?? 0) > (parseTime(since) ?? 0);
}

function sameForOthers(node: Node, previous: Node): boolean {
  const said = ({ status }: Node) => (status?.conditions ?? []).map(({ type, status }) => `${type}=${status}`);
  return jsonEquals(node.spec, previous.spec) && jsonEquals(said(node), said(previous));
}

function markNotReady(pod: Pod, now: number): Write {
  const { name, namespace = "" } = pod.metadata;
  const condition = { type: "Ready", status: "False", lastTransitionTime: formatTime(now) } as const;
  return {
    type: "patch",
    resource: resources.pods,
    namespace,
    name,
    patch: "strategic",
    body: conditionPatch(pod, condition),
    subresource: "status",
    missingIsFine: true,
    onSuccess: { about: pod, type: "Warning", reason: "NodeNotReady", message: "Node is not ready" },
  };
}
