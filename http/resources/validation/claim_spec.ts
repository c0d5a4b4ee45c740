/** Rules of a claim's spec, in PersistentVolumeClaims and in pods' ephemeral volumes. */
import { dns1123SubdomainErrors } from "../../../machines/objects/names.ts";
import { isIntegerQuantity, quantityOf } from "../../../machines/objects/quantity.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, text, texts } from "../fields.ts";
import { forbidden, invalid, invalidFor, notSupported, type Path, required } from "./field.ts";
import { validateLabelSelector } from "./labels.ts";
import { positiveQuantity } from "./resource_requirements.ts";

export const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

export function validateAccessModes(modes: unknown, at: Path): FieldError[] {
  const given = texts(modes);
  const errors = given.filter((mode) => !accessModes.includes(mode)).map((mode) => notSupported(at, mode, accessModes));
  if (given.includes("ReadWriteOncePod") && given.some((mode) => mode !== "ReadWriteOncePod")) {
    errors.push(forbidden(at, "may not use ReadWriteOncePod with other access modes"));
  }
  return errors;
}

export function validateClaimSpec(spec: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (texts(spec["accessModes"]).length === 0) {
    errors.push(required(at.child("accessModes"), "at least 1 access mode is required"));
  }
  if (has(spec["selector"])) errors.push(...validateLabelSelector(spec["selector"], at.child("selector")));
  errors.push(...validateAccessModes(spec["accessModes"], at.child("accessModes")));
  const requests = fields(fields(spec["resources"])["requests"]);
  const storage = at.child("resources").key("storage");
  if (!has(requests["storage"])) errors.push(required(storage));
  else {
    const amount = requests["storage"];
    errors.push(...positiveQuantity(amount, storage));
    if (!isIntegerQuantity(quantityOf(amount))) errors.push(invalid(storage, amount, "must be an integer"));
  }
  const className = spec["storageClassName"];
  if (has(className) && text(className) !== "") {
    errors.push(...invalidFor(at.child("storageClassName"), className, dns1123SubdomainErrors(text(className))));
  }
  const mode = spec["volumeMode"];
  if (has(mode) && mode !== "Block" && mode !== "Filesystem") {
    errors.push(notSupported(at.child("volumeMode"), mode, ["Block", "Filesystem"]));
  }
  errors.push(...validateSource(spec, "dataSource", at));
  if (has(spec["dataSourceRef"])) errors.push(...validateSource(spec, "dataSourceRef", at));
  const attributes = spec["volumeAttributesClassName"];
  if (has(attributes) && text(attributes) !== "") {
    errors.push(
      ...invalidFor(at.child("volumeAttributesClassName"), attributes, dns1123SubdomainErrors(text(attributes))),
    );
  }
  return errors;
}

function validateSource(spec: Fields, field: string, at: Path): FieldError[] {
  if (!has(spec[field])) return [];
  const source = fields(spec[field]);
  const here = at.child(field);
  const errors = ["name", "kind"].filter((name) => text(source[name]) === "").map((name) => required(here.child(name)));
  const group = text(source["apiGroup"]);
  if (group === "" && text(source["kind"]) !== "PersistentVolumeClaim") {
    errors.push(
      invalid(here, source["kind"] ?? "", "must be 'PersistentVolumeClaim' when referencing the default apiGroup"),
    );
  }
  if (group !== "") errors.push(...invalidFor(here.child("apiGroup"), group, dns1123SubdomainErrors(group)));
  return errors;
}
