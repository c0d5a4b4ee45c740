/** Rules of the storage kinds. */
import { nonnegativeQuantity } from "./resource_requirements.ts";
import { dns1123SubdomainErrors, qualifiedNameErrors } from "../../../machines/objects/names.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError } from "../../machinery/types.ts";
import { spec } from "../columns/column.ts";
import { type Fields, fields, has, identical, int, list, same, text, texts } from "../fields.ts";
import {
  duplicate,
  forbidden,
  immutable,
  invalid,
  invalidFor,
  nonnegative,
  notSupported,
  oneOf,
  type Path,
  path,
  required,
} from "./field.ts";
import { validateLabelSelector } from "./labels.ts";
import { validateDriverName } from "./volumes.ts";

const at = path("spec");
const maxParameters = 512;
const maxParameterBytes = 256 * 1024;

function validateProvisioner(name: string, here: Path): FieldError[] {
  return name === "" ? [required(here)] : invalidFor(here, name, qualifiedNameErrors(name.toLowerCase()));
}

function validateParameters(given: unknown, mayBeEmpty: boolean, here: Path): FieldError[] {
  const entries = Object.entries(fields(given));
  if (!mayBeEmpty && entries.length === 0) return [required(here, "must contain at least one key/value pair")];
  const errors: FieldError[] = [];
  if (entries.length > maxParameters) {
    return [{
      reason: "FieldValueTooLong",
      field: `${here}`,
      message: `Too long: may not be more than ${maxParameters} bytes`,
    }];
  }
  let size = 0;
  for (const [name, value] of entries) {
    if (name === "") errors.push(invalid(here, name, "field can not be empty."));
    size += name.length + text(value).length;
  }
  if (size > maxParameterBytes) {
    errors.push({
      reason: "FieldValueTooLong",
      field: `${here}`,
      message: `Too long: may not be more than ${maxParameterBytes} bytes`,
    });
  }
  return errors;
}

const bindingModes = ["Immediate", "WaitForFirstConsumer"];

export function validateStorageClass(object: KubeObject): FieldError[] {
  const errors = validateProvisioner(text(object["provisioner"]), path("provisioner"));
  errors.push(...validateParameters(object["parameters"], true, path("parameters")));
  const reclaim = text(object["reclaimPolicy"]);
  if (reclaim !== "") errors.push(...oneOf(reclaim, ["Delete", "Retain"], path("reclaimPolicy")));
  const mode = object["volumeBindingMode"];
  if (!has(mode)) errors.push(required(path("volumeBindingMode")));
  else errors.push(...oneOf(text(mode), bindingModes, path("volumeBindingMode")));
  list(object["allowedTopologies"]).forEach((term, index) => {
    const keys = new Set<string>();
    list(term["matchLabelExpressions"]).forEach((each, position) => {
      const here = path("allowedTopologies").index(index).child("matchLabelExpressions").index(position);
      const key = text(each["key"]);
      if (texts(each["values"]).length === 0) errors.push(required(here.child("values")));
      errors.push(...invalidFor(here.child("key"), key, qualifiedNameErrors(key)));
      if (keys.has(key)) errors.push(duplicate(here.child("key"), key));
      keys.add(key);
    });
  });
  return errors;
}

/** A map whose absence prints as `{}` once it was there. */
const mapOf = (value: unknown): unknown => has(value) ? value : {};

export function validateStorageClassUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const errors = validateStorageClass(next);
  if (!same(next["parameters"], old["parameters"])) {
    errors.push(invalid(path("parameters"), mapOf(next["parameters"]), "field is immutable"));
  }
  for (const name of ["provisioner", "reclaimPolicy", "volumeBindingMode"]) {
    errors.push(...immutable(next[name] ?? "", old[name] ?? "", path(name), identical));
  }
  return errors;
}

const lifecycleModes = ["Persistent", "Ephemeral"];
const groupPolicies = ["ReadWriteOnceWithFSType", "File", "None"];

export function validateDriverSpec(given: Fields): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["attachRequired", "podInfoOnMount", "storageCapacity"]) {
    if (!has(given[name])) errors.push(required(at.child(name === "attachRequired" ? "attachedRequired" : name)));
  }
  const policy = given["fsGroupPolicy"];
  if (!has(policy)) errors.push(required(at.child("fsGroupPolicy")));
  else errors.push(...oneOf(text(policy), groupPolicies, at.child("fsGroupPolicy")));
  const audiences = new Set<string>();
  list(given["tokenRequests"]).forEach((request, index) => {
    const here = at.child("tokenRequests").index(index);
    const audience = text(request["audience"]);
    if (audiences.has(audience)) errors.push(duplicate(here.child("audience"), audience));
    audiences.add(audience);
    const seconds = request["expirationSeconds"];
    if (!has(seconds)) return;
    if (int(seconds) < 600) {
      errors.push(invalid(here.child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes"));
    }
    if (int(seconds) > 2 ** 32) {
      errors.push(
        invalid(here.child("expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds"),
      );
    }
  });
  for (const mode of texts(given["volumeLifecycleModes"])) {
    if (!lifecycleModes.includes(mode)) {
      errors.push(notSupported(at.child("volumeLifecycleModes"), mode, lifecycleModes));
    }
  }
  return errors;
}

export function validateDriverUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const [now, before] = [spec(next), spec(old)];
  return [
    ...validateDriverSpec(now),
    ...immutable(now["attachRequired"] ?? null, before["attachRequired"], at.child("attachedRequired"), identical),
    ...immutable(
      now["volumeLifecycleModes"] ?? null,
      before["volumeLifecycleModes"],
      at.child("volumeLifecycleModes"),
      identical,
    ),
  ];
}

export function validateNodeDrivers(object: KubeObject): FieldError[] {
  const names = new Set<string>();
  return list(spec(object)["drivers"]).flatMap((driver, index) => {
    const here = at.child("drivers").index(index);
    const name = text(driver["name"]);
    const id = text(driver["nodeID"]);
    const errors = validateDriverName(name, here.child("name"));
    if (id === "") errors.push(required(here.child("nodeID")));
    if (id.length > 256) errors.push(invalid(here.child("nodeID"), id, "must be 256 characters or less"));
    const count = fields(driver["allocatable"])["count"];
    errors.push(...nonnegative(count, here.child("allocatable", "count")));
    if (names.has(name)) errors.push(duplicate(here.child("name"), name));
    names.add(name);
    const keys = new Set<string>();
    for (const key of texts(driver["topologyKeys"])) {
      if (key === "") errors.push(required(here));
      if (keys.has(key)) errors.push(duplicate(here, key));
      keys.add(key);
      errors.push(...invalidFor(here, key, qualifiedNameErrors(key)));
    }
    return errors;
  });
}

export function validateNodeDriversUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const errors = validateNodeDrivers(next);
  const before = new Map(list(spec(old)["drivers"]).map((driver) => [text(driver["name"]), driver]));
  for (const driver of list(spec(next)["drivers"])) {
    const was = before.get(text(driver["name"]));
    if (was === undefined) continue;
    const same = text(driver["nodeID"]) === text(was["nodeID"]) &&
      identical(driver["topologyKeys"] ?? [], was["topologyKeys"] ?? []);
    if (same) continue;
    const shown = {
      Name: text(driver["name"]),
      NodeID: text(driver["nodeID"]),
      TopologyKeys: driver["topologyKeys"] ?? null,
      Allocatable: null,
    };
    errors.push(invalid(at.child("drivers"), shown, "field is immutable"));
  }
  return errors;
}

export function validateAttachment(object: KubeObject): FieldError[] {
  const given = spec(object);
  const errors = validateDriverName(text(given["attacher"]), at.child("attacher"));
  const { persistentVolumeName: volume, inlineVolumeSpec: inline } = fields(given["source"]);
  const here = at.child("source");
  if (!has(volume) && !has(inline)) {
    errors.push(required(here, "must specify exactly one of inlineVolumeSpec and persistentVolumeName"));
  }
  if (has(volume) && has(inline)) {
    errors.push(forbidden(here, "must specify exactly one of inlineVolumeSpec and persistentVolumeName"));
  }
  if (has(volume)) {
    if (volume === "") {
      errors.push(required(here.child("persistentVolumeName"), "must specify non empty persistentVolumeName"));
    }
    errors.push(...invalidFor(here.child("persistentVolumeName"), volume, dns1123SubdomainErrors(text(volume))));
  }
  const node = text(given["nodeName"]);
  return [...errors, ...invalidFor(at.child("nodeName"), node, dns1123SubdomainErrors(node))];
}

export function validateAttachmentUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const errors = validateAttachment(next);
  if (identical(spec(next), spec(old))) return errors;
  const source = fields(spec(next)["source"]);
  const shown = {
    Attacher: text(spec(next)["attacher"]),
    Source: {
      PersistentVolumeName: source["persistentVolumeName"] ?? null,
      InlineVolumeSpec: source["inlineVolumeSpec"] ?? null,
    },
    NodeName: text(spec(next)["nodeName"]),
  };
  return [...errors, invalid(at, shown, "field is immutable")];
}

export function validateCapacity(object: KubeObject): FieldError[] {
  const name = text(object["storageClassName"]);
  const errors = validateLabelSelector(object["nodeTopology"], path("nodeTopology"));
  errors.push(...invalidFor(path("storageClassName"), name, dns1123SubdomainErrors(name)));
  for (const field of ["capacity", "maximumVolumeSize"]) {
    if (has(object[field])) errors.push(...nonnegativeQuantity(object[field], path(field)));
  }
  return errors;
}

export function validateAttributes(object: KubeObject): FieldError[] {
  return [
    ...validateProvisioner(text(object["driverName"]), path("driverName")).map((error) =>
      lowered(error, text(object["driverName"]))
    ),
    ...validateParameters(object["parameters"], false, path("parameters")),
  ];
}

/** Of a driver's name Kubernetes shows the form it has checked. */
function lowered(error: FieldError, name: string): FieldError {
  return { ...error, message: error.message.replace(JSON.stringify(name), JSON.stringify(name.toLowerCase())) };
}
