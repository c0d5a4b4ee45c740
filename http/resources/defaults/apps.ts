/** Defaults of the workload kinds. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import { defaultText, defaultTo, ensure, fields, has, isFields, list } from "../fields.ts";
import { setClaimSpecDefaults, setPodTemplateDefaults } from "./pod_spec.ts";

const specOf = (object: KubeObject) => ensure(object, "spec");

export function setDeploymentDefaults(object: KubeObject): void {
  const spec = specOf(object);
  setPodTemplateDefaults(spec);
  defaultTo(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const strategy = ensure(spec, "strategy");
  defaultText(strategy, { type: "RollingUpdate" });
  if (strategy["type"] === "RollingUpdate") {
    defaultTo(ensure(strategy, "rollingUpdate"), { maxUnavailable: "25%", maxSurge: "25%" });
  }
}

export function setReplicaSetDefaults(object: KubeObject): void {
  const spec = specOf(object);
  setPodTemplateDefaults(spec);
  defaultTo(spec, { replicas: 1 });
}

export function setDaemonSetDefaults(object: KubeObject): void {
  const spec = specOf(object);
  setPodTemplateDefaults(spec);
  const strategy = ensure(spec, "updateStrategy");
  defaultText(strategy, { type: "RollingUpdate" });
  if (strategy["type"] === "RollingUpdate") {
    defaultTo(ensure(strategy, "rollingUpdate"), { maxUnavailable: 1, maxSurge: 0 });
  }
  defaultTo(spec, { revisionHistoryLimit: 10 });
  object.metadata.annotations = { [templateGeneration]: "0", ...object.metadata.annotations };
}

/** apps/v1 has no field for the generation of a DaemonSet's template; an annotation carries it. */
export const templateGeneration = "deprecated.daemonset.template.generation";

export function setStatefulSetDefaults(object: KubeObject): void {
  const spec = specOf(object);
  setPodTemplateDefaults(spec);
  defaultText(spec, { podManagementPolicy: "OrderedReady" });
  const strategy = ensure(spec, "updateStrategy");
  defaultText(strategy, { type: "RollingUpdate" });
  if (strategy["type"] === "RollingUpdate") defaultTo(ensure(strategy, "rollingUpdate"), { partition: 0 });
  defaultText(ensure(spec, "persistentVolumeClaimRetentionPolicy"), { whenDeleted: "Retain", whenScaled: "Retain" });
  defaultTo(spec, { replicas: 1, revisionHistoryLimit: 10 });
  for (const claim of list(spec["volumeClaimTemplates"])) {
    defaultText(claim, { apiVersion: "v1", kind: "PersistentVolumeClaim" });
    ensure(claim, "metadata");
    setClaimSpecDefaults(ensure(claim, "spec"));
    defaultText(ensure(claim, "status"), { phase: "Pending" });
  }
}

export function setReplicationControllerDefaults(object: KubeObject): void {
  const spec = specOf(object);
  if (isFields(spec["template"])) setPodTemplateDefaults(spec);
  const labels = fields(fields(fields(spec["template"])["metadata"])["labels"]);
  if (Object.keys(labels).length > 0) {
    if (Object.keys(fields(spec["selector"])).length === 0) spec["selector"] = { ...labels };
    if (Object.keys(object.metadata.labels ?? {}).length === 0) {
      object.metadata.labels = { ...labels } as Record<string, string>;
    }
  }
  defaultTo(spec, { replicas: 1 });
}

/** spec of a Job. */
function setJobSpecDefaults(spec: Record<string, unknown>): void {
  if (!has(spec["completions"]) && !has(spec["parallelism"])) Object.assign(spec, { completions: 1, parallelism: 1 });
  defaultTo(spec, {
    parallelism: 1,
    backoffLimit: has(spec["backoffLimitPerIndex"]) ? 2147483647 : 6,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: has(spec["podFailurePolicy"]) ? "Failed" : "TerminatingOrFailed",
  });
  for (const rule of list(fields(spec["podFailurePolicy"])["rules"])) {
    for (const pattern of list(rule["onPodConditions"])) defaultText(pattern, { status: "True" });
  }
}

export function setJobDefaults(object: KubeObject): void {
  const spec = specOf(object);
  setPodTemplateDefaults(spec);
  setJobSpecDefaults(spec);
  const labels = fields(fields(fields(spec["template"])["metadata"])["labels"]);
  if (Object.keys(object.metadata.labels ?? {}).length === 0 && Object.keys(labels).length > 0) {
    object.metadata.labels = { ...labels } as Record<string, string>;
  }
}

/** The Jobs that a CronJob makes get their defaults when they are made; only their pods get them here. */
export function setCronJobDefaults(object: KubeObject): void {
  const spec = specOf(object);
  defaultText(spec, { concurrencyPolicy: "Allow" });
  defaultTo(spec, { suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
  const template = ensure(spec, "jobTemplate");
  ensure(template, "metadata");
  setPodTemplateDefaults(ensure(template, "spec"));
  for (const rule of list(fields(fields(template["spec"])["podFailurePolicy"])["rules"])) {
    for (const pattern of list(rule["onPodConditions"])) defaultText(pattern, { status: "True" });
  }
}
