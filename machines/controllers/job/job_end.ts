/** When a Job ends, and why (Kubernetes docs, "Jobs": handling failures, success policy, termination). */
import { formatTime, parseTime } from "../../objects/time.ts";
import { parseIndexes } from "./completion_indexes.ts";
import { conditionOf, hasFailed, type JobCondition, type JobView } from "./job_view.ts";

/** Decided, while its pods are still being ended and counted. */
export interface JobEnd {
  readonly type: "SuccessCriteriaMet" | "FailureTarget";
  readonly reason: string;
  readonly message: string;
}

/** The end that is decided, now or earlier; undefined while the Job goes on. */
export function endOf(view: JobView): JobEnd | undefined {
  const { job } = view;
  for (const type of ["SuccessCriteriaMet", "FailureTarget"] as const) {
    const decided = conditionOf(job, type);
    if (decided !== undefined) return { type, reason: decided.reason ?? "", message: decided.message ?? "" };
  }
  return failureOf(view) ?? policySuccess(view);
}

function failureOf(view: JobView): JobEnd | undefined {
  const { pods, replacesFailedOnly, failed, job } = view;
  const fail = (reason: string, message: string): JobEnd => ({ type: "FailureTarget", reason, message });
  for (const pod of pods) {
    const verdict = hasFailed(pod, replacesFailedOnly) ? view.verdict(pod) : undefined;
    if (verdict?.failsJob !== undefined) return fail("PodFailurePolicy", verdict.failsJob);
  }
  const { completions = 0, failedIndexes = [], succeededIndexes } = view;
  if (failedIndexes.length > (job.spec?.maxFailedIndexes ?? Infinity)) {
    const message = "Job has exceeded the specified maximal number of failed indexes";
    return fail("MaxFailedIndexesExceeded", message);
  }
  if (failedIndexes.length > 0 && failedIndexes.length + succeededIndexes.length >= completions) {
    return fail("FailedIndexes", "Job has failed indexes");
  }
  if (failed > (job.spec?.backoffLimit ?? 6) || restartsTooOften(view)) {
    return fail("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  if (deadlineInMs(view) === 0) {
    return fail("DeadlineExceeded", "Job was active longer than specified deadline");
  }
  return undefined;
}

/** Containers that are started again in place count as retries, too. */
function restartsTooOften({ job, pods }: JobView): boolean {
  if (job.spec?.template?.spec?.restartPolicy !== "OnFailure") return false;
  const limit = job.spec.backoffLimit ?? 6;
  const restarts = pods.filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending")
    .flatMap(({ status }) => [...status?.initContainerStatuses ?? [], ...status?.containerStatuses ?? []])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Until the active deadline; 0 when it has passed, undefined where none runs. */
export function deadlineInMs({ job, now, suspended }: JobView): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds;
  const start = parseTime(job.status?.startTime);
  if (seconds === undefined || start === undefined || suspended) return undefined;
  return Math.max(0, start + seconds * 1000 - now);
}

function policySuccess({ job, completions = 0, succeededIndexes }: JobView): JobEnd | undefined {
  const rules = job.spec?.successPolicy?.rules ?? [];
  const index = rules.findIndex(({ succeededCount, succeededIndexes: wanted }) => {
    const among = wanted === undefined ? undefined : new Set(parseIndexes(wanted, completions));
    const met = among === undefined ? succeededIndexes : succeededIndexes.filter((each) => among.has(each));
    return met.length >= (succeededCount ?? among?.size ?? Infinity);
  });
  if (index < 0) return undefined;
  return { type: "SuccessCriteriaMet", reason: "SuccessPolicy", message: `Matched rules at index ${index}` };
}

/** All that was asked for has been done, and nobody works any more. */
export function isComplete({ completions, succeeded }: JobView, active: number): boolean {
  return active === 0 && (completions === undefined ? succeeded > 0 : succeeded >= completions);
}

export const completed: JobEnd = {
  type: "SuccessCriteriaMet",
  reason: "CompletionsReached",
  message: "Reached expected number of succeeded pods",
};

/** The conditions with this one said; one that says the same already stays as it is. */
export function withCondition(
  conditions: readonly JobCondition[],
  said: Pick<JobCondition, "type" | "status" | "reason" | "message">,
  now: number,
): readonly JobCondition[] {
  const old = conditions.find(({ type }) => type === said.type);
  // What was never so need not be denied.
  if (old === undefined && said.status === "False") return conditions;
  if (old?.status === said.status && old.reason === said.reason && old.message === said.message) return conditions;
  const time = formatTime(now);
  const lastTransitionTime = old?.status === said.status ? old.lastTransitionTime ?? time : time;
  const next: JobCondition = { ...said, lastProbeTime: time, lastTransitionTime };
  return old === undefined ? [...conditions, next] : conditions.map((each) => each === old ? next : each);
}
