/** How controllers write a pod's conditions: each its own, without a look at the others. */
import type { Pod } from "../objects/object.ts";

export interface PodCondition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

/** The body of a strategic patch of the pod's status; conditions that are there keep their place, a new one comes last. */
export function conditionPatch({ metadata, status }: Pod, condition: PodCondition, also: object = {}) {
  const types = new Set([...(status?.conditions ?? []).map(({ type }) => type), condition.type]);
  return {
    metadata: { uid: metadata.uid },
    status: {
      ...also,
      "$setElementOrder/conditions": [...types].map((type) => ({ type })),
      conditions: [condition],
    },
  };
}

/** The condition that tells why somebody other than its owner ends a pod (Kubernetes docs, "Pod disruption conditions"). */
export function disruptionTarget({ metadata }: Pod, reason: string, message: string, now: string): PodCondition {
  const { generation } = metadata;
  return {
    type: "DisruptionTarget",
    status: "True",
    reason,
    message,
    ...(generation !== undefined && { observedGeneration: generation }),
    lastTransitionTime: now,
  };
}
