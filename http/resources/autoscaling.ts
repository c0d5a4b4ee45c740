/** autoscaling/v2 and v1: one kind, stored in the form of v2. */
import { pathSegmentErrors } from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource, Strategy } from "../machinery/types.ts";
import { ageColumn, column, nameColumn, spec, status } from "./columns/column.ts";
import { metricsCell } from "./columns/metric_cells.ts";
import { fromStored, toStored } from "./autoscaling_versions.ts";
import { defaultTo, ensure, type Fields, fields, has, int, isFields, list, text } from "./fields.ts";
import { keepStatus, row, statusSubresource } from "./row.ts";
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
} from "./validation/field.ts";
import { validateLabelSelector } from "./validation/labels.ts";
import { quantityOf } from "../../machines/objects/quantity.ts";

const at = path("spec");
const sourceTypes = ["ContainerResource", "External", "Object", "Pods", "Resource"];
const sourceFields: Readonly<Record<string, string>> = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
};
const maxPeriod = 1800;
const maxWindow = 3600;

function setBehavior(given: Fields): void {
  const behavior = given["behavior"];
  if (!isFields(behavior)) return;
  const period = 15;
  const up = ensure(behavior, "scaleUp");
  defaultTo(up, {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [{ type: "Pods", value: 4, periodSeconds: period }, {
      type: "Percent",
      value: 100,
      periodSeconds: period,
    }],
  });
  const down = ensure(behavior, "scaleDown");
  defaultTo(down, { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: period }] });
}

function setDefaults(object: KubeObject): void {
  const given = ensure(object, "spec");
  defaultTo(given, { minReplicas: 1 });
  if (list(given["metrics"]).length === 0) {
    given["metrics"] = [{
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
    }];
  }
  setBehavior(given);
}

function validateReference(reference: Fields, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["kind", "name"]) {
    const value = text(reference[name]);
    if (value === "") errors.push(required(here.child(name)));
    else errors.push(...invalidFor(here.child(name), value, pathSegmentErrors(value)));
  }
  const apiVersion = text(reference["apiVersion"]);
  const place = here.child("apiVersion");
  const parts = apiVersion.split("/").length;
  if (parts > 2) errors.push(invalid(place, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  else if (parts < 2 && apiVersion !== "v1") {
    errors.push(invalid(place, apiVersion, "apiVersion must specify API group"));
  }
  return errors;
}

function validateTarget(target: Fields, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  const type = text(target["type"]);
  if (type === "") errors.push(required(here.child("type"), "must specify a metric target type"));
  if (type !== "Utilization" && type !== "Value" && type !== "AverageValue") {
    errors.push(invalid(here.child("type"), type, "must be either Utilization, Value, or AverageValue"));
  }
  for (const name of ["value", "averageValue"]) {
    const amount = target[name];
    if (has(amount) && quantityOf(amount).nano <= 0n) {
      errors.push(invalid(here.child(name), amount, "must be positive"));
    }
  }
  const utilization = target["averageUtilization"];
  if (has(utilization) && int(utilization) < 1) {
    errors.push(invalid(here.child("averageUtilization"), utilization, "must be greater than 0"));
  }
  return errors;
}

function validateResourceSource(source: Fields, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (text(source["name"]) === "") errors.push(required(here.child("name"), "must specify a resource name"));
  const target = fields(source["target"]);
  errors.push(...validateTarget(target, here.child("target")));
  if (!has(target["averageUtilization"]) && !has(target["averageValue"])) {
    errors.push(
      required(
        here.child("target", "averageUtilization"),
        "must set either a target raw value or a target utilization",
      ),
    );
  }
  if (has(target["averageUtilization"]) && has(target["averageValue"])) {
    errors.push(
      forbidden(here.child("target", "averageValue"), "may not set both a target raw value and a target utilization"),
    );
  }
  return errors;
}

function validateMetricName(metric: Fields, here: Path): FieldError[] {
  const name = text(metric["name"]);
  const errors = name === ""
    ? [required(here.child("name"), "must specify a metric name")]
    : invalidFor(here.child("name"), name, pathSegmentErrors(name));
  return has(metric["selector"])
    ? [...errors, ...validateLabelSelector(metric["selector"], here.child("selector"))]
    : errors;
}

const sources: Readonly<Record<string, (source: Fields, here: Path) => FieldError[]>> = {
  resource: validateResourceSource,
  containerResource(source, here) {
    const errors = validateResourceSource(source, here);
    return text(source["container"]) === ""
      ? [required(here.child("container"), "must specify a container name"), ...errors]
      : errors;
  },
  object: (source, here) => [
    ...validateReference(fields(source["describedObject"]), here.child("describedObject")),
    ...validateMetricName(fields(source["metric"]), here.child("metric")),
    ...validateTarget(fields(source["target"]), here.child("target")),
    ...(!has(fields(source["target"])["value"]) && !has(fields(source["target"])["averageValue"])
      ? [required(here.child("target", "averageValue"), "must set either a target value or averageValue")]
      : []),
  ],
  pods: (source, here) => [
    ...validateMetricName(fields(source["metric"]), here.child("metric")),
    ...validateTarget(fields(source["target"]), here.child("target")),
    ...(has(fields(source["target"])["averageValue"])
      ? []
      : [required(here.child("target", "averageValue"), "must specify a positive target averageValue")]),
  ],
  external(source, here) {
    const errors = [
      ...validateMetricName(fields(source["metric"]), here.child("metric")),
      ...validateTarget(fields(source["target"]), here.child("target")),
    ];
    const { value, averageValue } = fields(source["target"]);
    if (!has(value) && !has(averageValue)) {
      errors.push(
        required(here.child("target", "averageValue"), "must set either a target value for metric or a per-pod target"),
      );
    }
    if (has(value) && has(averageValue)) {
      errors.push(
        forbidden(here.child("target", "value"), "may not set both a target value for metric and a per-pod target"),
      );
    }
    return errors;
  },
};

function validateMetric(metric: Fields, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  const type = text(metric["type"]);
  if (type === "") errors.push(required(here.child("type"), "must specify a metric source type"));
  if (!sourceTypes.includes(type)) errors.push(notSupported(here.child("type"), type, sourceTypes));
  const expected = sourceFields[type];
  for (const [name, validate] of Object.entries(sources)) {
    if (!has(metric[name])) continue;
    if (expected === name || expected === undefined) errors.push(...validate(fields(metric[name]), here.child(name)));
    else errors.push(forbidden(here.child(name), "must populate the given metric source only"));
  }
  // Kubernetes says it again when it looks for the source.
  if (expected === undefined) errors.push(notSupported(here.child("type"), type, sourceTypes));
  if (expected !== undefined && !has(metric[expected])) {
    errors.push(required(here.child(expected), "must populate information for the given metric source"));
  }
  return errors;
}

function validateScalingRules(rules: unknown, here: Path): FieldError[] {
  if (!isFields(rules)) return [];
  const errors: FieldError[] = [];
  const window = rules["stabilizationWindowSeconds"];
  const place = here.child("stabilizationWindowSeconds");
  if (has(window) && int(window) < 0) errors.push(invalid(place, window, "must be greater than or equal to zero"));
  if (has(window) && int(window) > maxWindow) {
    errors.push(invalid(place, window, `must be less than or equal to ${maxWindow}`));
  }
  const select = rules["selectPolicy"];
  if (has(select)) errors.push(...oneOf(text(select), ["Disabled", "Max", "Min"], here.child("selectPolicy")));
  const policies = list(rules["policies"]);
  if (policies.length === 0) errors.push(required(here.child("policies"), "must specify at least one Policy"));
  policies.forEach((policy, index) => {
    const each = here.child("policies").index(index);
    errors.push(...oneOf(text(policy["type"]), ["Percent", "Pods"], each.child("type")));
    if (int(policy["value"]) <= 0) {
      errors.push(invalid(each.child("value"), int(policy["value"]), "must be greater than zero"));
    }
    const period = int(policy["periodSeconds"]);
    if (period <= 0) errors.push(invalid(each.child("periodSeconds"), period, "must be greater than zero"));
    if (period > maxPeriod) {
      errors.push(invalid(each.child("periodSeconds"), period, `must be less than or equal to ${maxPeriod}`));
    }
  });
  return errors;
}

/** The spec, in the form of v2. */
function validateAutoscaler(object: KubeObject): FieldError[] {
  const given = spec(object);
  const errors: FieldError[] = [];
  const { minReplicas, maxReplicas, metrics, behavior } = given;
  const needsOutside = list(metrics).some((metric) => metric["type"] === "Object" || metric["type"] === "External");
  if (has(minReplicas) && int(minReplicas) < (needsOutside ? 0 : 1)) {
    errors.push(
      invalid(at.child("minReplicas"), minReplicas, `must be greater than or equal to ${needsOutside ? 0 : 1}`),
    );
  }
  if (int(maxReplicas) === 0) errors.push(required(at.child("maxReplicas"), "must be set and greater than 0"));
  if (int(maxReplicas) < 0) {
    errors.push(invalid(at.child("maxReplicas"), int(maxReplicas), "must be greater than or equal to 1"));
  }
  if (has(minReplicas) && int(maxReplicas) < int(minReplicas)) {
    errors.push(invalid(at.child("maxReplicas"), int(maxReplicas), "must be greater than or equal to `minReplicas`"));
  }
  errors.push(...validateReference(fields(given["scaleTargetRef"]), at.child("scaleTargetRef")));
  list(metrics).forEach((metric, index) => errors.push(...validateMetric(metric, at.child("metrics").index(index))));
  if (has(minReplicas) && int(minReplicas) === 0 && !needsOutside) {
    errors.push(
      forbidden(
        at.child("metrics"),
        "must specify at least one Object or External metric to support scaling to zero replicas",
      ),
    );
  }
  for (const direction of ["scaleUp", "scaleDown"]) {
    errors.push(...validateScalingRules(fields(behavior)[direction], at.child("behavior", direction)));
  }
  return errors;
}

const counts = ["currentReplicas", "desiredReplicas"];

function strategy(toV2: (object: KubeObject) => KubeObject, rest: Strategy): Strategy {
  return {
    validate: (object) => validateAutoscaler(toV2(object)),
    prepareForUpdate: keepStatus,
    validateUpdate: (next) => validateAutoscaler(toV2(next)),
    validateStatusUpdate: (next) => counts.flatMap((name) => nonnegative(status(next)[name], path("status", name))),
    hasGeneration: false,
    ...rest,
  };
}

const columns = (toV2: (object: KubeObject) => KubeObject) => [
  nameColumn,
  column("Reference", { of: "autoscaling/v2/HorizontalPodAutoscalerSpec.scaleTargetRef" }, (object) => {
    const { kind, name } = fields(spec(object)["scaleTargetRef"]);
    return `${text(kind)}/${text(name)}`;
  }),
  column(
    "Targets",
    { of: "autoscaling/v2/HorizontalPodAutoscalerSpec.metrics" },
    (object) => metricsCell(toV2(object)),
  ),
  column(
    "MinPods",
    { of: "autoscaling/v2/HorizontalPodAutoscalerSpec.minReplicas" },
    (object) => has(spec(object)["minReplicas"]) ? String(spec(object)["minReplicas"]) : "<unset>",
  ),
  column(
    "MaxPods",
    { of: "autoscaling/v2/HorizontalPodAutoscalerSpec.maxReplicas" },
    (object) => int(spec(object)["maxReplicas"]),
  ),
  column(
    "Replicas",
    { of: "autoscaling/v2/HorizontalPodAutoscalerStatus.currentReplicas" },
    (object) => int(status(object)["currentReplicas"]),
  ),
  ageColumn,
];

const common = {
  group: "autoscaling",
  resource: "horizontalpodautoscalers",
  kind: "HorizontalPodAutoscaler",
  shortNames: ["hpa"],
  categories: ["all"],
  subresources: { status: statusSubresource },
} as const;

const itself = (object: KubeObject): KubeObject => object;

export const autoscalingResources: readonly Resource[] = [
  row({
    ...common,
    version: "v2",
    columns: columns(itself),
    strategy: strategy(itself, {
      setDefaults,
      prepareForCreate(object) {
        object["status"] = { desiredReplicas: 0, currentMetrics: null };
      },
    }),
  }),
  {
    ...row({
      ...common,
      version: "v1",
      columns: columns(toStored),
      strategy: strategy(toStored, {
        setDefaults: (object) => defaultTo(ensure(object, "spec"), { minReplicas: 1 }),
        prepareForCreate(object) {
          object["status"] = { currentReplicas: 0, desiredReplicas: 0 };
        },
      }),
    }),
    storedAs: { group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers", fromStored, toStored },
  },
];
