import { assertEquals } from "@std/assert";
import { planCronJob } from "../../../../machines/controllers/cron_job/cron_job_controller.ts";
import type { Plan } from "../../../../machines/controllers/controller.ts";
import type { CronJob, Job } from "../../../../machines/objects/object.ts";
import { parseTime } from "../../../../machines/objects/time.ts";

const cronJob = (spec: object = {}, status: object = {}) =>
  ({
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "c", namespace: "n", uid: "cron", creationTimestamp: "2026-01-01T00:00:30Z" },
    spec: { schedule: "* * * * *", jobTemplate: { spec: {} }, ...spec },
    status,
  }) as unknown as CronJob;
const job = (name: string, condition?: string) =>
  ({
    metadata: { name, namespace: "n", uid: name, creationTimestamp: "2026-01-01T00:00:00Z" },
    status: condition === undefined ? {} : { conditions: [{ type: condition, status: "True" }] },
  }) as unknown as Job;
const minute = (count: number) => parseTime("2026-01-01T00:00:00Z")! + count * 60_000;
const created = ({ writes }: Plan) =>
  writes.flat().map((write) =>
    write.type === "create"
      ? `create ${(write.object as Job).metadata.name.slice(0, 2)}${
        Number((write.object as Job).metadata.name.slice(2)) - minute(0) / 60_000
      }`
      : write.type === "delete"
      ? `delete ${write.name}`
      : write.type === "event"
      ? write.event.reason
      : write.type
  );

const cases: { name: string; cron: CronJob; jobs?: Job[]; at: number; does: string[] }[] = [
  { name: "waits for the minute", cron: cronJob(), at: minute(0) + 45_000, does: [] },
  { name: "starts a job at the minute", cron: cronJob(), at: minute(1) + 100, does: ["create c-1", "update"] },
  {
    name: "does not start it twice",
    cron: cronJob({}, { lastScheduleTime: "2026-01-01T00:01:00Z" }),
    at: minute(1) + 900,
    does: [],
  },
  { name: "starts the last of those missed", cron: cronJob(), at: minute(7) + 1, does: ["create c-7", "update"] },
  {
    name: "warns when far too many were missed",
    cron: cronJob(),
    at: minute(700),
    does: ["TooManyMissedTimes", "create c-700", "update"],
  },
  {
    name: "lets go what is too late",
    cron: cronJob({ schedule: "@daily", startingDeadlineSeconds: 10 }),
    at: minute(24 * 60) + 11_000,
    does: [],
  },
  { name: "starts nothing when suspended", cron: cronJob({ suspend: true }), at: minute(1), does: [] },
  {
    name: "starts nothing beside another under Forbid",
    cron: cronJob({ concurrencyPolicy: "Forbid" }),
    jobs: [job("old")],
    at: minute(1),
    does: ["JobAlreadyActive", "update"],
  },
  {
    name: "replaces the other under Replace",
    cron: cronJob({ concurrencyPolicy: "Replace" }),
    jobs: [job("old")],
    at: minute(1),
    does: ["delete old", "create c-1", "update"],
  },
  {
    name: "forgets the oldest beyond the limits",
    cron: cronJob({ suspend: true, successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 }),
    jobs: [job("a", "Complete"), job("b", "Complete"), job("f", "Failed")],
    at: minute(1),
    does: ["delete a", "delete f"],
  },
  {
    name: "notices that its job has finished",
    cron: cronJob({ suspend: true }, { active: [{ name: "a", uid: "a" }] }),
    jobs: [job("a", "Complete")],
    at: minute(1),
    does: ["update", "SawCompletedJob"],
  },
  {
    name: "says so when nobody knows the zone",
    cron: cronJob({ timeZone: "Nowhere/Land" }),
    at: minute(1),
    does: ["UnknownTimeZone"],
  },
];
for (const { name, cron, jobs = [], at, does } of cases) {
  Deno.test(`planCronJob ${name}`, () => {
    assertEquals(created(planCronJob(cron, jobs, at, () => undefined)), does);
  });
}
