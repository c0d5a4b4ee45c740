/** persistentvolumes and persistentvolumeclaims. */
import { dns1123SubdomainErrors } from "../../../machines/objects/names.ts";
import { canonicalQuantity, compareQuantities, quantityOf } from "../../../machines/objects/quantity.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError, Resource, StrategyContext } from "../../machinery/types.ts";
import { ageColumn, column, nameColumn, orUnset, spec, status, wide } from "../columns/column.ts";
import { setClaimSpecDefaults, setVolumeSourceDefaults } from "../defaults/pod_spec.ts";
import {
  copy,
  defaultText,
  defaultTo,
  ensure,
  type Fields,
  fields,
  has,
  identical,
  same,
  sortedKeys,
  text,
  texts,
} from "../fields.ts";
import { keepStatus, row, statusSubresource } from "../row.ts";
import { validateNodeSelector } from "../validation/affinity.ts";
import { accessModes, validateClaimSpec } from "../validation/claim_spec.ts";
import { forbidden, immutable, invalidFor, notSupported, oneOf, path, required } from "../validation/field.ts";
import { positiveQuantity } from "../validation/resource_requirements.ts";
import { sharedSources, validateDriverName, validateNoBackstep } from "../validation/volumes.ts";

const at = path("spec");
const volumeOnly: typeof sharedSources = {
  csi(source, here) {
    const errors = validateDriverName(text(source["driver"]), here.child("driver"));
    return text(source["volumeHandle"]) === "" ? [...errors, required(here.child("volumeHandle"))] : errors;
  },
  local: (source, here) =>
    text(source["path"]) === ""
      ? [required(here.child("path"))]
      : validateNoBackstep(text(source["path"]), here.child("path")),
};
const sources = { ...sharedSources, ...volumeOnly };

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

function modesCell(modes: unknown): string {
  const given = texts(modes);
  return Object.keys(shortModes).filter((mode) => given.includes(mode)).map((mode) => shortModes[mode]).join(",");
}

const storageCell = (amounts: unknown): string =>
  has(fields(amounts)["storage"]) ? canonicalQuantity(text(fields(amounts)["storage"])) : "";

function validateVolume(volume: KubeObject): FieldError[] {
  const given = spec(volume);
  const errors: FieldError[] = [];
  const modes = texts(given["accessModes"]);
  if (modes.length === 0) errors.push(required(at.child("accessModes")));
  for (const mode of modes) {
    if (!accessModes.includes(mode)) errors.push(notSupported(at.child("accessModes"), mode, accessModes));
  }
  if (modes.includes("ReadWriteOncePod") && modes.length > 1 && modes.some((mode) => mode !== "ReadWriteOncePod")) {
    errors.push(forbidden(at.child("accessModes"), "may not use ReadWriteOncePod with other access modes"));
  }
  const capacity = fields(given["capacity"]);
  const names = sortedKeys(capacity);
  if (names.length === 0) errors.push(required(at.child("capacity")));
  if (!names.includes("storage") || names.length > 1) {
    errors.push(notSupported(at.child("capacity"), given["capacity"] ?? null, ["storage"]));
  }
  for (const name of names) errors.push(...positiveQuantity(capacity[name], at.child("capacity").key(name)));
  const reclaim = text(given["persistentVolumeReclaimPolicy"]);
  if (reclaim !== "") {
    errors.push(...oneOf(reclaim, ["Delete", "Recycle", "Retain"], at.child("persistentVolumeReclaimPolicy")));
  }
  const affinity = fields(given["nodeAffinity"])["required"];
  if (has(given["nodeAffinity"])) {
    if (!has(affinity)) {
      errors.push(required(at.child("nodeAffinity", "required"), "must specify required node constraints"));
    } else errors.push(...validateNodeSelector(affinity, at.child("nodeAffinity", "required")));
  }
  errors.push(...validateSource(given));
  if (fields(given["hostPath"])["path"] === "/" && reclaim === "Recycle") {
    errors.push(
      forbidden(at.child("persistentVolumeReclaimPolicy"), "may not be 'recycle' for a hostPath mount of '/'"),
    );
  }
  const className = text(given["storageClassName"]);
  if (className !== "") {
    errors.push(...invalidFor(at.child("storageClassName"), className, dns1123SubdomainErrors(className)));
  }
  const mode = given["volumeMode"];
  if (has(mode)) errors.push(...oneOf(text(mode), ["Block", "Filesystem"], at.child("volumeMode")));
  return errors;
}

function validateSource(given: Fields): FieldError[] {
  const set = Object.keys(sources).filter((name) => has(given[name]));
  if (set.length === 0) return [required(at, "must specify a volume type")];
  return set.flatMap((name, index) => {
    if (index > 0) return [forbidden(at.child(name), "may not specify more than 1 volume type")];
    return sources[name]?.(fields(given[name]), at.child(name), "") ?? [];
  });
}

const sourceOf = (given: Fields): Fields => Object.fromEntries(Object.keys(sources).map((name) => [name, given[name]]));

function validateVolumeUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  // Kubernetes checks a changed volume as a new one and again as a changed one.
  const errors = [...validateVolume(next), ...validateVolume(next)];
  const [now, before] = [spec(next), spec(old)];
  if (!identical(sourceOf(now), sourceOf(before))) {
    errors.push(
      forbidden(at.child("persistentvolumesource"), "spec.persistentvolumesource is immutable after creation\n"),
    );
  }
  errors.push(...immutable(now["volumeMode"] ?? null, before["volumeMode"], path("volumeMode"), identical));
  const affinity = at.child("nodeAffinity");
  if (has(before["nodeAffinity"])) {
    errors.push(...immutable(now["nodeAffinity"] ?? null, before["nodeAffinity"], affinity, same));
  }
  return errors;
}

/** When a volume's phase last changed is kept with it. */
function notePhase(next: KubeObject, old: KubeObject | undefined, context: StrategyContext): void {
  const state = ensure(next, "status");
  const before = fields(old?.["status"]);
  if (state["phase"] !== before["phase"]) state["lastPhaseTransitionTime"] = context.now;
  else if (has(before["lastPhaseTransitionTime"])) {
    defaultTo(state, { lastPhaseTransitionTime: before["lastPhaseTransitionTime"] });
  }
}

function phaseCell(object: KubeObject): string {
  return has(object.metadata.deletionTimestamp) ? "Terminating" : text(status(object)["phase"]);
}

const legacyClass = "volume.beta.kubernetes.io/storage-class";
const classOf = (object: KubeObject): string =>
  object.metadata.annotations?.[legacyClass] ?? text(spec(object)["storageClassName"]);

function claimCell(volume: KubeObject): string {
  const claim = spec(volume)["claimRef"];
  return has(claim) ? `${text(fields(claim)["namespace"])}/${text(fields(claim)["name"])}` : "";
}

export const persistentVolumes: Resource = row({
  group: "",
  version: "v1",
  resource: "persistentvolumes",
  kind: "PersistentVolume",
  namespaced: false,
  shortNames: ["pv"],
  subresources: { status: statusSubresource },
  columns: [
    nameColumn,
    column("Capacity", { of: "v1/PersistentVolumeSpec.capacity" }, (volume) => storageCell(spec(volume)["capacity"])),
    column(
      "Access Modes",
      { of: "v1/PersistentVolumeSpec.accessModes" },
      (volume) => modesCell(spec(volume)["accessModes"]),
    ),
    column(
      "Reclaim Policy",
      { of: "v1/PersistentVolumeSpec.persistentVolumeReclaimPolicy" },
      (volume) => text(spec(volume)["persistentVolumeReclaimPolicy"]),
    ),
    column("Status", { of: "v1/PersistentVolumeStatus.phase" }, phaseCell),
    column("Claim", { of: "v1/PersistentVolumeSpec.claimRef" }, claimCell),
    column("StorageClass", "StorageClass of the pv", classOf),
    column(
      "VolumeAttributesClass",
      "VolumeAttributesClass of the pv",
      (volume) => orUnset(spec(volume)["volumeAttributesClassName"]),
    ),
    column("Reason", { of: "v1/PersistentVolumeStatus.reason" }, (volume) => text(status(volume)["reason"])),
    ageColumn,
    wide(
      column(
        "VolumeMode",
        { of: "v1/PersistentVolumeSpec.volumeMode" },
        (volume) => orUnset(spec(volume)["volumeMode"]),
      ),
    ),
  ],
  strategy: {
    setDefaults(volume) {
      const given = ensure(volume, "spec");
      defaultText(given, { persistentVolumeReclaimPolicy: "Retain" });
      defaultTo(given, { volumeMode: "Filesystem" });
      setVolumeSourceDefaults(given);
      defaultText(ensure(volume, "status"), { phase: "Pending" });
    },
    prepareForCreate(volume, context) {
      volume["status"] = { phase: "Pending", lastPhaseTransitionTime: context.now };
    },
    validate: validateVolume,
    prepareForUpdate(next, old, context) {
      if (context.subresource === "") next["status"] = old["status"];
      else notePhase(next, old, context);
    },
    validateUpdate: validateVolumeUpdate,
    hasGeneration: false,
  },
});

function withoutMutable(given: Fields, before: Fields): Fields {
  const munged = copy(given);
  munged["volumeAttributesClassName"] = before["volumeAttributesClassName"];
  // A volume is bound to its claim once, and a bound claim may grow.
  if (text(before["volumeName"]) === "") munged["volumeName"] = before["volumeName"];
  const requests = fields(fields(munged["resources"])["requests"]);
  const had = fields(fields(before["resources"])["requests"])["storage"];
  if (has(requests["storage"]) && has(had)) requests["storage"] = had;
  return munged;
}

function validateClaimUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const [now, before] = [spec(next), spec(old)];
  const errors = validateClaimSpec(now, at);
  const bound = text(status(old)["phase"]) === "Bound";
  const munged = withoutMutable(now, before);
  const grown = compareQuantities(quantityOf(storageOf(now)), quantityOf(storageOf(before)));
  if (!bound && grown !== 0) fields(fields(munged["resources"])["requests"])["storage"] = storageOf(now);
  if (!identical(munged, withoutMutable(before, before))) {
    errors.push(
      forbidden(
        at,
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n",
      ),
    );
  } else if (bound && grown < 0) {
    const detail = "field can not be less than status.capacity";
    if (compareQuantities(quantityOf(storageOf(now)), quantityOf(fields(status(old)["capacity"])["storage"])) < 0) {
      errors.push(forbidden(at.child("resources", "requests", "storage"), detail));
    }
  }
  errors.push(...immutable(now["volumeMode"] ?? null, before["volumeMode"], path("volumeMode"), identical));
  return errors;
}

const storageOf = (given: Fields): unknown => fields(fields(given["resources"])["requests"])["storage"];

export const persistentVolumeClaims: Resource = row({
  group: "",
  version: "v1",
  resource: "persistentvolumeclaims",
  kind: "PersistentVolumeClaim",
  shortNames: ["pvc"],
  subresources: { status: statusSubresource },
  columns: [
    nameColumn,
    column("Status", { of: "v1/PersistentVolumeClaimStatus.phase" }, phaseCell),
    column("Volume", { of: "v1/PersistentVolumeClaimSpec.volumeName" }, (claim) => text(spec(claim)["volumeName"])),
    column(
      "Capacity",
      { of: "v1/PersistentVolumeClaimStatus.capacity" },
      (claim) => text(spec(claim)["volumeName"]) === "" ? "" : storageCell(status(claim)["capacity"]),
    ),
    column(
      "Access Modes",
      { of: "v1/PersistentVolumeClaimStatus.accessModes" },
      (claim) => text(spec(claim)["volumeName"]) === "" ? "" : modesCell(status(claim)["accessModes"]),
    ),
    column("StorageClass", "StorageClass of the pvc", classOf),
    column(
      "VolumeAttributesClass",
      "VolumeAttributesClass of the pvc",
      (claim) => orUnset(spec(claim)["volumeAttributesClassName"]),
    ),
    ageColumn,
    wide(
      column(
        "VolumeMode",
        { of: "v1/PersistentVolumeClaimSpec.volumeMode" },
        (claim) => orUnset(spec(claim)["volumeMode"]),
      ),
    ),
  ],
  strategy: {
    setDefaults(claim) {
      setClaimSpecDefaults(ensure(claim, "spec"));
      defaultText(ensure(claim, "status"), { phase: "Pending" });
    },
    prepareForCreate(claim) {
      claim["status"] = { phase: "Pending" };
      mirrorDataSource(ensure(claim, "spec"));
    },
    validate: (claim) => validateClaimSpec(spec(claim), at),
    prepareForUpdate: keepStatus,
    validateUpdate: validateClaimUpdate,
    hasGeneration: false,
  },
});

/** The two ways to name a source are kept equal. */
function mirrorDataSource(given: Fields): void {
  if (has(given["dataSource"]) && !has(given["dataSourceRef"])) given["dataSourceRef"] = copy(given["dataSource"]);
  else if (
    has(given["dataSourceRef"]) && !has(given["dataSource"]) && text(fields(given["dataSourceRef"])["namespace"]) === ""
  ) {
    given["dataSource"] = copy(given["dataSourceRef"]);
  }
}
