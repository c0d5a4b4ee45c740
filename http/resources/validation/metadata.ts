/** Rules of `metadata`, the same for every kind. */
import {
  byteLength,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  maskTrailingHyphen,
  qualifiedNameErrors,
} from "../../../machines/objects/names.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, list, same, text, texts } from "../fields.ts";
import { forbidden, invalid, invalidFor, nonnegative, type Path, path, required, tooLong } from "./field.ts";
import { validateAnnotations, validateLabels } from "./labels.ts";

/** Error texts for a name; `prefix` when it is a generateName. */
export type NameRule = (name: string, prefix: boolean) => string[];

export const subdomainName: NameRule = (name, prefix) =>
  dns1123SubdomainErrors(prefix ? maskTrailingHyphen(name) : name);
export const labelName: NameRule = (name, prefix) => dns1123LabelErrors(prefix ? maskTrailingHyphen(name) : name);

export interface MetadataRules {
  readonly namespaced: boolean;
  readonly validateName?: NameRule;
}

/** Every cause in `metadata` of an object to be created, in Kubernetes' order. */
export function validateObjectMeta(metadata: unknown, rules: MetadataRules, at: Path = path("metadata")): FieldError[] {
  const meta = fields(metadata);
  const nameRule = rules.validateName ?? subdomainName;
  const errors: FieldError[] = [];
  const name = text(meta["name"]);
  const generateName = text(meta["generateName"]);
  if (generateName !== "") {
    errors.push(...invalidFor(at.child("generateName"), generateName, nameRule(generateName, true)));
  }
  if (name === "") errors.push(required(at.child("name"), "name or generateName is required"));
  else errors.push(...invalidFor(at.child("name"), name, nameRule(name, false)));
  const namespace = text(meta["namespace"]);
  if (rules.namespaced) {
    if (namespace === "") errors.push(required(at.child("namespace")));
    else errors.push(...invalidFor(at.child("namespace"), namespace, dns1123LabelErrors(namespace)));
  } else if (namespace !== "") {
    errors.push(forbidden(at.child("namespace"), "not allowed on this type"));
  }
  return [...errors, ...validateSharedMeta(meta, at)];
}

function validateSharedMeta(meta: Fields, at: Path): FieldError[] {
  return [
    ...nonnegative(meta["generation"], at.child("generation")),
    ...validateLabels(meta["labels"], at.child("labels")),
    ...validateAnnotations(meta["annotations"], at.child("annotations")),
    ...validateOwners(meta["ownerReferences"], at.child("ownerReferences")),
    ...validateFinalizers(meta["finalizers"], at.child("finalizers")),
    ...validateManagedFields(meta["managedFields"], at.child("managedFields")),
  ];
}

function validateOwners(references: unknown, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  let controller = "";
  for (const reference of list(references)) {
    const [group, version] = splitApiVersion(text(reference["apiVersion"]));
    if (version === "") {
      errors.push(invalid(at.child("apiVersion"), reference["apiVersion"] ?? "", "version must not be empty"));
    }
    if (text(reference["kind"]) === "") errors.push(invalid(at.child("kind"), "", "must not be empty"));
    if (text(reference["name"]) === "") errors.push(invalid(at.child("name"), "", "must not be empty"));
    if (text(reference["uid"]) === "") errors.push(invalid(at.child("uid"), "", "must not be empty"));
    if (group === "" && version === "v1" && reference["kind"] === "Event") {
      errors.push(invalid(at, reference, "/v1, Kind=Event is disallowed from being an owner"));
    }
    if (reference["controller"] === true) {
      const kind = text(reference["kind"]);
      if (controller === "") controller = kind;
      else {
        const detail =
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${kind}`;
        errors.push(invalid(at, references, detail));
      }
    }
  }
  return errors;
}

export function splitApiVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

export function validateFinalizerName(name: string, at: Path): FieldError[] {
  return invalidFor(at, name, qualifiedNameErrors(name));
}

function validateFinalizers(finalizers: unknown, at: Path): FieldError[] {
  const names = texts(finalizers);
  const errors = names.flatMap((name) => validateFinalizerName(name, at));
  if (names.includes("orphan") && names.includes("foregroundDeletion")) {
    errors.push(invalid(at, names, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
  return errors;
}

function validateManagedFields(managers: unknown, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  list(managers).forEach((manager, index) => {
    const here = at.index(index);
    const operation = text(manager["operation"]);
    if (operation !== "Apply" && operation !== "Update") {
      errors.push(invalid(here.child("operation"), operation, "must be `Apply` or `Update`"));
    }
    const fieldsType = text(manager["fieldsType"]);
    if (fieldsType !== "" && fieldsType !== "FieldsV1") {
      errors.push(invalid(here.child("fieldsType"), fieldsType, "must be `FieldsV1`"));
    }
    if (byteLength(text(manager["manager"])) > 128) errors.push(tooLong(here.child("manager"), 128));
    if (byteLength(text(manager["subresource"])) > 256) errors.push(tooLong(here.child("subresource"), 256));
  });
  return errors;
}

const immutableMeta = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
];

/** Every cause in `metadata` of an update. */
export function validateObjectMetaUpdate(next: unknown, old: unknown, at: Path = path("metadata")): FieldError[] {
  const now = fields(next);
  const before = fields(old);
  const errors: FieldError[] = [];
  if (has(before["deletionTimestamp"])) {
    const had = texts(before["finalizers"]);
    const added = texts(now["finalizers"]).filter((name) => !had.includes(name));
    if (added.length > 0) {
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${
        goStrings(added)
      }`;
      errors.push(forbidden(at.child("finalizers"), detail));
    }
  }
  for (const name of immutableMeta) {
    if (!same(now[name] ?? "", before[name] ?? "")) {
      errors.push(invalid(at.child(name), now[name] ?? "", "field is immutable"));
    }
  }
  if (typeof now["generation"] === "number" && now["generation"] < Number(before["generation"] ?? 0)) {
    errors.push(invalid(at.child("generation"), now["generation"], "must not be decremented"));
  }
  return [...errors, ...validateSharedMeta(now, at)];
}

/** A list as Go's `%#v` of `[]string` prints it. */
function goStrings(values: readonly string[]): string {
  return `[]string{${values.map((value) => JSON.stringify(value)).join(", ")}}`;
}
