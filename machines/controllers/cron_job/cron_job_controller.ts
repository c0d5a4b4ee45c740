/** Makes Jobs by the clock (Kubernetes docs, "CronJob"). */
import { jsonEquals } from "../../objects/json.ts";
import type { CronJob, Job } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { formatTime, parseTime } from "../../objects/time.ts";
import { type Controller, controllerKeys, type EventDraft, ownKey, type Plan, type Write } from "../controller.ts";
import { conditionOf, isFinished } from "../job/job_view.ts";
import { controllerOf, controllerReference } from "../ownership.ts";
import { event, writeStatus } from "../workload_pods.ts";
import { lastRun, nextRun, parseSchedule, type Schedule, type ZoneOffset } from "./schedule.ts";

/** `zoneOffset` knows the zones of the world, which change with the laws of their countries. */
export function cronJobController(zoneOffset: ZoneOffset): Controller {
  return {
    name: "cronjob-controller",
    account: "cronjob-controller",
    watches: [
      { resource: resources.cronJobs, keys: ownKey },
      { resource: resources.jobs, keys: controllerKeys("CronJob") },
    ],
    plan(key, caches, { now }): Plan | undefined {
      const cron = caches.of<CronJob>(resources.cronJobs).get(key);
      if (cron === undefined) return undefined;
      const jobs = caches.of<Job>(resources.jobs).inNamespace(cron.metadata.namespace ?? "")
        .filter((job) => controllerOf(job)?.uid === cron.metadata.uid);
      return planCronJob(cron, jobs, now, zoneOffset);
    },
  };
}

/** A little later than the minute begins, as clocks are not all the same. */
const afterTheMinuteMs = 100;
const manyMissed = 100;

/** The plan for a CronJob, with the Jobs that it owns. */
export function planCronJob(cron: CronJob, jobs: readonly Job[], now: number, zoneOffset: ZoneOffset): Plan {
  const surplus = surplusJobs(cron, jobs);
  const left = jobs.filter((job) => !surplus.includes(job));
  const kept = keptStatus(cron, left);
  const tidied = surplus.map((job) => deleteJob(cron, job));
  const rest = cron.metadata.deletionTimestamp !== undefined || cron.spec?.suspend === true
    ? { writes: [] }
    : start(cron, left, now, zoneOffset);
  const status = { ...kept.status, ...(rest.lastScheduleTime && { lastScheduleTime: rest.lastScheduleTime }) };
  const statusWrite = jsonEquals(status, cron.status ?? {}) ? [] : [writeStatus(resources.cronJobs, cron, status)];
  const { lastScheduleTime: _, writes, ...times } = rest;
  return { ...times, writes: [tidied, ...writes, ...statusWrite, ...kept.events.map(told)] };
}

function told(draft: EventDraft): Write {
  return { type: "event", event: draft };
}

interface Start extends Plan {
  readonly lastScheduleTime?: string;
}

/** The Job that is due, if any, and when to look again. */
function start(cron: CronJob, jobs: readonly Job[], now: number, zoneOffset: ZoneOffset): Start {
  const { schedule: text = "", timeZone: zone, startingDeadlineSeconds, concurrencyPolicy } = cron.spec ?? {};
  const say = (type: "Normal" | "Warning", reason: string, message: string) => told(event(cron, type, reason, message));
  if (zone !== undefined && zoneOffset(zone, now) === undefined) {
    const message = `invalid timeZone: ${JSON.stringify(zone)}: unknown time zone ${zone}`;
    return { writes: [say("Warning", "UnknownTimeZone", message)] };
  }
  const schedule = parseSchedule(text);
  if (schedule === undefined) {
    return { writes: [say("Warning", "UnparseableSchedule", `unparseable schedule: ${JSON.stringify(text)}`)] };
  }
  const offset = (at: number) => zone === undefined ? 0 : zoneOffset(zone, at) ?? 0;
  const next = nextRun(schedule, now, offset);
  const later = next === undefined ? {} : { againAfterMs: next - now + afterTheMinuteMs };
  const since = parseTime(cron.status?.lastScheduleTime) ?? parseTime(cron.metadata.creationTimestamp) ?? now;
  const deadlineMs = startingDeadlineSeconds === undefined ? Infinity : startingDeadlineSeconds * 1000;
  const due = lastRun(schedule, Math.max(since, now - deadlineMs - 1), now, offset);
  if (due === undefined) return { writes: [], ...later };
  const missed = startingDeadlineSeconds === undefined && missedRuns(schedule, since, now, offset) > manyMissed;
  const advice = "Set or decrease .spec.startingDeadlineSeconds or check clock skew";
  const warned = missed ? [say("Warning", "TooManyMissedTimes", `too many missed start times. ${advice}`)] : [];
  const working = jobs.filter((job) => !isFinished(job));
  if (concurrencyPolicy === "Forbid" && working.length > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    return { writes: [...warned, say("Normal", "JobAlreadyActive", message)], ...later };
  }
  const replaced = concurrencyPolicy === "Replace" ? working.map((job) => deleteJob(cron, job)) : [];
  const created = createJob(cron, due, zone === undefined ? undefined : offset(due));
  return { writes: [...warned, replaced, created], lastScheduleTime: formatTime(due), ...later };
}

function missedRuns(schedule: Schedule, since: number, now: number, offset: (at: number) => number): number {
  const first = nextRun(schedule, since, offset);
  const second = first === undefined ? undefined : nextRun(schedule, first, offset);
  if (first === undefined || second === undefined || first > now) return 0;
  return Math.floor((now - first) / (second - first)) + 1;
}

function createJob(cron: CronJob, due: number, offset: number | undefined): Write {
  const { metadata, spec } = cron.spec?.jobTemplate ?? {};
  const scheduled = { "batch.kubernetes.io/cronjob-scheduled-timestamp": zonedTime(due, offset) };
  return {
    type: "create",
    resource: resources.jobs,
    object: {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        // One name for one moment: it is never started twice.
        name: `${cron.metadata.name}-${Math.floor(due / 60_000)}`,
        namespace: cron.metadata.namespace,
        ...(metadata?.labels && { labels: metadata.labels }),
        annotations: { ...metadata?.annotations, ...scheduled },
        ownerReferences: [controllerReference(cron)],
      },
      spec,
    },
    existsIsFine: true,
    onSuccess: event(
      cron,
      "Normal",
      "SuccessfulCreate",
      `Created job ${cron.metadata.name}-${Math.floor(due / 60_000)}`,
    ),
    onFailure: event(cron, "Warning", "FailedCreate", "Error creating job: {error}"),
  };
}

function zonedTime(at: number, offset: number | undefined): string {
  if (offset === undefined || offset === 0) return formatTime(at);
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const two = (value: number) => String(value).padStart(2, "0");
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return formatTime(at + offset).replace("Z", zone);
}

function deleteJob(cron: CronJob, { metadata: { name, namespace = "", uid } }: Job): Write {
  return {
    type: "delete",
    resource: resources.jobs,
    namespace,
    name,
    uid,
    propagation: "Background",
    onSuccess: event(cron, "Normal", "SuccessfulDelete", `Deleted job ${name}`),
    onFailure: event(cron, "Warning", "FailedDelete", `Deleted job: {error}`),
  };
}

/** Finished Jobs beyond the history limits, the oldest first. */
function surplusJobs({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const of = (type: string, limit: number | undefined) => {
    const found = jobs.filter((job) => conditionOf(job, type) !== undefined).sort(byStart);
    return limit === undefined ? [] : found.slice(0, Math.max(0, found.length - limit));
  };
  return [...of("Complete", spec?.successfulJobsHistoryLimit), ...of("Failed", spec?.failedJobsHistoryLimit)]
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

function byStart(a: Job, b: Job): number {
  const [left, right] = [a, b].map(({ metadata, status }) => status?.startTime ?? metadata.creationTimestamp);
  return left! !== right! ? (left! < right! ? -1 : 1) : a.metadata.name < b.metadata.name ? -1 : 1;
}

/** Which Jobs work, and when one last succeeded, with what there is to tell about the changes. */
function keptStatus(cron: CronJob, jobs: readonly Job[]) {
  const before = cron.status ?? {};
  const known = new Map((before.active ?? []).map((reference) => [reference.uid, reference]));
  const events: EventDraft[] = [];
  for (const { uid, name } of known.values()) {
    const job = jobs.find(({ metadata }) => metadata.uid === uid);
    if (job === undefined) {
      events.push(event(cron, "Normal", "MissingJob", `Active job went missing: ${name}`));
    } else if (isFinished(job)) {
      const condition = conditionOf(job, "Complete") === undefined ? "Failed" : "Complete";
      events.push(event(cron, "Normal", "SawCompletedJob", `Saw completed job: ${name}, condition: ${condition}`));
    }
  }
  const active = jobs.filter((job) => !isFinished(job)).sort(byStart).map(({ apiVersion, kind, metadata }) => {
    const { name, namespace, uid, resourceVersion } = metadata;
    return known.get(uid) ?? { apiVersion, kind, name, namespace, uid, resourceVersion };
  });
  const successes = jobs.map(({ status }) => status?.completionTime).filter((time) => time !== undefined);
  const lastSuccess = [before.lastSuccessfulTime, ...successes].filter((time) => time !== undefined).sort().at(-1);
  const { lastScheduleTime } = before;
  const status = {
    ...(active.length > 0 && { active }),
    ...(lastScheduleTime !== undefined && { lastScheduleTime }),
    ...(lastSuccess !== undefined && { lastSuccessfulTime: lastSuccess }),
  };
  return { status, events };
}
