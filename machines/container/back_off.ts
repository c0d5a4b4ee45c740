/** How long the kubelet waits before it tries again (Kubernetes "Pod Lifecycle", "Container restarts"; "Images", "ImagePullBackOff"). */

/** Failures after which the delay does not grow any more. */
export const mostFailures = 6;

/** 10 s, 20 s, 40 s ... 300 s; nothing before the first failure. */
export function backOffMs(failures: number): number {
  return failures <= 0 ? 0 : Math.min(300_000, 10_000 * 2 ** (failures - 1));
}

/** One more failure; stops counting where nothing changes any more. */
export function oneMore(failures: number): number {
  return Math.min(mostFailures, failures + 1);
}

/** A run of this length wipes out earlier crashes. */
export const stableRunMs = 600_000;

/** How often a container that was found ended has crashed, as far as the next delay is concerned. */
export function crashesFound(attempt: number, ranMs: number): number {
  return ranMs >= stableRunMs ? 0 : Math.min(mostFailures, attempt);
}
