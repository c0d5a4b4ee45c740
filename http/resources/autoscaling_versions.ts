/** A HorizontalPodAutoscaler of v1 as one of v2 and back. What v1 has no field for travels in annotations. */
import type { KubeObject } from "../../machines/objects/object.ts";
import { copy, type Fields, fields, has, int, isFields, list } from "./fields.ts";

const metricsNote = "autoscaling.alpha.kubernetes.io/metrics";
const currentNote = "autoscaling.alpha.kubernetes.io/current-metrics";
const conditionsNote = "autoscaling.alpha.kubernetes.io/conditions";
const behaviorNote = "autoscaling.alpha.kubernetes.io/behavior";
const notes = [metricsNote, currentNote, conditionsNote, behaviorNote];

function isCpuUtilization(metric: Fields): boolean {
  const resource = fields(metric["resource"]);
  return metric["type"] === "Resource" && resource["name"] === "cpu" &&
    has(fields(resource["target"])["averageUtilization"]);
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** v1 to v2. */
export function toStored(object: KubeObject): KubeObject {
  const made = copy(object);
  made.apiVersion = "autoscaling/v2";
  const annotations = { ...made.metadata?.annotations };
  const { targetCPUUtilizationPercentage: cpu, ...spec } = fields(made["spec"]);
  const metrics: unknown[] = [];
  if (has(cpu)) {
    metrics.push({
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: cpu } },
    });
  }
  const others = parsed(annotations[metricsNote]);
  if (Array.isArray(others)) metrics.push(...others);
  const behavior = parsed(annotations[behaviorNote]);
  made["spec"] = { ...spec, ...(metrics.length > 0 ? { metrics } : {}), ...(isFields(behavior) ? { behavior } : {}) };
  const { currentCPUUtilizationPercentage: current, ...status } = fields(made["status"]);
  const currentMetrics: unknown[] = [];
  if (has(current)) {
    currentMetrics.push({ type: "Resource", resource: { name: "cpu", current: { averageUtilization: current } } });
  }
  const otherCurrent = parsed(annotations[currentNote]);
  if (Array.isArray(otherCurrent)) currentMetrics.push(...otherCurrent);
  const conditions = parsed(annotations[conditionsNote]);
  made["status"] = {
    ...status,
    currentMetrics: currentMetrics.length > 0 ? currentMetrics : null,
    ...(Array.isArray(conditions) ? { conditions } : {}),
  };
  for (const note of notes) delete annotations[note];
  setAnnotations(made, annotations);
  return made;
}

/** v2 to v1. */
export function fromStored(object: KubeObject): KubeObject {
  const made = copy(object);
  made.apiVersion = "autoscaling/v1";
  const annotations = { ...made.metadata?.annotations };
  const { metrics, behavior, ...spec } = fields(made["spec"]);
  const cpu = list(metrics).find(isCpuUtilization);
  const others = list(metrics).filter((metric) => metric !== cpu);
  if (others.length > 0) annotations[metricsNote] = JSON.stringify(others);
  if (isFields(behavior)) annotations[behaviorNote] = JSON.stringify(behavior);
  const target = cpu === undefined ? undefined : fields(fields(cpu["resource"])["target"])["averageUtilization"];
  made["spec"] = { ...spec, ...(has(target) ? { targetCPUUtilizationPercentage: target } : {}) };
  const { currentMetrics, conditions, ...status } = fields(made["status"]);
  const isCurrentCpu = (metric: Fields): boolean =>
    metric["type"] === "Resource" && fields(metric["resource"])["name"] === "cpu" &&
    has(fields(fields(metric["resource"])["current"])["averageUtilization"]);
  const current = list(currentMetrics).find(isCurrentCpu);
  const otherCurrent = list(currentMetrics).filter((metric) => metric !== current);
  if (otherCurrent.length > 0) annotations[currentNote] = JSON.stringify(otherCurrent);
  if (list(conditions).length > 0) annotations[conditionsNote] = JSON.stringify(conditions);
  made["status"] = {
    ...status,
    currentReplicas: int(status["currentReplicas"]),
    desiredReplicas: int(status["desiredReplicas"]),
    ...(current === undefined
      ? {}
      : { currentCPUUtilizationPercentage: fields(fields(current["resource"])["current"])["averageUtilization"] }),
  };
  setAnnotations(made, annotations);
  return made;
}

function setAnnotations(object: KubeObject, annotations: Record<string, string>): void {
  if (Object.keys(annotations).length > 0) object.metadata.annotations = annotations;
  else delete object.metadata?.annotations;
}
