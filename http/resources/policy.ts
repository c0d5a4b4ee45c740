/** policy/v1. */
import { pathSegmentErrors } from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource } from "../machinery/types.ts";
import { ageColumn, column, integerColumn, nameColumn, spec, status } from "./columns/column.ts";
import { has, int, text } from "./fields.ts";
import { keepStatus, row, statusSubresource } from "./row.ts";
import { invalid, nonnegative, oneOf, path } from "./validation/field.ts";
import { validateLabelSelector } from "./validation/labels.ts";
import { notMoreThanAll, validateIntOrPercent } from "./validation/workloads.ts";

const counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];

function validateBudget(budget: KubeObject): FieldError[] {
  const at = path("spec");
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec(budget);
  const errors: FieldError[] = [];
  if (has(minAvailable) && has(maxUnavailable)) {
    const shown = {
      MinAvailable: minAvailable,
      Selector: selector ?? null,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: policy ?? null,
    };
    errors.push(invalid(at, shown, "minAvailable and maxUnavailable cannot be both set"));
  }
  for (const [name, value] of [["minAvailable", minAvailable], ["maxUnavailable", maxUnavailable]] as const) {
    if (has(value)) {
      errors.push(...validateIntOrPercent(value, at.child(name)), ...notMoreThanAll(value, at.child(name)));
    }
  }
  errors.push(...validateLabelSelector(selector, at.child("selector")));
  if (has(policy)) {
    errors.push(...oneOf(text(policy), ["AlwaysAllow", "IfHealthyBudget"], at.child("unhealthyPodEvictionPolicy")));
  }
  return errors;
}

const limit = (value: unknown): string => has(value) ? String(value) : "N/A";

export const policyResources: readonly Resource[] = [
  row({
    group: "policy",
    version: "v1",
    resource: "poddisruptionbudgets",
    kind: "PodDisruptionBudget",
    shortNames: ["pdb"],
    subresources: { status: statusSubresource },
    columns: [
      nameColumn,
      column(
        "Min Available",
        "The minimum number of pods that must be available.",
        (budget) => limit(spec(budget)["minAvailable"]),
      ),
      column(
        "Max Unavailable",
        "The maximum number of pods that may be unavailable.",
        (budget) => limit(spec(budget)["maxUnavailable"]),
      ),
      integerColumn(
        "Allowed Disruptions",
        "Calculated number of pods that may be disrupted at this time.",
        (budget) => int(status(budget)["disruptionsAllowed"]),
      ),
      ageColumn,
    ],
    strategy: {
      prepareForCreate(budget) {
        budget["status"] = Object.fromEntries(counts.map((name) => [name, 0]));
      },
      validate: validateBudget,
      // Kubernetes never checks the name of a budget beyond what a URL needs.
      validateName: pathSegmentErrors,
      prepareForUpdate: keepStatus,
      validateUpdate: validateBudget,
      allowUnconditionalUpdate: false,
      validateStatusUpdate: (next) => counts.flatMap((name) => nonnegative(status(next)[name], path("status", name))),
    },
  }),
];
