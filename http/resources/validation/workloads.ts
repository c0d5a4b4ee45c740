/** Rules of the kinds that keep copies of a pod template: Deployment, ReplicaSet, StatefulSet, DaemonSet, RC. */
import { dns1123LabelErrors, percentErrors } from "../../../machines/objects/names.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, int, isFields, list, same, text } from "../fields.ts";
import { validateClaimSpec } from "./claim_spec.ts";
import {
  forbidden,
  invalid,
  invalidFor,
  nonnegative,
  notSupported,
  oneOf,
  type Path,
  path,
  required,
} from "./field.ts";
import {
  isEmptySelector,
  selectorMatches,
  validateAnnotations,
  validateLabels,
  validateLabelSelector,
} from "./labels.ts";
import { validatePodTemplate } from "./pod_spec.ts";

/** A count or a percentage. */
export function validateIntOrPercent(value: unknown, at: Path): FieldError[] {
  if (typeof value === "string") return invalidFor(at, value, percentErrors(value));
  return nonnegative(value, at);
}

export function notMoreThanAll(value: unknown, at: Path): FieldError[] {
  if (typeof value !== "string" || percentErrors(value).length > 0 || Number.parseInt(value) <= 100) return [];
  return [invalid(at, value, "must not be greater than 100%")];
}

const amount = (value: unknown): number => typeof value === "string" ? Number.parseInt(value) || 0 : int(value);

/** A map as Go prints it: `null` when it was never made. */
export const orNull = (value: unknown): unknown => has(value) ? value : null;

interface TemplateRules {
  /** Name of the kind in the text about deadlines. */
  readonly kind: string;
}

function validateTemplate(spec: Fields, selector: unknown, at: Path, { kind }: TemplateRules): FieldError[] {
  const template = spec["template"];
  const here = at.child("template");
  if (!isFields(template)) return [required(here)];
  const errors: FieldError[] = [];
  const labels = fields(template["metadata"])["labels"];
  if (!has(selector) || !isEmptySelector(selector) && !selectorMatches(selector, labels)) {
    errors.push(
      invalid(here.child("metadata", "labels"), orNull(labels), "`selector` does not match template `labels`"),
    );
  }
  errors.push(...validatePodTemplate(template, here));
  errors.push(...alwaysRestarted(fields(template["spec"]), here.child("spec"), kind));
  return errors;
}

function alwaysRestarted(podSpec: Fields, at: Path, kind: string): FieldError[] {
  const errors: FieldError[] = [];
  const policy = text(podSpec["restartPolicy"]);
  if (policy !== "Always") errors.push(notSupported(at.child("restartPolicy"), policy, ["Always"]));
  if (has(podSpec["activeDeadlineSeconds"])) {
    errors.push(forbidden(at.child("activeDeadlineSeconds"), `activeDeadlineSeconds in ${kind} is not Supported`));
  }
  return errors;
}

/** @returns whether the selector can be used, too: with a broken one the template is not looked at. */
function validateSelector(
  spec: Fields,
  at: Path,
  emptyText: string,
  brokenText = "invalid label selector",
): { errors: FieldError[]; usable: boolean } {
  const selector = spec["selector"];
  const here = at.child("selector");
  if (!has(selector)) return { errors: [required(here)], usable: true };
  const errors = validateLabelSelector(selector, here);
  const broken = errors.length > 0;
  if (isEmptySelector(selector)) errors.push(invalid(here, selector, emptyText));
  if (broken) errors.push(invalid(here, selector, brokenText));
  return { errors, usable: !broken };
}

const spec = path("spec");

function strategyDump(strategy: Fields): unknown {
  const rolling = strategy["rollingUpdate"];
  return {
    Type: text(strategy["type"]),
    RollingUpdate: isFields(rolling)
      ? { MaxUnavailable: rolling["maxUnavailable"] ?? 0, MaxSurge: rolling["maxSurge"] ?? 0 }
      : null,
  };
}

function validateDeploymentStrategy(strategy: Fields, at: Path): FieldError[] {
  const rolling = strategy["rollingUpdate"];
  const here = at.child("rollingUpdate");
  switch (text(strategy["type"])) {
    case "Recreate":
      return has(rolling) ? [forbidden(here, "may not be specified when strategy `type` is 'Recreate'")] : [];
    case "RollingUpdate": {
      if (!isFields(rolling)) return [required(here, "this should be defaulted and never be nil")];
      const { maxUnavailable, maxSurge } = rolling;
      const errors = [
        ...validateIntOrPercent(maxUnavailable, here.child("maxUnavailable")),
        ...validateIntOrPercent(maxSurge, here.child("maxSurge")),
      ];
      if (amount(maxUnavailable) === 0 && amount(maxSurge) === 0) {
        errors.push(invalid(here.child("maxUnavailable"), maxUnavailable ?? 0, "may not be 0 when `maxSurge` is 0"));
      }
      return [...errors, ...notMoreThanAll(maxUnavailable, here.child("maxUnavailable"))];
    }
    default:
      return [notSupported(at, strategyDump(strategy), ["Recreate", "RollingUpdate"])];
  }
}

export function validateDeploymentSpec(given: Fields): FieldError[] {
  const errors = nonnegative(given["replicas"], spec.child("replicas"));
  const selector = validateSelector(given, spec, "empty selector is invalid for deployment");
  errors.push(...selector.errors);
  if (selector.usable) errors.push(...validateTemplate(given, given["selector"], spec, { kind: "ReplicaSet" }));
  errors.push(...validateDeploymentStrategy(fields(given["strategy"]), spec.child("strategy")));
  for (const name of ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"]) {
    errors.push(...nonnegative(given[name], spec.child(name)));
  }
  const deadline = given["progressDeadlineSeconds"];
  if (has(deadline) && int(deadline) <= int(given["minReadySeconds"])) {
    errors.push(invalid(spec.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds"));
  }
  return errors;
}

export function validateReplicaSetSpec(given: Fields): FieldError[] {
  const errors = [
    ...nonnegative(given["replicas"], spec.child("replicas")),
    ...nonnegative(given["minReadySeconds"], spec.child("minReadySeconds")),
  ];
  const selector = validateSelector(given, spec, "empty selector is invalid for deployment");
  errors.push(...selector.errors);
  if (selector.usable) errors.push(...validateTemplate(given, given["selector"], spec, { kind: "ReplicaSet" }));
  return errors;
}

export function validateReplicationControllerSpec(given: Fields): FieldError[] {
  const errors = [...nonnegative(given["minReadySeconds"], spec.child("minReadySeconds"))];
  const selector = fields(given["selector"]);
  if (Object.keys(selector).length === 0) errors.push(required(spec.child("selector")));
  errors.push(...nonnegative(given["replicas"], spec.child("replicas")));
  return [...errors, ...validateTemplate(given, { matchLabels: selector }, spec, { kind: "ReplicationController" })];
}

function validateStatefulStrategy(strategy: Fields, at: Path): FieldError[] {
  const rolling = strategy["rollingUpdate"];
  const dump = {
    Type: text(strategy["type"]),
    RollingUpdate: isFields(rolling)
      ? { Partition: rolling["partition"] ?? 0, MaxUnavailable: rolling["maxUnavailable"] ?? null }
      : null,
  };
  switch (text(strategy["type"])) {
    case "":
      return [required(at)];
    case "OnDelete":
      return has(rolling)
        ? [invalid(at.child("rollingUpdate"), dump.RollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")]
        : [];
    case "RollingUpdate": {
      if (!isFields(rolling)) return [];
      const here = at.child("rollingUpdate");
      const errors = nonnegative(rolling["partition"], here.child("partition"));
      const unavailable = rolling["maxUnavailable"];
      if (!has(unavailable)) return errors;
      errors.push(...validateIntOrPercent(unavailable, here.child("maxUnavailable")));
      if (amount(unavailable) === 0) errors.push(invalid(here.child("maxUnavailable"), unavailable, "cannot be 0"));
      return [...errors, ...notMoreThanAll(unavailable, here.child("maxUnavailable"))];
    }
    default:
      return [invalid(at, dump, "must be 'RollingUpdate' or 'OnDelete'")];
  }
}

/** @param isNew claim templates never change, so only a new set's are checked. */
export function validateStatefulSetSpec(given: Fields, isNew: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const management = text(given["podManagementPolicy"]);
  const here = spec.child("podManagementPolicy");
  if (management === "") errors.push(required(here));
  else if (management !== "OrderedReady" && management !== "Parallel") {
    errors.push(invalid(here, management, "must be 'OrderedReady' or 'Parallel'"));
  }
  errors.push(...validateStatefulStrategy(fields(given["updateStrategy"]), spec.child("updateStrategy")));
  const retention = fields(given["persistentVolumeClaimRetentionPolicy"]);
  for (const name of ["whenDeleted", "whenScaled"]) {
    errors.push(
      ...oneOf(text(retention[name]), ["Retain", "Delete"], spec.child("persistentVolumeClaimRetentionPolicy", name)),
    );
  }
  errors.push(...nonnegative(given["replicas"], spec.child("replicas")));
  errors.push(...nonnegative(given["minReadySeconds"], spec.child("minReadySeconds")));
  errors.push(...nonnegative(fields(given["ordinals"])["start"], spec.child("ordinals", "start")));
  if (isNew) errors.push(...validateClaimTemplates(given));
  const selector = validateSelector(given, spec, "empty selector is invalid for statefulset", "");
  errors.push(...selector.errors);
  if (selector.usable) {
    const withClaims = { ...given, template: templateWithClaims(given) };
    errors.push(...validateTemplate(withClaims, given["selector"], spec, { kind: "StatefulSet" }));
    // Kubernetes checks a set's template labels and annotations twice.
    const { labels, annotations } = fields(fields(given["template"])["metadata"]);
    errors.push(...validateLabels(labels, spec.child("template", "labels")));
    errors.push(...validateAnnotations(annotations, spec.child("template", "annotations")));
  }
  const serviceName = text(given["serviceName"]);
  if (serviceName !== "") {
    errors.push(...invalidFor(spec.child("serviceName"), serviceName, dns1123LabelErrors(serviceName)));
  }
  return errors;
}

function validateClaimTemplates(given: Fields): FieldError[] {
  return list(given["volumeClaimTemplates"]).flatMap((claim, index) =>
    validateClaimSpec(fields(claim["spec"]), spec.child("volumeClaimTemplates").index(index).child("spec"))
  );
}

/** The template as its pods will have it: every claim template is a volume, in place of one of the same name. */
function templateWithClaims(given: Fields): Fields {
  const template = fields(given["template"]);
  const podSpec = fields(template["spec"]);
  const names = list(given["volumeClaimTemplates"]).map((claim) => text(fields(claim["metadata"])["name"]));
  const own = list(podSpec["volumes"]).filter((volume) => !names.includes(text(volume["name"])));
  const claimed = names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  return { ...template, spec: { ...podSpec, volumes: [...claimed, ...own] } };
}

const statefulMutable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];
const statefulText =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
  "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export function validateStatefulSetUpdate(next: Fields, old: Fields): FieldError[] {
  const names = new Set([...Object.keys(next), ...Object.keys(old)]);
  for (const name of names) {
    if (!statefulMutable.includes(name) && !same(withoutStatus(next[name]), withoutStatus(old[name]))) {
      return [forbidden(spec, statefulText)];
    }
  }
  return [];
}

function withoutStatus(value: unknown): unknown {
  return Array.isArray(value) ? list(value).map(({ status: _status, ...rest }) => rest) : value;
}

function validateDaemonStrategy(strategy: Fields, at: Path): FieldError[] {
  const rolling = strategy["rollingUpdate"];
  const here = at.child("rollingUpdate");
  switch (text(strategy["type"])) {
    case "OnDelete":
      return [];
    case "RollingUpdate": {
      if (!isFields(rolling)) return [required(here)];
      const { maxUnavailable, maxSurge } = rolling;
      const errors = [
        ...validateIntOrPercent(maxUnavailable, here.child("maxUnavailable")),
        ...validateIntOrPercent(maxSurge, here.child("maxSurge")),
      ];
      if (amount(maxUnavailable) !== 0 && amount(maxSurge) !== 0) {
        errors.push(invalid(here.child("maxSurge"), maxSurge, "may not be set when maxUnavailable is non-zero"));
      }
      if (amount(maxUnavailable) === 0 && amount(maxSurge) === 0) {
        errors.push(required(here.child("maxUnavailable"), "cannot be 0 when maxSurge is 0"));
      }
      return [
        ...errors,
        ...notMoreThanAll(maxUnavailable, here.child("maxUnavailable")),
        ...notMoreThanAll(maxSurge, here.child("maxSurge")),
      ];
    }
    default:
      return [notSupported(at, strategyDump(strategy), ["RollingUpdate", "OnDelete"])];
  }
}

export function validateDaemonSetSpec(given: Fields): FieldError[] {
  const selector = given["selector"];
  const errors = validateLabelSelector(selector, spec.child("selector"));
  const usable = errors.length === 0;
  const labels = fields(fields(given["template"])["metadata"])["labels"];
  if (usable && (!has(selector) || !isEmptySelector(selector) && !selectorMatches(selector, labels))) {
    errors.push(
      invalid(
        spec.child("template", "metadata", "labels"),
        orNull(labels),
        "`selector` does not match template `labels`",
      ),
    );
  }
  if (has(selector) && isEmptySelector(selector)) {
    errors.push(invalid(spec.child("selector"), selector, "empty selector is invalid for daemonset"));
  }
  const here = spec.child("template");
  errors.push(...validatePodTemplate(given["template"], here));
  errors.push(...alwaysRestarted(fields(fields(given["template"])["spec"]), here.child("spec"), "DaemonSet"));
  errors.push(...nonnegative(given["minReadySeconds"], spec.child("minReadySeconds")));
  errors.push(...validateDaemonStrategy(fields(given["updateStrategy"]), spec.child("updateStrategy")));
  return [...errors, ...nonnegative(given["revisionHistoryLimit"], spec.child("revisionHistoryLimit"))];
}
