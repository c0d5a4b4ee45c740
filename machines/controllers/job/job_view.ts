/** What a Job and its pods are to each other: who works, who is done, who has been counted. */
import type { Job, Pod } from "../../objects/object.ts";
import { parseTime } from "../../objects/time.ts";
import { isActive, isTerminating } from "../pod_readiness.ts";
import { failureCount, indexOf, parseIndexes } from "./completion_indexes.ts";
import { type Verdict, verdictOn } from "./pod_failure_policy.ts";

/** Keeps a pod until it has been counted: none is lost, however it goes. */
export const trackingFinalizer = "batch.kubernetes.io/job-tracking";

export type JobStatus = NonNullable<Job["status"]>;
export type JobCondition = NonNullable<JobStatus["conditions"]>[number];

/** Everything a Job's plan decides from. */
export interface JobView {
  readonly job: Job;
  readonly now: number;
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly terminating: readonly Pod[];
  readonly parallelism: number;
  /** Undefined: any success completes the Job. */
  readonly completions: number | undefined;
  readonly indexed: boolean;
  readonly suspended: boolean;
  /** Whether only what has failed for good is replaced, and not yet what is still ending. */
  readonly replacesFailedOnly: boolean;
  /** With all that have ended, whether the status counts them yet or not. */
  readonly succeeded: number;
  readonly failed: number;
  /** Sorted; empty where the Job is not indexed. */
  readonly succeededIndexes: readonly number[];
  /** Indexes that have failed more often than each may; undefined where no limit is set for each. */
  readonly failedIndexes: readonly number[] | undefined;
  /** Ended pods that the status does not know yet. */
  readonly newlySucceeded: readonly Pod[];
  readonly newlyFailed: readonly Pod[];
  verdict(pod: Pod): Verdict;
}

export function viewOf(job: Job, pods: readonly Pod[], now: number): JobView {
  const { spec, status } = job;
  const completions = spec?.completions;
  const indexed = spec?.completionMode === "Indexed";
  const policy = spec?.podFailurePolicy;
  const replacesFailedOnly = spec?.podReplacementPolicy === "Failed" || policy !== undefined;
  const uncounted = status?.uncountedTerminatedPods ?? {};
  const known = new Set([...uncounted.succeeded ?? [], ...uncounted.failed ?? []]);
  const fresh = pods.filter((pod) => isTracked(pod) && !known.has(pod.metadata.uid));
  const newlySucceeded = fresh.filter(hasSucceeded);
  const newlyFailed = fresh.filter((pod) =>
    hasFailed(pod, replacesFailedOnly) && isCountable(pod, indexed, completions)
  );
  const verdict = (pod: Pod) => verdictOn(pod, policy);
  const succeededIndexes = indexed ? indexesOf(status, newlySucceeded, completions ?? 0) : [];
  return {
    job,
    now,
    pods,
    active: pods.filter(isActive),
    terminating: pods.filter(isTerminating),
    parallelism: spec?.parallelism ?? 1,
    completions,
    indexed,
    suspended: spec?.suspend === true,
    replacesFailedOnly,
    succeeded: indexed
      ? succeededIndexes.length
      : (status?.succeeded ?? 0) + newlySucceeded.length + (uncounted.succeeded ?? []).length,
    failed: (status?.failed ?? 0) + (uncounted.failed ?? []).length +
      newlyFailed.filter((pod) => verdict(pod).counts).length,
    succeededIndexes,
    failedIndexes: failedIndexesOf(job, pods, replacesFailedOnly, succeededIndexes),
    newlySucceeded,
    newlyFailed,
    verdict,
  };
}

function indexesOf(status: JobStatus | undefined, newlySucceeded: readonly Pod[], limit: number): number[] {
  const all = new Set(parseIndexes(status?.completedIndexes, limit));
  for (const pod of newlySucceeded) {
    const index = indexOf(pod);
    if (index !== undefined && index < limit) all.add(index);
  }
  return [...all].sort((a, b) => a - b);
}

function failedIndexesOf(
  { spec, status }: Job,
  pods: readonly Pod[],
  replacesFailedOnly: boolean,
  succeeded: readonly number[],
): number[] | undefined {
  const limit = spec?.backoffLimitPerIndex;
  const { completions = 0, podFailurePolicy } = spec ?? {};
  if (limit === undefined) return undefined;
  const all = new Set(parseIndexes(status?.failedIndexes, completions));
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index === undefined || index >= completions || !hasFailed(pod, replacesFailedOnly)) continue;
    if (failuresWith(pod, podFailurePolicy) > limit || verdictOn(pod, podFailurePolicy).failsIndex) all.add(index);
  }
  return [...all].filter((index) => !succeeded.includes(index)).sort((a, b) => a - b);
}

/** How often a pod's index has failed, with this failed pod. */
function failuresWith(pod: Pod, policy: NonNullable<Job["spec"]>["podFailurePolicy"]): number {
  const before = Number(pod.metadata.annotations?.[failureCount] ?? 0);
  return before + (verdictOn(pod, policy).counts ? 1 : 0);
}

/** How often an index has failed so far. */
export function failuresOf({ job, pods, replacesFailedOnly }: JobView, index: number): number {
  const failed = pods.filter((pod) => indexOf(pod) === index && hasFailed(pod, replacesFailedOnly));
  return Math.max(0, ...failed.map((pod) => failuresWith(pod, job.spec?.podFailurePolicy)));
}

/** A pod without a valid index counts for nothing in an indexed Job. */
export function isCountable(pod: Pod, indexed: boolean, completions: number | undefined): boolean {
  return !indexed || (indexOf(pod) ?? Infinity) < (completions ?? 0);
}

export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(trackingFinalizer) === true;
}

export function hasSucceeded({ status }: Pod): boolean {
  return status?.phase === "Succeeded";
}

/** Also what was deleted before it could fail, unless replacements wait for real failures. */
export function hasFailed(pod: Pod, replacesFailedOnly: boolean): boolean {
  if (pod.status?.phase === "Failed") return true;
  return !replacesFailedOnly && pod.metadata.deletionTimestamp !== undefined && !hasSucceeded(pod);
}

export function conditionOf({ status }: Job, type: string): JobCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
}

export function isFinished(job: Job): boolean {
  return conditionOf(job, "Complete") !== undefined || conditionOf(job, "Failed") !== undefined;
}

const firstDelayMs = 10_000;
const longestDelayMs = 360_000;

/** How long the next pod has to wait: 10 s after a failure, doubled with each further one since the last success. */
export function backOffMs({ pods, now, replacesFailedOnly }: JobView): number {
  const ended = (which: (pod: Pod) => boolean) => pods.filter(which).map(endedAt);
  const lastSuccess = Math.max(-Infinity, ...ended(hasSucceeded));
  const failures = ended((pod) => hasFailed(pod, replacesFailedOnly)).filter((time) => time > lastSuccess);
  if (failures.length === 0) return 0;
  const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(10, failures.length - 1));
  return Math.max(0, Math.max(...failures) + delay - now);
}

function endedAt({ metadata, status }: Pod): number {
  const containers = (status?.containerStatuses ?? []).map(({ state }) => parseTime(state?.terminated?.finishedAt));
  const known = containers.filter((time) => time !== undefined);
  if (known.length > 0 && known.length === containers.length) return Math.max(...known);
  const notReady = status?.conditions?.find(({ type, status }) => type === "Ready" && status === "False");
  const deletion = parseTime(metadata.deletionTimestamp);
  // The deletion's time is when the grace ends, not when it was asked for.
  const asked = deletion === undefined ? undefined : deletion - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  return parseTime(notReady?.lastTransitionTime) ?? asked ?? parseTime(metadata.creationTimestamp) ?? 0;
}
