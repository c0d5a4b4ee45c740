/** Rules of `resources`: which names, which amounts, and requests against limits. */
import { qualifiedNameErrors } from "../../../machines/objects/names.ts";
import {
  compareQuantities,
  formatQuantity,
  isIntegerQuantity,
  quantityOf,
} from "../../../machines/objects/quantity.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, list, sortedKeys, text } from "../fields.ts";
import { duplicate, forbidden, invalid, invalidFor, notFound, notSupported, type Path, required } from "./field.ts";

const containerResources = new Set(["cpu", "memory", "ephemeral-storage"]);
const quotaResources = [
  "cpu",
  "memory",
  "ephemeral-storage",
  "requests.cpu",
  "requests.memory",
  "requests.storage",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "persistentvolumeclaims",
  "configmaps",
  "services.nodeports",
  "services.loadbalancers",
]; // deno-fmt-ignore
const standardResources = new Set([...containerResources, ...quotaResources, "storage", "pods"]);
const integerResources = new Set([
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
]);

const isHugePages = (name: string): boolean => name.startsWith("hugepages-");
const isNative = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");
const isExtended = (name: string): boolean => {
  return !isNative(name) && !name.startsWith("requests.") && qualifiedNameErrors(`requests.${name}`).length === 0;
};

/** Requests of these may be smaller than their limits. */
const mayOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);

function validateName(name: string, at: Path): FieldError[] {
  const errors = invalidFor(at, name, qualifiedNameErrors(name));
  if (errors.length > 0) return errors;
  if (!name.includes("/") && !standardResources.has(name) && !isHugePages(name)) {
    return [invalid(at, name, "must be a standard resource type or fully qualified")];
  }
  return [];
}

export function validateContainerResourceName(name: string, at: Path): FieldError[] {
  const errors = validateName(name, at);
  if (!name.includes("/")) {
    if (!containerResources.has(name) && !isHugePages(name)) {
      errors.push(invalid(at, name, "must be a standard resource for containers"));
    }
  } else if (!isNative(name) && !isExtended(name)) {
    errors.push(invalid(at, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

export function validateQuotaResourceName(name: string, at: Path): FieldError[] {
  const errors = validateName(name, at);
  if (
    !name.includes("/") && !quotaResources.includes(name) && !/^(requests\.)?hugepages-/.test(name) &&
    !name.startsWith("count/")
  ) {
    errors.push(invalid(at, name, "must be a standard resource for quota"));
  }
  return errors;
}

/** Not negative, and whole where the resource is counted. */
export function validateQuantity(name: string, value: unknown, at: Path): FieldError[] {
  const quantity = quantityOf(value);
  const errors = nonnegativeQuantity(value, at);
  if ((integerResources.has(name) || isExtended(name)) && !isIntegerQuantity(quantity)) {
    errors.push(invalid(at, formatQuantity(quantity), "must be an integer"));
  }
  return errors;
}

export function nonnegativeQuantity(value: unknown, at: Path): FieldError[] {
  const quantity = quantityOf(value);
  return quantity.nano < 0n ? [invalid(at, formatQuantity(quantity), "must be greater than or equal to 0")] : [];
}

export function positiveQuantity(value: unknown, at: Path): FieldError[] {
  const quantity = quantityOf(value);
  return quantity.nano <= 0n ? [invalid(at, formatQuantity(quantity), "must be greater than zero")] : [];
}

/** spec.resources of a pod allows only these. */
const podResources = new Set(["cpu", "memory"]);

export function validatePodResources(requirements: unknown, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const side of ["limits", "requests"]) {
    for (const name of sortedKeys(fields(requirements)[side])) {
      if (!podResources.has(name) && !isHugePages(name)) {
        errors.push(notSupported(at.child(side), name, [...podResources, "hugepages-"]));
      }
    }
  }
  return [...errors, ...validateResourceRequirements(requirements, at)];
}

export function validateResourceRequirements(
  requirements: unknown,
  at: Path,
  claimNames?: ReadonlySet<string>,
): FieldError[] {
  const { limits, requests, claims } = fields(requirements);
  const errors: FieldError[] = [];
  let cpuOrMemory = false;
  let hugePages = false;
  for (const [side, amounts] of [["limits", fields(limits)], ["requests", fields(requests)]] as const) {
    for (const name of Object.keys(amounts)) {
      const here = at.child(side).key(name);
      errors.push(...validateContainerResourceName(name, here));
      errors.push(...validateQuantity(name, amounts[name], here));
      cpuOrMemory ||= name === "cpu" || name === "memory";
      if (isHugePages(name)) hugePages = true;
      if (side === "requests") errors.push(...validateRequest(name, amounts[name], fields(limits), at));
    }
  }
  if (hugePages && !cpuOrMemory) errors.push(forbidden(at, "HugePages require cpu or memory"));
  errors.push(...validateClaims(claims, at.child("claims"), claimNames));
  return errors;
}

function validateRequest(name: string, amount: unknown, limits: Fields, at: Path): FieldError[] {
  const request = quantityOf(amount);
  if (!has(limits[name])) {
    if (mayOvercommit(name)) return [];
    return [required(at.child("limits"), "Limit must be set for non overcommitable resources")];
  }
  const limit = quantityOf(limits[name]);
  const order = compareQuantities(request, limit);
  const here = at.child("requests");
  const shown = formatQuantity(request);
  if (order !== 0 && !mayOvercommit(name)) {
    return [invalid(here, shown, `must be equal to ${name} limit of ${formatQuantity(limit)}`)];
  }
  return order > 0
    ? [invalid(here, shown, `must be less than or equal to ${name} limit of ${formatQuantity(limit)}`)]
    : [];
}

function validateClaims(claims: unknown, at: Path, names: ReadonlySet<string> | undefined): FieldError[] {
  const seen = new Set<string>();
  return list(claims).flatMap((claim, index) => {
    const here = at.index(index);
    const name = text(claim["name"]);
    if (name === "") return [required(here.child("name"))];
    const request = text(claim["request"]);
    const key = request === "" ? name : `${name}/${request}`;
    if (seen.has(key) || seen.has(name)) return [duplicate(here, key)];
    seen.add(key);
    if (names !== undefined && !names.has(name)) return [notFound(here, name)];
    return [];
  });
}
