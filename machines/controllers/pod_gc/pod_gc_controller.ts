/** Removes pods that no kubelet will ever report on again (kube-controller-manager's pod garbage collector). */
import type { Node, Pod } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { formatTime, parseTime } from "../../objects/time.ts";
import type { Controller, Plan, Write } from "../controller.ts";
import { conditionPatch, disruptionTarget } from "../pod_conditions.ts";

/** How long a node must have been missing: its object may only be on its way. */
const quarantineMs = 40_000;

/** Keys are pods; one is looked at only when it is unscheduled and being deleted, or its node is not there. */
export const podGarbageCollector: Controller = {
  name: "pod-garbage-collector-controller",
  account: "pod-garbage-collector",
  watches: [
    {
      resource: resources.pods,
      keys(object, _, caches) {
        const pod = object as unknown as Pod;
        const { nodeName } = pod.spec ?? {};
        const lost = nodeName ? caches.of<Node>(resources.nodes).get(nodeName) === undefined : isAbandoned(pod);
        return lost ? [podKey(pod)] : [];
      },
    },
    {
      resource: resources.nodes,
      keys(object, previous, caches) {
        if (previous !== undefined) return [];
        return caches.of<Pod>(resources.pods).list()
          .filter((pod) => pod.spec?.nodeName === object.metadata.name).map(podKey);
      },
    },
  ],
  plan(key, caches, { now }): Plan | undefined {
    const pod = caches.of<Pod>(resources.pods).get(key);
    if (pod === undefined) return undefined;
    const { nodeName } = pod.spec ?? {};
    if (!nodeName) return isAbandoned(pod) ? { writes: [remove(pod)] } : undefined;
    if (caches.of<Node>(resources.nodes).get(nodeName) !== undefined) return undefined;
    const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled")?.lastTransitionTime;
    const left = (parseTime(scheduled ?? pod.metadata.creationTimestamp) ?? now) + quarantineMs - now;
    if (left > 0) return { writes: [], againAfterMs: left, waitsFor: `node "${nodeName}" to appear` };
    return {
      writes: [...markFailed(pod, now), { ...remove(pod), absent: [{ resource: resources.nodes, name: nodeName }] }],
    };
  },
};

function podKey({ metadata }: Pod): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function isAbandoned(pod: Pod): boolean {
  return !pod.spec?.nodeName && pod.metadata.deletionTimestamp !== undefined;
}

function remove({ metadata: { name, namespace = "", uid } }: Pod): Write {
  return { type: "delete", resource: resources.pods, namespace, name, uid, gracePeriodSeconds: 0 };
}

function markFailed(pod: Pod, now: number): Write[] {
  if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") return [];
  const { name, namespace = "" } = pod.metadata;
  const condition = disruptionTarget(pod, "DeletionByPodGC", "PodGC: node no longer exists", formatTime(now));
  const body = conditionPatch(pod, condition, { phase: "Failed" });
  const { nodeName = "" } = pod.spec ?? {};
  return [{
    type: "patch",
    resource: resources.pods,
    namespace,
    name,
    patch: "strategic",
    body,
    subresource: "status",
    missingIsFine: true,
    absent: [{ resource: resources.nodes, name: nodeName }],
  }];
}
