/** scheduling.k8s.io/v1, node.k8s.io/v1 and coordination.k8s.io/v1: small kinds of the cluster's own machinery. */
import { dns1123LabelErrors } from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource } from "../machinery/types.ts";
import { ageColumn, column, integerColumn, nameColumn, spec } from "./columns/column.ts";
import { defaultTo, type Fields, fields, has, identical, int, text } from "./fields.ts";
import { row } from "./row.ts";
import { validateTolerations } from "./validation/affinity.ts";
import {
  forbidden,
  immutable,
  invalidFor,
  nonnegative,
  notSupported,
  path,
  positive,
  required,
} from "./validation/field.ts";
import { validateLabels } from "./validation/labels.ts";
import { validateContainerResourceName, validateQuantity } from "./validation/resource_requirements.ts";

const systemPrefix = "system-";
const systemClasses: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};
const highestUserPriority = 1_000_000_000;
const policies = ["PreemptLowerPriority", "Never"];

function validateClass(priorityClass: KubeObject): FieldError[] {
  const { name } = priorityClass.metadata;
  const errors: FieldError[] = [];
  const value = int(priorityClass["value"]);
  if (text(name).startsWith(systemPrefix)) {
    if (systemClasses[name] !== value) {
      errors.push(
        forbidden(
          path("metadata", "name"),
          `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${
            name in systemClasses
              ? "value of the system class is not as expected"
              : `${name} is not a known system priority class`
          }`,
        ),
      );
    }
  } else if (value > highestUserPriority) {
    errors.push(forbidden(path("value"), `maximum allowed value of a user defined priority is ${highestUserPriority}`));
  }
  const policy = priorityClass["preemptionPolicy"];
  if (has(policy)) {
    if (policy === "") errors.push(required(path("preemptionPolicy")));
    else if (!policies.includes(text(policy))) errors.push(notSupported(path("preemptionPolicy"), policy, policies));
  }
  return errors;
}

function validateClassUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  return [
    ...(int(next["value"]) === int(old["value"]) ? [] : [forbidden(path("value"), "may not be changed in an update.")]),
    ...immutable(next["preemptionPolicy"] ?? null, old["preemptionPolicy"], path("preemptionPolicy"), identical),
  ];
}

function validateRuntimeClass(runtimeClass: KubeObject): FieldError[] {
  const handler = text(runtimeClass["handler"]);
  const errors = handler === ""
    ? [required(path("handler"))]
    : invalidFor(path("handler"), handler, dns1123LabelErrors(handler));
  for (const [name, amount] of Object.entries(fields(fields(runtimeClass["overhead"])["podFixed"]))) {
    const at = path("overhead", "limits").key(name);
    errors.push(...validateContainerResourceName(name, at), ...validateQuantity(name, amount, at));
  }
  const scheduling: Fields = fields(runtimeClass["scheduling"]);
  errors.push(...validateLabels(scheduling["nodeSelector"], path("scheduling", "nodeSelector")));
  return [...errors, ...validateTolerations(scheduling["tolerations"], path("scheduling", "tolerations"))];
}

function validateLease(lease: KubeObject): FieldError[] {
  const given = spec(lease);
  return [
    ...positive(given["leaseDurationSeconds"], path("spec", "leaseDurationSeconds")),
    ...nonnegative(given["leaseTransitions"], path("spec", "leaseTransitions")),
  ];
}

export const schedulingResources: readonly Resource[] = [
  row({
    group: "scheduling.k8s.io",
    version: "v1",
    resource: "priorityclasses",
    kind: "PriorityClass",
    namespaced: false,
    shortNames: ["pc"],
    columns: [
      nameColumn,
      integerColumn("Value", { of: "scheduling.k8s.io/v1/PriorityClass.value" }, (object) => int(object["value"])),
      column(
        "Global-Default",
        { of: "scheduling.k8s.io/v1/PriorityClass.globalDefault" },
        (object) => object["globalDefault"] === true,
        { type: "boolean" },
      ),
      ageColumn,
      column(
        "PreemptionPolicy",
        { of: "scheduling.k8s.io/v1/PriorityClass.preemptionPolicy" },
        (object) => text(object["preemptionPolicy"]),
      ),
    ],
    strategy: {
      setDefaults: (object) => defaultTo(object, { preemptionPolicy: "PreemptLowerPriority" }),
      validate: validateClass,
      validateUpdate: validateClassUpdate,
      hasGeneration: true,
    },
  }),
];

export const nodeResources: readonly Resource[] = [
  row({
    group: "node.k8s.io",
    version: "v1",
    resource: "runtimeclasses",
    kind: "RuntimeClass",
    namespaced: false,
    columns: [nameColumn, column("Handler", "", (object) => text(object["handler"])), ageColumn],
    strategy: {
      validate: validateRuntimeClass,
      allowUnconditionalUpdate: false,
      validateUpdate: (next, old) => [
        ...validateRuntimeClass(next),
        ...immutable(next["handler"] ?? "", old["handler"], path("handler"), identical),
      ],
    },
  }),
];

export const coordinationResources: readonly Resource[] = [
  row({
    group: "coordination.k8s.io",
    version: "v1",
    resource: "leases",
    kind: "Lease",
    columns: [
      nameColumn,
      column(
        "Holder",
        { of: "coordination.k8s.io/v1/LeaseSpec.holderIdentity" },
        (lease) => text(spec(lease)["holderIdentity"]),
      ),
      ageColumn,
    ],
    strategy: {
      validate: validateLease,
      validateUpdate: validateLease,
      hasGeneration: false,
      allowCreateOnUpdate: true,
      allowUnconditionalUpdate: false,
    },
  }),
];
