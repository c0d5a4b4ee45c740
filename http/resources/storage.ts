/** storage.k8s.io/v1. */
import { validateDriverName } from "./validation/volumes.ts";
import type { Resource } from "../machinery/types.ts";
import { ageColumn, column, integerColumn, nameColumn, orUnset, spec, status } from "./columns/column.ts";
import { defaultTo, ensure, fields, identical, list, same, text, texts } from "./fields.ts";
import { keepStatus, row, statusSubresource } from "./row.ts";
import { forbidden, immutable, invalid, path } from "./validation/field.ts";
import {
  validateAttachment,
  validateAttachmentUpdate,
  validateAttributes,
  validateCapacity,
  validateDriverSpec,
  validateDriverUpdate,
  validateNodeDrivers,
  validateNodeDriversUpdate,
  validateStorageClass,
  validateStorageClassUpdate,
} from "./validation/storage.ts";

const group = "storage.k8s.io";
const version = "v1";
const className = { of: "storage.k8s.io/v1/StorageClass.provisioner" } as const;

function driverFlag(name: string, field: string) {
  return column(name, { of: `storage.k8s.io/v1/CSIDriverSpec.${field}` }, (object) => spec(object)[field] === true, {
    type: "boolean",
  });
}

export const storageResources: readonly Resource[] = [
  row({
    group,
    version,
    resource: "csidrivers",
    kind: "CSIDriver",
    namespaced: false,
    columns: [
      nameColumn,
      driverFlag("AttachRequired", "attachRequired"),
      driverFlag("PodInfoOnMount", "podInfoOnMount"),
      driverFlag("StorageCapacity", "storageCapacity"),
      column("TokenRequests", { of: "storage.k8s.io/v1/CSIDriverSpec.tokenRequests" }, (object) => {
        const audiences = list(spec(object)["tokenRequests"]).map((request) => text(request["audience"]));
        return audiences.length === 0 ? "<unset>" : audiences.join(",");
      }),
      driverFlag("RequiresRepublish", "requiresRepublish"),
      column(
        "Modes",
        { of: "storage.k8s.io/v1/CSIDriverSpec.volumeLifecycleModes" },
        (object) => texts(spec(object)["volumeLifecycleModes"]).join(",") || "<none>",
      ),
      ageColumn,
    ],
    strategy: {
      setDefaults(object) {
        defaultTo(ensure(object, "spec"), {
          attachRequired: true,
          podInfoOnMount: false,
          storageCapacity: false,
          fsGroupPolicy: "ReadWriteOnceWithFSType",
          volumeLifecycleModes: ["Persistent"],
          requiresRepublish: false,
          seLinuxMount: false,
        });
        const given = spec(object);
        if (texts(given["volumeLifecycleModes"]).length === 0) given["volumeLifecycleModes"] = ["Persistent"];
      },
      validate: (
        object,
      ) => [
        ...validateDriverName(text(object.metadata.name), path("name")).filter((error) =>
          error.reason === "FieldValueTooLong"
        ),
        ...validateDriverSpec(spec(object)),
      ],
      validateUpdate: validateDriverUpdate,
      allowUnconditionalUpdate: false,
      hasGeneration: false,
    },
  }),
  row({
    group,
    version,
    resource: "csinodes",
    kind: "CSINode",
    namespaced: false,
    columns: [
      nameColumn,
      integerColumn(
        "Drivers",
        "Drivers indicates the number of CSI drivers registered on the node",
        (object) => list(spec(object)["drivers"]).length,
      ),
      ageColumn,
    ],
    strategy: {
      validate: validateNodeDrivers,
      validateUpdate: validateNodeDriversUpdate,
      allowUnconditionalUpdate: false,
      hasGeneration: false,
    },
  }),
  row({
    group,
    version,
    resource: "csistoragecapacities",
    singular: "csistoragecapacity",
    kind: "CSIStorageCapacity",
    strategy: {
      validate: validateCapacity,
      allowUnconditionalUpdate: false,
      validateUpdate: (next, old) => [
        ...validateCapacity(next),
        ...(identical(next["nodeTopology"], old["nodeTopology"])
          ? []
          : [invalid(path("nodeTopology"), next["nodeTopology"] ?? null, "field is immutable")]),
        ...immutable(
          next["storageClassName"] ?? "",
          old["storageClassName"] ?? "",
          path("storageClassName"),
          identical,
        ),
      ],
    },
  }),
  row({
    group,
    version,
    resource: "storageclasses",
    kind: "StorageClass",
    namespaced: false,
    shortNames: ["sc"],
    columns: [
      nameColumn,
      column("Provisioner", className, (object) => text(object["provisioner"])),
      column(
        "ReclaimPolicy",
        { of: "storage.k8s.io/v1/StorageClass.reclaimPolicy" },
        (object) => text(object["reclaimPolicy"]) || "Delete",
      ),
      column("VolumeBindingMode", bindingModeText(), (object) => orUnset(object["volumeBindingMode"])),
      column(
        "AllowVolumeExpansion",
        "allowVolumeExpansion shows whether the storage class allow volume expand.",
        (object) => object["allowVolumeExpansion"] === true,
      ),
      ageColumn,
    ],
    strategy: {
      setDefaults: (object) => defaultTo(object, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }),
      validate: validateStorageClass,
      validateUpdate: validateStorageClassUpdate,
    },
  }),
  row({
    group,
    version,
    resource: "volumeattachments",
    kind: "VolumeAttachment",
    namespaced: false,
    subresources: { status: statusSubresource },
    columns: [
      nameColumn,
      column(
        "Attacher",
        "attacher indicates the name of the volume driver that MUST handle this request. This is the name returned by GetPluginName().",
        (object) => text(spec(object)["attacher"]),
        { format: "name" },
      ),
      column(
        "PV",
        { of: "storage.k8s.io/v1/VolumeAttachmentSource.persistentVolumeName" },
        (object) => text(fields(spec(object)["source"])["persistentVolumeName"]),
      ),
      column(
        "Node",
        { of: "storage.k8s.io/v1/VolumeAttachmentSpec.nodeName" },
        (object) => text(spec(object)["nodeName"]),
      ),
      column(
        "Attached",
        { of: "storage.k8s.io/v1/VolumeAttachmentStatus.attached" },
        (object) => status(object)["attached"] === true,
        { type: "boolean" },
      ),
      ageColumn,
    ],
    strategy: {
      prepareForCreate(object) {
        object["status"] = { attached: false };
      },
      validate: validateAttachment,
      prepareForUpdate: keepStatus,
      validateUpdate: validateAttachmentUpdate,
      allowUnconditionalUpdate: false,
      hasGeneration: false,
    },
  }),
  row({
    group,
    version,
    resource: "volumeattributesclasses",
    kind: "VolumeAttributesClass",
    namespaced: false,
    shortNames: ["vac"],
    columns: [
      nameColumn,
      column("DriverName", "Name of the CSI driver This field is immutable.", (object) => text(object["driverName"])),
      ageColumn,
    ],
    strategy: {
      validate: validateAttributes,
      validateUpdate: (next, old) => [
        ...(identical(next["driverName"], old["driverName"])
          ? []
          : [forbidden(path("driverName"), "updates to driverName are forbidden.")]),
        ...(same(next["parameters"], old["parameters"])
          ? []
          : [forbidden(path("parameters"), "updates to parameters are forbidden.")]),
        ...validateAttributes(next),
      ],
    },
  }),
];

function bindingModeText(): string {
  return "volumeBindingMode indicates how PersistentVolumeClaims should be provisioned and bound.  When unset, " +
    "VolumeBindingImmediate is used. This field is only honored by servers that enable the VolumeScheduling feature.";
}
