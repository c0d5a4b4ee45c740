/** TARGETS of a HorizontalPodAutoscaler: `cpu: 40%/50%`, current over wanted, `<unknown>` until it was measured. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import { canonicalQuantity } from "../../../machines/objects/quantity.ts";
import { type Fields, fields, has, int, list, text } from "../fields.ts";

const sourceFields: Readonly<Record<string, string>> = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
};
const maxShown = 2;

const amount = (value: unknown): string => canonicalQuantity(text(value));

function resourceCell(target: Fields, current: Fields): string {
  if (has(target["averageValue"])) {
    return `${has(current["averageValue"]) ? amount(current["averageValue"]) : "<unknown>"}/${
      amount(target["averageValue"])
    }`;
  }
  const wanted = has(target["averageUtilization"]) ? `${int(target["averageUtilization"])}%` : "<auto>";
  return `${has(current["averageUtilization"]) ? `${int(current["averageUtilization"])}%` : "<unknown>"}/${wanted}`;
}

function valueCell(target: Fields, current: Fields): string {
  const average = has(target["averageValue"]);
  const field = average ? "averageValue" : "value";
  return `${has(current[field]) ? amount(current[field]) : "<unknown>"}/${amount(target[field])}${
    average ? " (avg)" : ""
  }`;
}

function metricCell(metric: Fields, current: Fields | undefined): string {
  const type = text(metric["type"]);
  const field = sourceFields[type];
  if (field === undefined) return "<unknown type>";
  const source = fields(metric[field]);
  const target = fields(source["target"]);
  const measured = fields(fields(current?.[field])["current"]);
  switch (type) {
    case "Resource":
      return `${text(source["name"])}: ${resourceCell(target, measured)}`;
    case "ContainerResource":
      return `${text(source["name"])}: ${resourceCell(target, measured)}`;
    case "Pods":
      return `${has(measured["averageValue"]) ? amount(measured["averageValue"]) : "<unknown>"}/${
        amount(target["averageValue"])
      }`;
    default:
      return valueCell(target, measured);
  }
}

export function metricsCell(autoscaler: KubeObject): string {
  const metrics = list(fields(autoscaler["spec"])["metrics"]);
  if (metrics.length === 0) return "<none>";
  const current = list(fields(autoscaler["status"])["currentMetrics"]);
  const cells = metrics.map((metric, index) => metricCell(metric, current[index]));
  const shown = cells.slice(0, maxShown).join(", ");
  return cells.length > maxShown ? `${shown} + ${cells.length - maxShown} more...` : shown;
}
