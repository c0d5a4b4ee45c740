/**
 * Runs pods to completion (Kubernetes docs, "Jobs").
 *
 * No pod is counted twice and none is lost: a pod that has ended is written into `uncountedTerminatedPods` (an index:
 * into `completedIndexes`), then its finalizer is taken away, then it moves into the counters. Whatever dies in between,
 * the next reconciliation goes on from what it finds.
 */
import { jsonEquals } from "../../objects/json.ts";
import { matchesSelector } from "../../objects/label_selector.ts";
import type { Job, Pod } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { formatTime } from "../../objects/time.ts";
import { type Caches, type Controller, type EventDraft, ownKey, type Plan, type Write } from "../controller.ts";
import { claim, controllerOf } from "../ownership.ts";
import { event, podKeys, writeStatus } from "../workload_pods.ts";
import { formatIndexes } from "./completion_indexes.ts";
import { completed, deadlineInMs, endOf, isComplete, type JobEnd, withCondition } from "./job_end.ts";
import { endAll, manage, noStep, type PodStep, untrack } from "./job_pods.ts";
import {
  conditionOf,
  hasFailed,
  hasSucceeded,
  isCountable,
  isFinished,
  isTracked,
  type JobStatus,
  type JobView,
  trackingFinalizer,
  viewOf,
} from "./job_view.ts";

/** What a Job that says who manages it says of this controller. */
const ownName = "kubernetes.io/job-controller";

export const jobController: Controller = {
  name: "job-controller",
  account: "job-controller",
  watches: [
    { resource: resources.jobs, keys: ownKey },
    { resource: resources.pods, keys: podKeys("Job", resources.jobs) },
  ],
  plan(key, caches, { now }): Plan | undefined {
    const job = caches.of<Job>(resources.jobs).get(key);
    const leftBehind = orphansOf(key, job, caches);
    // Somebody else looks after it.
    if ((job?.spec?.managedBy ?? ownName) !== ownName) return { writes: [] };
    if (job === undefined) return leftBehind.length === 0 ? undefined : { writes: [leftBehind] };
    const candidates = caches.of<Pod>(resources.pods).inNamespace(job.metadata.namespace ?? "");
    const { owned, writes } = claim(job, job.spec?.selector, candidates, resources.pods);
    const plan = isFinished(job) ? letGo(owned) : planJob(job, owned, now);
    return { ...plan, writes: [leftBehind, writes.map((write) => tracked(write, owned, candidates)), ...plan.writes] };
  },
};

/** Tracked pods whose Job is gone, or that nobody owns and no Job will adopt: nobody will count them any more. */
function orphansOf(key: string, job: Job | undefined, caches: Caches): Write[] {
  const [namespace = "", name] = key.split("/");
  const jobs = caches.of<Job>(resources.jobs).inNamespace(namespace);
  return caches.of<Pod>(resources.pods).inNamespace(namespace).filter((pod) => {
    if (!isTracked(pod)) return false;
    const owner = controllerOf(pod);
    if (owner !== undefined) return owner.kind === "Job" && owner.name === name && owner.uid !== job?.metadata.uid;
    return !jobs.some(({ spec }) =>
      spec?.selector !== undefined && matchesSelector(spec.selector, pod.metadata.labels)
    );
  }).map(untrack);
}

/** Who is adopted is tracked from now on, who is released is not any more. */
function tracked(write: Write, owned: readonly Pod[], candidates: readonly Pod[]): Write {
  if (write.type !== "patch") return write;
  const named = (pod: Pod) => pod.metadata.name === write.name;
  const others = (candidates.find(named)?.metadata.finalizers ?? []).filter((each) => each !== trackingFinalizer);
  const finalizers = owned.some(named) ? [...others, trackingFinalizer] : others;
  const { metadata } = write.body as { metadata: object };
  return { ...write, body: { metadata: { ...metadata, finalizers: finalizers.length > 0 ? finalizers : null } } };
}

/** The Job is finished: what is still tracked was counted, or came too late. */
function letGo(owned: readonly Pod[]): Plan {
  return { writes: [owned.filter(isTracked).map(untrack)] };
}

/** The plan for a Job that is not finished, with the pods that are its own. */
export function planJob(job: Job, owned: readonly Pod[], now: number): Plan {
  const view = viewOf(job, owned, now);
  const dying = job.metadata.deletionTimestamp !== undefined;
  const decided = endOf(view);
  const step = decided !== undefined ? endAll(view) : dying ? noStep(view) : manage(view);
  const end = decided ?? (isComplete(view, step.active) ? completed : undefined);
  const { gone, status, events } = statusOf(view, step, end, dying);
  const statusWrite = jsonEquals(status, job.status ?? {}) ? [] : [writeStatus(resources.jobs, job, status)];
  const waits = [step.againAfterMs, end === undefined ? deadlineInMs(view) : undefined].filter((ms) =>
    ms !== undefined
  );
  return {
    writes: [
      ...step.writes,
      ...statusWrite,
      gone.map(untrack),
      ...events.map((each): Write => ({ type: "event", event: each })),
    ],
    ...(waits.length > 0 && { againAfterMs: Math.max(1, Math.min(...waits)) }),
    ...(step.againAfterMs !== undefined && { waitsFor: "the back-off after a failed pod" }),
  };
}

interface Counted {
  readonly status: JobStatus;
  /** Pods that need not be kept any longer once the status is written. */
  readonly gone: readonly Pod[];
  readonly events: readonly EventDraft[];
}

/** The most pods that one status names as ended and not yet in its counters. */
const mostUncounted = 500;

function statusOf(view: JobView, step: PodStep, end: JobEnd | undefined, dying: boolean): Counted {
  const { job, now, pods } = view;
  const before = job.status ?? {};
  const kept = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid));
  // Whose finalizer is gone moves from the lists into the counters.
  const { succeeded: heldSucceeded = [], failed: heldFailed = [] } = before.uncountedTerminatedPods ?? {};
  const listed = {
    succeeded: heldSucceeded.filter((uid) => kept.has(uid)),
    failed: heldFailed.filter((uid) => kept.has(uid)),
  };
  const counters = {
    succeeded: (before.succeeded ?? 0) + heldSucceeded.length - listed.succeeded.length,
    failed: (before.failed ?? 0) + heldFailed.length - listed.failed.length,
  };
  const room = Math.max(0, mostUncounted - listed.succeeded.length - listed.failed.length);
  const ended = pods.filter((pod) => isTracked(pod) && (dying || end !== undefined || hasEnded(view, pod)));
  const gone = ended.slice(0, room);
  for (const pod of gone) list(view, pod, listed, end !== undefined);
  const conditions = conditionsOf(view, end, dying);
  const said = end !== undefined && view.job.status?.conditions?.some(({ type }) => type === end.type);
  const final = said && ended.length === 0 && listed.succeeded.length + listed.failed.length === 0 &&
    step.terminating === 0 && step.active === 0;
  const last = final && (end.type === "FailureTarget" ? "Failed" : "Complete");
  const indexes = view.indexed ? formatIndexes(view.succeededIndexes) : "";
  const succeeded = view.indexed ? view.succeededIndexes.length : counters.succeeded;
  const all = last ? withCondition(conditions, { ...end, type: last, status: "True" }, now) : conditions;
  const resumed = hasResumed(view, end);
  const startTime = resumed || (before.startTime === undefined && !view.suspended) ? formatTime(now) : before.startTime;
  return {
    gone,
    status: {
      ...(all.length > 0 && { conditions: [...all] }),
      ...(startTime !== undefined && { startTime }),
      ...(last === "Complete" && { completionTime: formatTime(now) }),
      ...(step.active > 0 && { active: step.active }),
      ...(succeeded > 0 && { succeeded }),
      ...(counters.failed > 0 && { failed: counters.failed }),
      terminating: step.terminating,
      ...(indexes !== "" && { completedIndexes: indexes }),
      ...(view.failedIndexes !== undefined && { failedIndexes: formatIndexes(view.failedIndexes) }),
      uncountedTerminatedPods: {
        ...(listed.succeeded.length > 0 && { succeeded: listed.succeeded }),
        ...(listed.failed.length > 0 && { failed: listed.failed }),
      },
      ready: step.ready,
    },
    events: eventsOf(view, end, last, resumed, conditions),
  };
}

function hasEnded({ replacesFailedOnly }: JobView, pod: Pod): boolean {
  return hasSucceeded(pod) || hasFailed(pod, replacesFailedOnly);
}

/** Notes a pod that is let go. Succeeded ones of an indexed Job are known by their index; a finished Job's others failed. */
function list(
  view: JobView,
  pod: Pod,
  listed: { readonly succeeded: string[]; readonly failed: string[] },
  over: boolean,
): void {
  const { uid } = pod.metadata;
  if (listed.succeeded.includes(uid) || listed.failed.includes(uid)) return;
  if (hasSucceeded(pod)) {
    if (!view.indexed) listed.succeeded.push(uid);
    return;
  }
  const failed = over || hasFailed(pod, view.replacesFailedOnly);
  const counts = isCountable(pod, view.indexed, view.completions) && view.verdict(pod).counts;
  if (failed && counts) listed.failed.push(uid);
}

function hasResumed({ job, suspended }: JobView, end: JobEnd | undefined): boolean {
  return end === undefined && !suspended && job.metadata.deletionTimestamp === undefined &&
    conditionOf(job, "Suspended") !== undefined;
}

function conditionsOf({ job, now, suspended }: JobView, end: JobEnd | undefined, dying: boolean) {
  const before = job.status?.conditions ?? [];
  if (end !== undefined) return withCondition(before, { ...end, status: "True" }, now);
  if (dying) return before;
  return withCondition(
    before,
    suspended
      ? { type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" }
      : { type: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" },
    now,
  );
}

function eventsOf(
  { job, suspended }: JobView,
  end: JobEnd | undefined,
  last: false | undefined | "Failed" | "Complete",
  resumed: boolean,
  conditions: readonly unknown[],
): EventDraft[] {
  if (last === "Complete") return [event(job, "Normal", "Completed", "Job completed")];
  if (last === "Failed" && end !== undefined) return [event(job, "Warning", end.reason, end.message)];
  if (end === undefined && conditions !== job.status?.conditions) {
    if (resumed) return [event(job, "Normal", "Resumed", "Job resumed")];
    if (suspended && conditionOf(job, "Suspended") === undefined) {
      return [event(job, "Normal", "Suspended", "Job suspended")];
    }
  }
  return [];
}
