/** A CronJob by its controller over caches that lag, while minutes pass and its Jobs end when they like. */
import { cronJobController } from "../controllers/cron_job/cron_job_controller.ts";
import { isFinished } from "../controllers/job/job_view.ts";
import type { Controller } from "../controllers/controller.ts";
import type { SystemModel, SystemState } from "../check/system_model.ts";
import { type CronJob, type Job, keyOf, type KubeObject } from "../objects/object.ts";
import { resources } from "../objects/resources.ts";
import { parseTime } from "../objects/time.ts";
import { type ClusterData, controllerSystem, type Deed } from "./controller_system.ts";
import type { PaperApi } from "./paper_api.ts";

export interface CronJobOptions {
  readonly policy?: "Allow" | "Forbid" | "Replace";
  /** Of "minutes", "crashes". */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly controller?: Controller;
}

const minuteMs = 60_000;
/** Half a minute after everything was made. */
const begins = Date.UTC(2026, 0, 1, 0, 0, 30);
const kept = 1;

export function cronJobSystem(options: CronJobOptions = {}): SystemModel {
  const { policy = "Forbid", controller = cronJobController(() => 0) } = options;
  const budgets = { minutes: 2, ...options.budgets };
  const cron = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "w", namespace: "n" },
    spec: {
      schedule: "* * * * *",
      concurrencyPolicy: policy,
      successfulJobsHistoryLimit: kept,
      failedJobsHistoryLimit: kept,
      jobTemplate: { spec: { template: { spec: { containers: [{ name: "c", image: "c:1" }] } } } },
    },
  };
  const minutes = (api: PaperApi, data: ClusterData) =>
    (api.get(data, resources.configMaps, "host/clock")?.["data"] as { minutes: number } | undefined)?.minutes ?? 0;
  const now = (api: PaperApi, data: ClusterData) => begins + minutes(api, data) * minuteMs;
  const jobsOf = (api: PaperApi, data: ClusterData) => api.list<Job>(data, resources.jobs);
  const deeds: Record<string, Deed> = {
    // Its controller has asked to be woken then.
    "minute.passes": {
      spends: "minutes",
      act(api, data) {
        const clock = { metadata: { name: "clock", namespace: "host" }, data: { minutes: minutes(api, data) + 1 } };
        const later = api.put(data, resources.configMaps, clock as unknown as KubeObject);
        return { ...later, awake: { ...later.awake, [`${controller.name} n/w`]: true } };
      },
    },
    "job.completes": {
      act(api, data) {
        const job = jobsOf(api, data).find((each) => !isFinished(each));
        if (job === undefined) return undefined;
        const status = { conditions: [{ type: "Complete", status: "True" }] };
        return api.put(data, resources.jobs, { ...job, status } as unknown as KubeObject);
      },
    },
  };
  return controllerSystem({
    controllers: [controller],
    start: (api, empty) => api.create(empty, resources.cronJobs, cron),
    deeds,
    budgets,
    now,
    rules: (cluster, api) => {
      const at = (state: SystemState) => state.of(cluster).view;
      const jobs = (state: SystemState) => jobsOf(api, at(state));
      const minuteOf = ({ metadata }: Job) => Number(metadata.name.split("-").at(-1));
      const lastMinute = (state: SystemState) => {
        const { lastScheduleTime } = api.get<CronJob>(at(state), resources.cronJobs, "n/w")?.status ?? {};
        return Math.floor((parseTime(lastScheduleTime) ?? 0) / minuteMs);
      };
      return {
        always: {
          "under Forbid and Replace one Job works at a time": (state) =>
            policy === "Allow" || jobs(state).filter((job) => !isFinished(job)).length <= 1,
          "no Job is of a minute that has not come": (state) =>
            jobs(state).every((job) => minuteOf(job) * minuteMs <= now(api, at(state))),
        },
        eachStep: {
          "no minute is started that is said to have been": (before, _, after) => {
            const known = new Set(jobs(before).map(keyOf));
            return jobs(after).every((job) => known.has(keyOf(job)) || minuteOf(job) > lastMinute(before));
          },
        },
        sometimes: {
          "a Job works when the next minute comes": (state) =>
            minutes(api, at(state)) === 2 &&
            jobs(state).some((job) => !isFinished(job) && minuteOf(job) * minuteMs < now(api, at(state)) - minuteMs),
          "the second minute is started": (state) =>
            jobs(state).some((job) => minuteOf(job) === Math.floor(begins / minuteMs) + 2),
        },
        eventuallyAlways: {
          "the last minute is started": (state) =>
            minutes(api, at(state)) === 0 || lastMinute(state) === Math.floor(now(api, at(state)) / minuteMs),
          "no more ended Jobs are kept than wanted": (state) => jobs(state).filter(isFinished).length <= kept,
        },
      };
    },
  });
}
