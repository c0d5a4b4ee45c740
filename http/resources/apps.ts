/** apps/v1. */
import { warnOfTemplate } from "./validation/pod_warnings.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource, Strategy } from "../machinery/types.ts";
import {
  ageColumn,
  column,
  formatLabels,
  integerColumn,
  nameColumn,
  selectorCell,
  spec,
  status,
  wide,
  wideContainerColumns,
} from "./columns/column.ts";
import {
  setDaemonSetDefaults,
  setDeploymentDefaults,
  setReplicaSetDefaults,
  setStatefulSetDefaults,
  templateGeneration,
} from "./defaults/apps.ts";
import { ensure, type Fields, fields, has, identical, int, list, same } from "./fields.ts";
import { keepStatus, row, scaleSubresource, statusSubresource } from "./row.ts";
import { labelName } from "./validation/metadata.ts";
import { immutable, nonnegative, path, required } from "./validation/field.ts";
import {
  validateDaemonSetSpec,
  validateDeploymentSpec,
  validateReplicaSetSpec,
  validateStatefulSetSpec,
  validateStatefulSetUpdate,
} from "./validation/workloads.ts";
import { validateReplicaCounts } from "./validation/status_counts.ts";

const group = "apps";
const version = "v1";
const categories = ["all"];
const selectorPath = path("spec", "selector");

/** A strategy whose spec is checked by one function and whose selector never changes. */
function workload(given: {
  readonly setDefaults: (object: KubeObject) => void;
  readonly initialStatus: () => Fields;
  readonly validate: (spec: Fields) => FieldError[];
  readonly update?: (next: Fields, old: Fields) => FieldError[];
  readonly counts: readonly string[];
  readonly also?: Partial<Strategy>;
}): Strategy {
  return {
    setDefaults: given.setDefaults,
    prepareForCreate(object) {
      object["status"] = given.initialStatus();
    },
    validate: (object) => given.validate(spec(object)),
    prepareForUpdate: keepStatus,
    validateUpdate: (next, old) => [
      ...given.validate(spec(next)),
      ...(given.update ?? immutableSelector)(spec(next), spec(old)),
    ],
    warnings: warnOfTemplate(["spec", "template"], true),
    validateStatusUpdate: (next) => validateReplicaCounts(status(next), given.counts),
    ...given.also,
  };
}

function immutableSelector(next: Fields, old: Fields): FieldError[] {
  return immutable(next["selector"] ?? null, old["selector"], selectorPath, identical);
}

const deploymentColumns = [
  nameColumn,
  column(
    "Ready",
    "Number of the pod with ready state",
    (object) => `${int(status(object)["readyReplicas"])}/${int(spec(object)["replicas"])}`,
  ),
  column(
    "Up-to-date",
    { of: "apps/v1/DeploymentStatus.updatedReplicas" },
    (object) => int(status(object)["updatedReplicas"]),
  ),
  column(
    "Available",
    { of: "apps/v1/DeploymentStatus.availableReplicas" },
    (object) => int(status(object)["availableReplicas"]),
  ),
  ageColumn,
  ...wideContainerColumns(),
  wide(
    column("Selector", { of: "apps/v1/DeploymentSpec.selector" }, (object) => selectorCell(spec(object)["selector"])),
  ),
];

const replicaSetColumns = [
  nameColumn,
  integerColumn("Desired", { of: "apps/v1/ReplicaSetSpec.replicas" }, (object) => int(spec(object)["replicas"])),
  integerColumn("Current", { of: "apps/v1/ReplicaSetStatus.replicas" }, (object) => int(status(object)["replicas"])),
  integerColumn(
    "Ready",
    { of: "apps/v1/ReplicaSetStatus.readyReplicas" },
    (object) => int(status(object)["readyReplicas"]),
  ),
  ageColumn,
  ...wideContainerColumns(),
  wide(
    column("Selector", { of: "apps/v1/ReplicaSetSpec.selector" }, (object) => selectorCell(spec(object)["selector"])),
  ),
];

const statefulSetColumns = [
  nameColumn,
  column(
    "Ready",
    "Number of the pod with ready state",
    (object) => `${int(status(object)["readyReplicas"])}/${int(spec(object)["replicas"])}`,
  ),
  ageColumn,
  ...wideContainerColumns(),
];

const daemonCount = (name: string, field: string) =>
  integerColumn(name, { of: `apps/v1/DaemonSetStatus.${field}` }, (object) => int(status(object)[field]));

const daemonSetColumns = [
  nameColumn,
  daemonCount("Desired", "desiredNumberScheduled"),
  daemonCount("Current", "currentNumberScheduled"),
  daemonCount("Ready", "numberReady"),
  daemonCount("Up-to-date", "updatedNumberScheduled"),
  daemonCount("Available", "numberAvailable"),
  column("Node Selector", { of: "v1/PodSpec.nodeSelector" }, (object) => {
    return formatLabels(fields(fields(spec(object)["template"])["spec"])["nodeSelector"]);
  }),
  ageColumn,
  ...wideContainerColumns(),
  wide(
    column("Selector", { of: "apps/v1/DaemonSetSpec.selector" }, (object) => selectorCell(spec(object)["selector"])),
  ),
];

function setTemplateGeneration(object: KubeObject, generation: number): void {
  object.metadata.annotations = { ...object.metadata.annotations, [templateGeneration]: String(generation) };
}

function controllerName(object: KubeObject): string {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner === undefined) return "<none>";
  const slash = owner.apiVersion.indexOf("/");
  const suffix = slash < 0 ? "" : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${suffix}/${owner.name}`;
}

export const appsResources: readonly Resource[] = [
  row({
    group,
    version,
    resource: "controllerrevisions",
    kind: "ControllerRevision",
    columns: [
      nameColumn,
      column("Controller", "Controller of the object", controllerName),
      column("Revision", { of: "apps/v1/ControllerRevision.revision" }, (object) => int(object["revision"])),
      ageColumn,
    ],
    strategy: {
      validate(object) {
        const errors = nonnegative(int(object["revision"]), path("revision"));
        return has(object["data"]) ? errors : [...errors, required(path("data"), "data is mandatory")];
      },
      validateUpdate: (next, old) => [
        ...nonnegative(int(next["revision"]), path("revision")),
        ...immutable(next["data"] ?? null, old["data"], path("data"), same),
      ],
    },
  }),
  row({
    group,
    version,
    resource: "daemonsets",
    kind: "DaemonSet",
    shortNames: ["ds"],
    categories,
    subresources: { status: statusSubresource },
    columns: daemonSetColumns,
    strategy: workload({
      setDefaults: setDaemonSetDefaults,
      initialStatus: () => ({
        currentNumberScheduled: 0,
        numberMisscheduled: 0,
        desiredNumberScheduled: 0,
        numberReady: 0,
      }),
      validate: validateDaemonSetSpec,
      counts: [
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "observedGeneration",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
        "collisionCount",
      ],
      also: {
        prepareForCreate(object) {
          object["status"] = {
            currentNumberScheduled: 0,
            numberMisscheduled: 0,
            desiredNumberScheduled: 0,
            numberReady: 0,
          };
          setTemplateGeneration(object, 1);
        },
        validateUpdate: (
          next,
          old,
        ) => [...immutableSelector(spec(next), spec(old)), ...validateDaemonSetSpec(spec(next))],
        prepareForUpdate(next, old, context) {
          keepStatus(next, old, context);
          const before = Number(old.metadata.annotations?.[templateGeneration] ?? "1");
          const changed = !same(spec(next)["template"], spec(old)["template"]);
          setTemplateGeneration(next, changed ? before + 1 : before);
        },
      },
    }),
  }),
  row({
    group,
    version,
    resource: "deployments",
    kind: "Deployment",
    shortNames: ["deploy"],
    categories,
    subresources: { scale: scaleSubresource, status: statusSubresource },
    columns: deploymentColumns,
    strategy: workload({
      setDefaults: setDeploymentDefaults,
      initialStatus: () => ({}),
      validate: validateDeploymentSpec,
      counts: [
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "collisionCount",
      ],
    }),
  }),
  row({
    group,
    version,
    resource: "replicasets",
    kind: "ReplicaSet",
    shortNames: ["rs"],
    categories,
    subresources: { scale: scaleSubresource, status: statusSubresource },
    columns: replicaSetColumns,
    strategy: workload({
      setDefaults: setReplicaSetDefaults,
      initialStatus: () => ({ replicas: 0 }),
      validate: validateReplicaSetSpec,
      counts: ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"],
      also: { selectableFields: { "status.replicas": (object) => String(int(status(object)["replicas"])) } },
    }),
  }),
  row({
    group,
    version,
    resource: "statefulsets",
    kind: "StatefulSet",
    shortNames: ["sts"],
    categories,
    subresources: { scale: scaleSubresource, status: statusSubresource },
    columns: statefulSetColumns,
    strategy: workload({
      setDefaults: setStatefulSetDefaults,
      initialStatus: () => ({ replicas: 0, availableReplicas: 0 }),
      validate: (given) => validateStatefulSetSpec(given, false),
      update: validateStatefulSetUpdate,
      counts: [
        "replicas",
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
        "observedGeneration",
        "collisionCount",
      ],
      also: {
        validateName: labelName,
        validate: (object) => validateStatefulSetSpec(spec(object), true),
        prepareForCreate(object) {
          object["status"] = { replicas: 0, availableReplicas: 0 };
          for (const claim of list(ensure(object, "spec")["volumeClaimTemplates"])) {
            claim["status"] = { phase: "Pending" };
          }
        },
      },
    }),
  }),
];
