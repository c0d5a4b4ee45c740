/** The group versions that the API server itself serves, as APIService objects (kube-aggregator's local ones). */
import { formatTime } from "../machines/objects/time.ts";
import type { ResourceRef } from "../machines/objects/resources.ts";

export const apiServices: ResourceRef = { group: "apiregistration.k8s.io", version: "v1", resource: "apiservices" };

/** Group → its place in discovery; `versions` where they are not [15]. Facts of kube-apiserver 1.36. */
const priorities: Readonly<Record<string, readonly [group: number, ...versions: (readonly [string, number])[]]>> = {
  "": [18_000, ["v1", 1]],
  "admissionregistration.k8s.io": [16_700],
  "apiextensions.k8s.io": [16_700],
  "apps": [17_800],
  "authentication.k8s.io": [17_700],
  "authorization.k8s.io": [17_600],
  "autoscaling": [17_500, ["v1", 15], ["v2", 30]],
  "batch": [17_400],
  "certificates.k8s.io": [17_300],
  "coordination.k8s.io": [16_500],
  "discovery.k8s.io": [16_200],
  "events.k8s.io": [17_750],
  "flowcontrol.apiserver.k8s.io": [16_100, ["v1", 21]],
  "networking.k8s.io": [17_200],
  "node.k8s.io": [16_300],
  "policy": [17_100],
  "rbac.authorization.k8s.io": [17_000],
  "resource.k8s.io": [16_200, ["v1", 21]],
  "scheduling.k8s.io": [16_600],
  "storage.k8s.io": [16_800],
};

/** `now`: wall time in ms. */
export function localApiServices(now: number) {
  return Object.entries(priorities).flatMap(([group, [groupPriorityMinimum, ...versions]]) =>
    (versions.length > 0 ? versions : [["v1", 15] as const]).map(([version, versionPriority]) => ({
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: {
        name: `${version}.${group}`,
        labels: { "kube-aggregator.kubernetes.io/automanaged": "onstart" },
      },
      spec: { ...(group === "" ? {} : { group }), version, groupPriorityMinimum, versionPriority },
      status: {
        conditions: [{
          type: "Available",
          status: "True",
          lastTransitionTime: formatTime(now),
          reason: "Local",
          message: "Local APIServices are always available",
        }],
      },
    }))
  );
}
