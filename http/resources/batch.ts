/** batch/v1. */
import { warnOfTemplate } from "./validation/pod_warnings.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource } from "../machinery/types.ts";
import {
  ageColumn,
  column,
  integerColumn,
  nameColumn,
  selectorCell,
  spec,
  status,
  wide,
  wideContainerColumns,
} from "./columns/column.ts";
import { humanDuration, since } from "./columns/duration.ts";
import { setCronJobDefaults, setJobDefaults } from "./defaults/apps.ts";
import { fields, has, int, list, text } from "./fields.ts";
import { keepStatus, row, statusSubresource } from "./row.ts";
import { dns1123SubdomainErrors, labelValueErrors, maskTrailingHyphen } from "../../machines/objects/names.ts";
import { cronError, isTimeZone } from "./validation/cron.ts";
import { invalid, nonnegative, oneOf, path, required } from "./validation/field.ts";
import { generateSelector, validateJob, validateJobTemplateSpec, validateJobUpdate } from "./validation/jobs.ts";

const group = "batch";
const version = "v1";

function jobStatus(job: KubeObject): string {
  const holds = (type: string): boolean =>
    list(status(job)["conditions"]).some((each) => each["type"] === type && each["status"] === "True");
  if (holds("Complete")) return "Complete";
  if (holds("Failed")) return "Failed";
  if (has(job.metadata.deletionTimestamp)) return "Terminating";
  if (holds("Suspended")) return "Suspended";
  if (holds("FailureTarget")) return "FailureTarget";
  if (holds("SuccessCriteriaMet")) return "SuccessCriteriaMet";
  return "Running";
}

function completions(job: KubeObject): string {
  const succeeded = int(status(job)["succeeded"]);
  const { completions: wanted, parallelism } = spec(job);
  if (has(wanted)) return `${succeeded}/${int(wanted)}`;
  return int(parallelism) > 1 ? `${succeeded}/1 of ${int(parallelism)}` : `${succeeded}/1`;
}

function duration(job: KubeObject, now: number): string {
  const { startTime, completionTime } = status(job);
  if (!has(startTime)) return "";
  const end = has(completionTime) ? Date.parse(text(completionTime)) : now;
  return humanDuration(end - Date.parse(text(startTime)));
}

const maxCronJobName = 52;

function validateCronJob(job: KubeObject): FieldError[] {
  const given = spec(job);
  const at = path("spec");
  const errors: FieldError[] = [];
  const schedule = text(given["schedule"]);
  if (schedule === "") errors.push(required(at.child("schedule")));
  else {
    const wrong = cronError(schedule);
    if (wrong !== undefined) errors.push(invalid(at.child("schedule"), schedule, wrong));
    else if (/TZ/.test(schedule)) {
      errors.push(
        invalid(at.child("schedule"), schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"),
      );
    }
  }
  for (const name of ["startingDeadlineSeconds"]) errors.push(...nonnegative(given[name], at.child(name)));
  const zone = given["timeZone"];
  if (has(zone)) {
    const name = text(zone);
    if (name === "") errors.push(invalid(at.child("timeZone"), name, "timeZone must be nil or non-empty string"));
    else if (name.toLowerCase() === "local") {
      errors.push(
        invalid(
          at.child("timeZone"),
          name,
          "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
        ),
      );
    } else if (!isTimeZone(name)) errors.push(invalid(at.child("timeZone"), name, `unknown time zone ${name}`));
  }
  errors.push(
    ...oneOf(text(given["concurrencyPolicy"]), ["Allow", "Forbid", "Replace"], at.child("concurrencyPolicy")),
  );
  errors.push(
    ...validateJobTemplateSpec(fields(fields(given["jobTemplate"])["spec"]), at.child("jobTemplate", "spec")),
  );
  for (const name of ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"]) {
    errors.push(...nonnegative(given[name], at.child(name)));
  }
  return errors;
}

const cronPodSpec = (job: KubeObject) =>
  fields(fields(fields(fields(spec(job)["jobTemplate"])["spec"])["template"])["spec"]);
const jobSelectorText = { of: "batch/v1/JobSpec.selector" } as const;

export const batchResources: readonly Resource[] = [
  row({
    group,
    version,
    resource: "cronjobs",
    kind: "CronJob",
    shortNames: ["cj"],
    categories: ["all"],
    subresources: { status: statusSubresource },
    columns: [
      nameColumn,
      column("Schedule", { of: "batch/v1/CronJobSpec.schedule" }, (job) => text(spec(job)["schedule"])),
      column(
        "Timezone",
        { of: "batch/v1/CronJobSpec.timeZone" },
        (job) => has(spec(job)["timeZone"]) ? spec(job)["timeZone"] : "<none>",
      ),
      column(
        "Suspend",
        { of: "batch/v1/CronJobSpec.suspend" },
        (job) => spec(job)["suspend"] === true ? "True" : "False",
        { type: "boolean" },
      ),
      integerColumn(
        "Active",
        "A list of pointers to currently running jobs.",
        (job) => list(status(job)["active"]).length,
      ),
      column("Last Schedule", { of: "batch/v1/CronJobStatus.lastScheduleTime" }, (job, now) => {
        const last = status(job)["lastScheduleTime"];
        return has(last) ? since(last, now) : "<none>";
      }),
      ageColumn,
      ...wideContainerColumns(cronPodSpec),
      wide(
        column(
          "Selector",
          jobSelectorText,
          (job) => selectorCell(fields(fields(spec(job)["jobTemplate"])["spec"])["selector"]),
        ),
      ),
    ],
    strategy: {
      setDefaults: setCronJobDefaults,
      prepareForCreate(object) {
        object["status"] = {};
      },
      validate(object) {
        const errors = validateCronJob(object);
        if (text(object.metadata.name).length > maxCronJobName) {
          errors.unshift(
            invalid(
              path("metadata", "name"),
              object.metadata.name,
              `must be no more than ${maxCronJobName} characters`,
            ),
          );
        }
        return errors;
      },
      warnings: warnOfTemplate(["spec", "jobTemplate", "spec", "template"], true),
      validateUpdate: (next) => validateCronJob(next),
      prepareForUpdate: keepStatus,
    },
  }),
  row({
    group,
    version,
    resource: "jobs",
    kind: "Job",
    categories: ["all"],
    subresources: { status: statusSubresource },
    columns: [
      nameColumn,
      column("Status", "Status of the job.", jobStatus),
      column("Completions", { of: "batch/v1/JobStatus.succeeded" }, completions),
      column("Duration", "Time required to complete the job.", duration),
      ageColumn,
      ...wideContainerColumns(),
      wide(column("Selector", jobSelectorText, (job) => selectorCell(spec(job)["selector"]))),
    ],
    strategy: {
      setDefaults: setJobDefaults,
      prepareForCreate(object) {
        object["status"] = {};
        generateSelector(object);
        mirrorTemplateLabels(object);
      },
      validate: validateJob,
      prepareForUpdate: keepStatus,
      warnings: warnOfTemplate(["spec", "template"], true),
      validateUpdate: validateJobUpdate,
      defaultPropagation: "Orphan",
      validateName: (name, prefix) => dns1123SubdomainErrors(prefix ? maskTrailingHyphen(name) : name),
      selectableFields: { "status.successful": (job) => String(int(status(job)["succeeded"])) },
    },
  }),
];

/** A Job without labels of its own shows those of its pods. */
function mirrorTemplateLabels(job: KubeObject): void {
  const labels = fields(fields(fields(spec(job)["template"])["metadata"])["labels"]);
  // A name that is no label value is refused for the template's labels alone.
  if (labelValueErrors(text(job.metadata.name)).length > 0) return;
  if (Object.keys(job.metadata.labels ?? {}).length === 0) {
    job.metadata.labels = { ...labels } as Record<string, string>;
  }
}
