/** Rules of Jobs and of the Jobs a CronJob makes. */
import { dns1123LabelErrors } from "../../../machines/objects/names.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError } from "../../machinery/types.ts";
import { copy, type Fields, fields, has, identical, int, isFields, list, same, text, textMap } from "../fields.ts";
import { duplicate, immutable, invalid, nonnegative, notSupported, oneOf, type Path, path, required } from "./field.ts";
import { isEmptySelector, selectorMatches, validateLabelSelector } from "./labels.ts";
import { validatePodTemplate } from "./pod_spec.ts";
import { orNull } from "./workloads.ts";

const maxIndexedParallelism = 100_000;
const actions = ["Count", "FailIndex", "FailJob", "Ignore"];
const operators = ["In", "NotIn"];
const goList = (values: readonly string[]): string =>
  `valid values: [${values.map((value) => `"${value}"`).join(" ")}]`;

const counts = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "ttlSecondsAfterFinished",
  "maxFailedIndexes",
  "backoffLimitPerIndex",
];

function validateExitCodes(rule: Fields, containers: ReadonlySet<string>, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const codes = fields(rule["onExitCodes"]);
  const operator = text(codes["operator"]);
  if (operator === "") errors.push(required(at.child("operator"), goList(operators)));
  else errors.push(...oneOf(operator, operators, at.child("operator")));
  const name = codes["containerName"];
  if (has(name) && !containers.has(text(name))) {
    errors.push(
      invalid(
        at.child("containerName"),
        name,
        "must be one of the container or initContainer names in the pod template",
      ),
    );
  }
  const values = Array.isArray(codes["values"]) ? codes["values"].map(int) : undefined;
  const here = at.child("values");
  if (values === undefined || values.length === 0) {
    errors.push(invalid(here, values ?? null, "at least one value is required"));
  } else if (values.length > 255) {
    errors.push({
      reason: "FieldValueTooMany",
      field: here.toString(),
      message: `Too many: ${values.length}: must have at most 255 items`,
    });
  }
  const seen = new Set<number>();
  let ordered = true;
  (values ?? []).forEach((value, index) => {
    if (operator === "In" && value === 0) {
      errors.push(invalid(here.index(index), 0, "must not be 0 for the In operator"));
    }
    if (seen.has(value)) errors.push(duplicate(here.index(index), value));
    else seen.add(value);
    const before = values?.[index - 1];
    if (before !== undefined && before > value) ordered = false;
  });
  if (!ordered) errors.push(invalid(here, values, "must be ordered"));
  return errors;
}

/** Kubernetes gives this text as the value, unquoted, and no detail. */
function bare(at: Path, text: string): FieldError {
  return { reason: "FieldValueInvalid", field: at.toString(), message: `Invalid value: ${text}` };
}

function validateFailurePolicy(policy: Fields, spec: Fields, at: Path): FieldError[] {
  const podSpec = fields(fields(spec["template"])["spec"]);
  const names = new Set(
    [...list(podSpec["containers"]), ...list(podSpec["initContainers"])].map((each) => text(each["name"])),
  );
  const errors = list(policy["rules"]).flatMap((rule, index) => {
    const here = at.child("rules").index(index);
    const found: FieldError[] = [];
    const action = text(rule["action"]);
    if (action === "") found.push(required(here.child("action"), goList(actions)));
    else if (action === "FailIndex" && !has(spec["backoffLimitPerIndex"])) {
      found.push(invalid(here.child("action"), action, "requires the backoffLimitPerIndex to be set"));
    } else found.push(...oneOf(action, actions, here.child("action")));
    const byCode = has(rule["onExitCodes"]);
    const conditions = list(rule["onPodConditions"]);
    if (byCode) found.push(...validateExitCodes(rule, names, here.child("onExitCodes")));
    conditions.forEach((pattern, position) => {
      const place = here.child("onPodConditions").index(position);
      const status = text(pattern["status"]);
      if (status === "") found.push(required(place.child("status"), goList(["False", "True", "Unknown"])));
      else found.push(...oneOf(status, ["False", "True", "Unknown"], place.child("status")));
    });
    if (byCode && conditions.length > 0) {
      found.push(bare(here, "specifying both OnExitCodes and OnPodConditions is not supported"));
    }
    if (!byCode && conditions.length === 0) {
      found.push(bare(here, "specifying one of OnExitCodes and OnPodConditions is required"));
    }
    return found;
  });
  if (text(podSpec["restartPolicy"]) === "OnFailure") {
    errors.push(
      invalid(at, podSpec["restartPolicy"] ?? "", `only "Never" is supported when podFailurePolicy is specified`),
    );
  }
  return errors;
}

function validateSuccessPolicy(policy: Fields, spec: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const rules = list(policy["rules"]);
  if (rules.length === 0) {
    errors.push(
      required(at.child("rules"), "at least one rules must be specified when the successPolicy is specified"),
    );
  }
  rules.forEach((rule, index) => {
    const here = at.child("rules").index(index);
    const { succeededIndexes, succeededCount } = rule;
    if (!has(succeededIndexes) && !has(succeededCount)) {
      errors.push(required(here, "at least one of succeededCount or succeededIndexes must be specified"));
    }
    if (has(succeededCount)) {
      errors.push(...nonnegative(succeededCount, here.child("succeededCount")));
      const completions = int(spec["completions"]);
      if (int(succeededCount) > completions) {
        errors.push(
          invalid(
            here.child("succeededCount"),
            succeededCount,
            `must be less than or equal to ${completions} (the number of specified completions)`,
          ),
        );
      }
    }
  });
  return errors;
}

/** spec of a Job, less its selector. */
export function validateJobTemplateSpec(spec: Fields, at: Path): FieldError[] {
  const errors = counts.slice(0, 5).flatMap((name) => nonnegative(spec[name], at.child(name)));
  for (const name of counts.slice(5)) errors.push(...nonnegative(spec[name], at.child(name)));
  const mode = text(spec["completionMode"]);
  if (mode !== "") {
    if (mode !== "NonIndexed" && mode !== "Indexed") {
      errors.push(notSupported(at.child("completionMode"), mode, ["NonIndexed", "Indexed"]));
    }
    if (mode === "Indexed") {
      if (!has(spec["completions"])) errors.push(required(at.child("completions"), `when completion mode is ${mode}`));
      if (int(spec["parallelism"]) > maxIndexedParallelism) {
        errors.push(
          invalid(
            at.child("parallelism"),
            spec["parallelism"],
            `must be less than or equal to ${maxIndexedParallelism} when completion mode is ${mode}`,
          ),
        );
      }
    }
  }
  if (has(spec["backoffLimitPerIndex"]) && mode !== "Indexed") {
    errors.push(
      invalid(at.child("backoffLimitPerIndex"), spec["backoffLimitPerIndex"], "requires indexed completion mode"),
    );
  }
  if (has(spec["maxFailedIndexes"]) && !has(spec["backoffLimitPerIndex"])) {
    errors.push(required(at.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified"));
  }
  if (isFields(spec["podFailurePolicy"])) {
    errors.push(...validateFailurePolicy(spec["podFailurePolicy"], spec, at.child("podFailurePolicy")));
  }
  if (isFields(spec["successPolicy"])) {
    if (mode !== "Indexed") {
      errors.push(invalid(at.child("successPolicy"), spec["successPolicy"], "requires indexed completion mode"));
    } else errors.push(...validateSuccessPolicy(spec["successPolicy"], spec, at.child("successPolicy")));
  }
  errors.push(...validateReplacement(spec, at));
  const managedBy = spec["managedBy"];
  if (has(managedBy)) {
    if (!text(managedBy).includes("/")) {
      errors.push(invalid(at.child("managedBy"), managedBy, 'must be a domain-prefixed path (such as "acme.io/foo")'));
    }
    if (text(managedBy).length > 63) {
      errors.push({
        reason: "FieldValueTooLong",
        field: at.child("managedBy").toString(),
        message: "Too long: may not be more than 63 bytes",
      });
    }
  }
  const template = at.child("template");
  errors.push(...validatePodTemplate(spec["template"], template));
  const policy = text(fields(fields(spec["template"])["spec"])["restartPolicy"]);
  const here = template.child("spec", "restartPolicy");
  if (policy === "" || policy === "Always") {
    errors.push(required(here, 'valid values: "OnFailure", "Never"'));
  } else if (policy !== "OnFailure" && policy !== "Never") {
    errors.push(notSupported(here, policy, ["OnFailure", "Never"]));
  }
  return errors;
}

function validateReplacement(spec: Fields, at: Path): FieldError[] {
  const policy = spec["podReplacementPolicy"];
  if (!has(policy)) return [];
  const allowed = has(spec["podFailurePolicy"]) ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  return oneOf(text(policy), allowed, at.child("podReplacementPolicy"));
}

const specPath = path("spec");

/** Labels by which a Job knows its pods. */
export const jobLabels = {
  uid: ["batch.kubernetes.io/controller-uid", "controller-uid"],
  name: ["batch.kubernetes.io/job-name", "job-name"],
} as const;

/** Gives the template the Job's labels, and the Job a selector for them, unless the user brings his own selector. */
export function generateSelector(job: KubeObject): void {
  const spec = fields(job["spec"]);
  if (spec["manualSelector"] === true) return;
  const template = fields(spec["template"]);
  const metadata = { ...fields(template["metadata"]) };
  const labels = textMap(metadata["labels"]);
  const { uid, name } = job.metadata;
  for (const label of jobLabels.name) labels[label] ??= name ?? "";
  for (const label of jobLabels.uid) labels[label] ??= uid;
  template["metadata"] = { ...metadata, labels: Object.fromEntries(Object.entries(labels).sort()) };
  const selector = fields(spec["selector"]);
  const matchLabels = { ...textMap(selector["matchLabels"]) };
  matchLabels[jobLabels.uid[0]] ??= uid;
  spec["selector"] = { ...selector, matchLabels };
}

function validateGenerated(job: KubeObject): FieldError[] {
  const spec = fields(job["spec"]);
  if (spec["manualSelector"] === true) return [];
  const template = fields(spec["template"]);
  const labels = textMap(fields(template["metadata"])["labels"]);
  const at = specPath.child("template", "metadata", "labels");
  const errors: FieldError[] = [];
  const wanted = [
    ...jobLabels.uid.map((label) => [label, job.metadata.uid] as const),
    ...jobLabels.name.map((label) => [label, job.metadata.name] as const),
  ];
  for (const [label, value] of wanted) {
    if (labels[label] === undefined) errors.push(required(at.key(label), "must be '" + value + "'"));
    else if (labels[label] !== (value ?? "")) errors.push(invalid(at.key(label), labels[label], `must be '${value}'`));
  }
  return errors;
}

function validatePodNames(job: KubeObject): FieldError[] {
  const spec = fields(job["spec"]);
  const name = text(job.metadata.name);
  if (
    spec["completionMode"] !== "Indexed" || !has(spec["completions"]) || int(spec["completions"]) < 1
  ) return [];
  const last = `${name}-${int(spec["completions"]) - 1}`;
  return dns1123LabelErrors(last).length === 0
    ? []
    : [invalid(path("metadata", "name"), name, `will not able to create pod with invalid DNS label: ${last}`)];
}

function validateJobSpec(spec: Fields): FieldError[] {
  const errors = validateJobTemplateSpec(spec, specPath);
  const selector = spec["selector"];
  const here = specPath.child("selector");
  if (!has(selector)) errors.push(required(here));
  else {
    errors.push(...validateLabelSelector(selector, here));
    const labels = fields(fields(spec["template"])["metadata"])["labels"];
    if (!isEmptySelector(selector) && !selectorMatches(selector, labels)) {
      errors.push(
        invalid(
          specPath.child("template", "metadata", "labels"),
          orNull(labels),
          "`selector` does not match template `labels`",
        ),
      );
    }
  }
  return errors;
}

export function validateJob(job: KubeObject): FieldError[] {
  return [...validateGenerated(job), ...validateJobSpec(fields(job["spec"])), ...validatePodNames(job)];
}

/** Scheduling of a suspended Job that has not started may still be changed. */
const schedulingFields = ["nodeSelector", "affinity", "tolerations", "schedulingGates"];

export function validateJobUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const now = fields(next["spec"]);
  const before = fields(old["spec"]);
  // Kubernetes checks a changed Job as a new one and again as a changed one: every cause stands there twice.
  const errors = [
    ...validateGenerated(next),
    ...validatePodNames(next),
    ...validateJobSpec(now),
    ...validateJobSpec(now),
  ];
  errors.push(...completionChange(now, before));
  errors.push(...immutable(now["selector"] ?? null, before["selector"], specPath.child("selector"), identical));
  const template = copy(fields(now["template"]));
  const oldTemplate = fields(before["template"]);
  const notStarted = before["suspend"] === true && !has(fields(old["status"])["startTime"]);
  if (notStarted) {
    const spec = fields(template["spec"]);
    for (const name of schedulingFields) {
      const kept = fields(oldTemplate["spec"])[name];
      if (has(kept)) spec[name] = kept;
      else delete spec[name];
    }
    template["metadata"] = {
      ...fields(template["metadata"]),
      labels: fields(oldTemplate["metadata"])["labels"],
      annotations: fields(oldTemplate["metadata"])["annotations"],
    };
  }
  if (!same(template, oldTemplate)) {
    errors.push(
      notStarted
        ? invalid(specPath.child("template", "spec"), template["spec"] ?? null, "field is immutable")
        : invalid(specPath.child("template"), template, "field is immutable"),
    );
  }
  for (const name of ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"]) {
    errors.push(...immutable(now[name] ?? null, before[name], specPath.child(name), identical));
  }
  return errors;
}

function completionChange(now: Fields, before: Fields): FieldError[] {
  const at = specPath.child("completions");
  if (same(now["completions"], before["completions"])) return [];
  if (now["completionMode"] !== "Indexed" || before["completionMode"] !== "Indexed") {
    return [invalid(at, now["completions"] ?? null, "field is immutable")];
  }
  if (!has(now["completions"]) || !has(before["completions"])) return [];
  if (int(now["completions"]) === int(now["parallelism"])) return [];
  return [invalid(at, now["completions"], "can only be modified in tandem with spec.parallelism")];
}
