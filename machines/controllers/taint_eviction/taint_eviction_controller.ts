/** Evicts pods from nodes whose NoExecute taints they do not tolerate (Kubernetes docs, "Taints and Tolerations"). */
import { jsonEquals } from "../../objects/json.ts";
import type { KubeObject, Node, Pod } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { formatTime, parseTime } from "../../objects/time.ts";
import { toleratedSeconds } from "../../scheduler/tolerations.ts";
import type { Caches, Controller, Plan, Write } from "../controller.ts";
import { conditionPatch, disruptionTarget } from "../pod_conditions.ts";
import type { Taint } from "../node_lifecycle/node_conditions.ts";

function evictingTaints(node: Node | undefined): Taint[] {
  return (node?.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");
}

/** Keys are pods; one is looked at only while its node has a taint that evicts. */
export const taintEvictionController: Controller = {
  name: "taint-eviction-controller",
  account: "node-controller",
  watches: [
    {
      resource: resources.pods,
      keys(object, previous, caches) {
        const pod = object as unknown as Pod;
        const before = previous as unknown as Pod | undefined;
        const same = before !== undefined && before.spec?.nodeName === pod.spec?.nodeName &&
          jsonEquals(before.spec?.tolerations, pod.spec?.tolerations);
        if (same || !pod.spec?.nodeName) return [];
        return evictingTaints(caches.of<Node>(resources.nodes).get(pod.spec.nodeName)).length > 0 ? [podKey(pod)] : [];
      },
    },
    {
      resource: resources.nodes,
      keys(object: KubeObject, previous: KubeObject | undefined, caches: Caches) {
        const [now, before] = [object, previous].map((node) => evictingTaints(node as unknown as Node | undefined));
        if (jsonEquals(now, before)) return [];
        return caches.of<Pod>(resources.pods).list()
          .filter((pod) => pod.spec?.nodeName === object.metadata.name).map(podKey);
      },
    },
  ],
  plan(key, caches, { now }): Plan | undefined {
    const pod = caches.of<Pod>(resources.pods).get(key);
    const taints = evictingTaints(caches.of<Node>(resources.nodes).get(pod?.spec?.nodeName ?? ""));
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || taints.length === 0) return undefined;
    const seconds = toleratedSeconds(pod.spec?.tolerations ?? [], taints);
    if (seconds === Infinity) return undefined;
    const since = Math.min(...taints.map(({ timeAdded }) => parseTime(timeAdded) ?? now));
    const left = since + seconds * 1000 - now;
    if (left > 0) return { writes: [], againAfterMs: left, waitsFor: `${seconds} s of tolerating ${taints[0]!.key}` };
    return { writes: evict(pod, now) };
  },
};

function podKey({ metadata }: Pod): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function evict(pod: Pod, now: number): Write[] {
  const { name, namespace = "", uid } = pod.metadata;
  const why = "Taint manager: deleting due to NoExecute taint";
  const condition = disruptionTarget(pod, "DeletionByTaintManager", why, formatTime(now));
  const message = `Marking for deletion Pod ${namespace}/${name}`;
  return [
    { type: "event", event: { about: pod, type: "Normal", reason: "TaintManagerEviction", message } },
    {
      type: "patch",
      resource: resources.pods,
      namespace,
      name,
      patch: "strategic",
      body: conditionPatch(pod, condition),
      subresource: "status",
      missingIsFine: true,
    },
    { type: "delete", resource: resources.pods, namespace, name, uid },
  ];
}
