/** Quality of service classes (Kubernetes "Pod Quality of Service Classes") and what the kernel is told of them. */
import type { Container, Pod } from "../objects/object.ts";
import { quantityOf } from "../objects/quantity.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const counted = ["cpu", "memory"] as const;

export function qosClassOf(pod: Pod): QosClass {
  const containers = [...pod.spec?.initContainers ?? [], ...pod.spec?.containers ?? []];
  const amount = (of: Record<string, unknown> | undefined, name: string) => quantityOf(of?.[name]).nano;
  const named = containers.some(({ resources }) =>
    counted.some((name) => amount(resources?.requests, name) > 0n || amount(resources?.limits, name) > 0n)
  );
  if (!named) return "BestEffort";
  const guaranteed = containers.every(({ resources }) =>
    counted.every((name) => {
      const limit = amount(resources?.limits, name);
      const request = resources?.requests?.[name] === undefined ? limit : amount(resources.requests, name);
      return limit > 0n && limit === request;
    })
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}

/** Who dies first when memory runs out: BestEffort, then those that ask for little. */
export function oomScoreAdj(pod: Pod, container: Container, memoryCapacityBytes: number): number {
  if ((pod.spec?.priority ?? 0) >= 2_000_000_000) return -997;
  const qos = qosClassOf(pod);
  if (qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  const request = Number(quantityOf(container.resources?.requests?.memory).nano / 1_000_000_000n);
  const score = Math.floor(1000 - (1000 * request) / Math.max(1, memoryCapacityBytes));
  // Guaranteed pods come after every burstable one, BestEffort before.
  return Math.min(999, Math.max(3, score));
}
