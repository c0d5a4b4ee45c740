/** Rules of a container's environment and of the fields a pod may read about itself. */
import {
  configMapKeyErrors,
  dns1123SubdomainErrors,
  envVarNameErrors,
  qualifiedNameErrors,
} from "../../../machines/objects/names.ts";
import { canonicalQuantity } from "../../../machines/objects/quantity.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, list, text } from "../fields.ts";
import { invalid, invalidFor, notSupported, type Path, required } from "./field.ts";

const envFieldPaths = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
const volumeFieldPaths = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
/** Paths that Kubernetes knows of a pod, whether or not they may be used here. */
const knownFieldPaths = new Set([
  ...envFieldPaths,
  ...volumeFieldPaths,
  "spec.host",
  "spec.hostNetwork",
  "spec.restartPolicy",
  "spec.schedulerName",
  "status.nominatedNodeName",
  "status.phase",
]);
const resourceNames = ["cpu", "ephemeral-storage", "memory"];
const resourceFields = ["limits", "requests"].flatMap((side) => resourceNames.map((name) => `${side}.${name}`));
const cpuDivisors = ["1m", "1"];
const sizeDivisors = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

const subscripted = /^(.*)\['(.*)'\]$/;

function validateFieldRef(reference: Fields, allowed: readonly string[], at: Path): FieldError[] {
  const fieldPath = text(reference["fieldPath"]);
  if (text(reference["apiVersion"]) === "") return [required(at.child("apiVersion"))];
  const here = at.child("fieldPath");
  if (fieldPath === "") return [required(here)];
  const match = subscripted.exec(fieldPath);
  if (match !== null) {
    const [, name = "", key = ""] = match;
    if (name === "metadata.annotations") return invalidFor(here, fieldPath, qualifiedNameErrors(key.toLowerCase()));
    if (name === "metadata.labels") return invalidFor(here, fieldPath, qualifiedNameErrors(key));
    return [invalid(here, name, "does not support subscript")];
  }
  if (!knownFieldPaths.has(fieldPath)) {
    return [invalid(here, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)];
  }
  const current = fieldPath === "spec.host" ? "spec.nodeName" : fieldPath;
  return allowed.includes(current) ? [] : [notSupported(here, current, allowed)];
}

function validateResourceFieldRef(reference: Fields, inVolume: boolean, at: Path): FieldError[] {
  const resource = text(reference["resource"]);
  if (inVolume && text(reference["containerName"]) === "") return [required(at.child("containerName"))];
  if (resource === "") return [required(at.child("resource"))];
  const errors: FieldError[] = [];
  if (!resourceFields.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) {
    errors.push(notSupported(at.child("resource"), resource, resourceFields));
  }
  const divisor = canonicalQuantity(text(reference["divisor"]) || "0");
  if (divisor === "0") return errors;
  const isCpu = resource.endsWith(".cpu");
  const kind = resource.replace(/^(limits|requests)\./, "").replace(/^hugepages-.*/, "hugepages").replace(
    "ephemeral-storage",
    "local ephemeral storage",
  );
  const divisors = isCpu ? cpuDivisors : sizeDivisors;
  if (!divisors.includes(divisor)) {
    const shownDivisors = isCpu ? "1m and 1" : divisors.join(", ");
    errors.push(
      invalid(
        at.child("divisor"),
        resource,
        `only divisor's values ${shownDivisors} are supported with the ${kind} resource`,
      ),
    );
  }
  return errors;
}

/** A file made of a pod's field or a container's resource (downward API). */
export function validateDownwardItem(item: Fields, at: Path): FieldError[] {
  const { fieldRef, resourceFieldRef } = item;
  if (has(fieldRef)) {
    const errors = validateFieldRef(fields(fieldRef), volumeFieldPaths, at.child("fieldRef"));
    if (has(resourceFieldRef)) {
      errors.push(invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
    }
    return errors;
  }
  if (has(resourceFieldRef)) {
    return validateResourceFieldRef(fields(resourceFieldRef), true, at.child("resourceFieldRef"));
  }
  return [required(at, "one of fieldRef and resourceFieldRef is required")];
}

function validateKeyRef(reference: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const name = text(reference["name"]);
  const key = text(reference["key"]);
  if (name === "") errors.push(required(at.child("name")));
  else errors.push(...invalidFor(at.child("name"), name, dns1123SubdomainErrors(name)));
  if (key === "") errors.push(required(at.child("key")));
  else errors.push(...invalidFor(at.child("key"), key, configMapKeyErrors(key)));
  return errors;
}

const sources: Readonly<Record<string, (source: Fields, at: Path) => FieldError[]>> = {
  fieldRef: (source, at) => validateFieldRef(source, envFieldPaths, at),
  resourceFieldRef: (source, at) => validateResourceFieldRef(source, false, at),
  configMapKeyRef: validateKeyRef,
  secretKeyRef: validateKeyRef,
  fileKeyRef(source, at) {
    const errors: FieldError[] = [];
    for (const name of ["volumeName", "path", "key"]) {
      if (text(source[name]) === "") errors.push(required(at.child(name)));
    }
    return errors;
  },
};

function validateValueFrom(variable: Fields, at: Path): FieldError[] {
  if (!has(variable["valueFrom"])) return [];
  const from = fields(variable["valueFrom"]);
  const given = Object.keys(sources).filter((name) => has(from[name]));
  const errors = given.flatMap((name) => sources[name]?.(fields(from[name]), at.child(name)) ?? []);
  if (given.length === 0) {
    const detail =
      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
    errors.push(invalid(at, "", detail));
  } else if (text(variable["value"]) !== "") {
    errors.push(invalid(at, "", "may not be specified when `value` is not empty"));
  } else if (given.length > 1) {
    errors.push(invalid(at, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

export function validateEnv(env: unknown, at: Path): FieldError[] {
  return list(env).flatMap((variable, index) => {
    const here = at.index(index);
    const name = text(variable["name"]);
    const errors = name === ""
      ? [required(here.child("name"))]
      : invalidFor(here.child("name"), name, envVarNameErrors(name));
    return [...errors, ...validateValueFrom(variable, here.child("valueFrom"))];
  });
}

export function validateEnvFrom(envFrom: unknown, at: Path): FieldError[] {
  return list(envFrom).flatMap((source, index) => {
    const errors: FieldError[] = [];
    const prefix = text(source["prefix"]);
    if (prefix !== "") errors.push(...invalidFor(at.index(index).child("prefix"), prefix, envVarNameErrors(prefix)));
    const given = ["configMapRef", "secretRef"].filter((name) => has(source[name]));
    for (const name of given) {
      const here = at.index(index).child(name, "name");
      const target = text(fields(source[name])["name"]);
      if (target === "") errors.push(required(here));
      else errors.push(...invalidFor(here, target, dns1123SubdomainErrors(target)));
    }
    if (given.length === 0) errors.push(invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"));
    else if (given.length > 1) errors.push(invalid(at, "", "may not have more than one field specified at a time"));
    return errors;
  });
}
