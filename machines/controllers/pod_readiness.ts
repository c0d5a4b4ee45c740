/** What controllers read off a pod's status (Kubernetes docs, "Pod Lifecycle"). */
import type { Pod } from "../objects/object.ts";
import { parseTime } from "../objects/time.ts";

/** Not ended and not asked to end. */
export function isActive(pod: Pod): boolean {
  return pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed" &&
    pod.metadata.deletionTimestamp === undefined;
}

/** Asked to end, and not ended yet. */
export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== "Succeeded" &&
    pod.status?.phase !== "Failed";
}

/** Since when the pod is Ready, in ms since the epoch; undefined when it is not. */
export function readySince(pod: Pod): number | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" ? parseTime(ready.lastTransitionTime) ?? 0 : undefined;
}

export function isReady(pod: Pod): boolean {
  return readySince(pod) !== undefined;
}

/** How long until a ready pod counts as available: 0 when it does, undefined when it is not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  const since = readySince(pod);
  if (since === undefined) return undefined;
  return minReadySeconds === 0 ? 0 : Math.max(0, since + minReadySeconds * 1000 - now);
}
