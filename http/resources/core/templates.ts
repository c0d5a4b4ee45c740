/** podtemplates and replicationcontrollers. */
import { warnOfTemplate } from "../validation/pod_warnings.ts";
import type { Resource } from "../../machinery/types.ts";
import {
  ageColumn,
  column,
  containerColumns,
  formatLabels,
  integerColumn,
  nameColumn,
  spec,
  status,
  wide,
  wideContainerColumns,
} from "../columns/column.ts";
import { setReplicationControllerDefaults } from "../defaults/apps.ts";
import { setPodTemplateDefaults } from "../defaults/pod_spec.ts";
import { fields, int } from "../fields.ts";
import { keepStatus, row, scaleSubresource, statusSubresource } from "../row.ts";
import { path } from "../validation/field.ts";
import { validatePodTemplate } from "../validation/pod_spec.ts";
import { validateReplicaCounts } from "../validation/status_counts.ts";
import { validateReplicationControllerSpec } from "../validation/workloads.ts";

export const podTemplates: Resource = row({
  group: "",
  version: "v1",
  resource: "podtemplates",
  kind: "PodTemplate",
  columns: [
    nameColumn,
    ...containerColumns((object) => fields(fields(object["template"])["spec"])),
    column(
      "Pod Labels",
      "The labels for the pod template.",
      (object) => formatLabels(fields(fields(object["template"])["metadata"])["labels"]),
    ),
  ],
  strategy: {
    setDefaults: setPodTemplateDefaults,
    validate: (object) => validatePodTemplate(object["template"], path("template")),
    validateUpdate: (next) => validatePodTemplate(next["template"], path("template")),
    warnings: warnOfTemplate(["template"], false),
    hasGeneration: true,
  },
});

const counts = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"];

export const replicationControllers: Resource = row({
  group: "",
  version: "v1",
  resource: "replicationcontrollers",
  kind: "ReplicationController",
  shortNames: ["rc"],
  categories: ["all"],
  subresources: { scale: scaleSubresource, status: statusSubresource },
  columns: [
    nameColumn,
    integerColumn(
      "Desired",
      { of: "v1/ReplicationControllerSpec.replicas" },
      (object) => int(spec(object)["replicas"]),
    ),
    integerColumn(
      "Current",
      { of: "v1/ReplicationControllerStatus.replicas" },
      (object) => int(status(object)["replicas"]),
    ),
    integerColumn(
      "Ready",
      { of: "v1/ReplicationControllerStatus.readyReplicas" },
      (object) => int(status(object)["readyReplicas"]),
    ),
    ageColumn,
    ...wideContainerColumns(),
    wide(
      column(
        "Selector",
        { of: "v1/ReplicationControllerSpec.selector" },
        (object) => formatLabels(spec(object)["selector"]),
      ),
    ),
  ],
  strategy: {
    setDefaults: setReplicationControllerDefaults,
    prepareForCreate(object) {
      object["status"] = { replicas: 0 };
    },
    validate: (object) => validateReplicationControllerSpec(spec(object)),
    prepareForUpdate: keepStatus,
    validateUpdate: (next) => validateReplicationControllerSpec(spec(next)),
    validateStatusUpdate: (next) => validateReplicaCounts(status(next), counts),
    warnings: warnOfTemplate(["spec", "template"], true),
    defaultPropagation: "Orphan",
    selectableFields: { "status.replicas": (object) => String(int(status(object)["replicas"])) },
  },
});
