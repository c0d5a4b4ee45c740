/** limitranges and resourcequotas. */
import { qualifiedNameErrors } from "../../../machines/objects/names.ts";
import {
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  quantityOf,
} from "../../../machines/objects/quantity.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError, Resource } from "../../machinery/types.ts";
import { ageColumn, column, nameColumn, spec, status } from "../columns/column.ts";
import {
  defaultTo,
  ensure,
  type Fields,
  fields,
  has,
  isFields,
  list,
  same,
  sortedKeys,
  text,
  texts,
} from "../fields.ts";
import { keepStatus, row, statusSubresource } from "../row.ts";
import { duplicate, forbidden, invalid, invalidFor, type Path, path, required } from "../validation/field.ts";
import {
  nonnegativeQuantity,
  validateContainerResourceName,
  validateQuantity,
  validateQuotaResourceName,
} from "../validation/resource_requirements.ts";

const limitTypes = ["Pod", "Container", "PersistentVolumeClaim"];
const sides = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];

/** Of a container, what is limited is its default; the least is what is asked for by default. */
function setLimitDefaults(object: KubeObject): void {
  for (const limit of list(ensure(object, "spec")["limits"])) {
    if (limit["type"] !== "Container") continue;
    const fill = (target: string, source: string): void => {
      const from = fields(limit[source]);
      if (Object.keys(from).length > 0) defaultTo(ensure(limit, target), from);
    };
    fill("default", "max");
    fill("defaultRequest", "default");
    fill("defaultRequest", "min");
  }
}

interface Pair {
  readonly low: string;
  readonly high: string;
  /** Where, with which value, and how it is said that `low` is above `high`. */
  readonly at: string;
  readonly value: string;
  readonly names: readonly [low: string, high: string];
}

const pairs: readonly Pair[] = [
  { low: "min", high: "max", at: "min", value: "min", names: ["min value", "max value"] },
  {
    low: "min",
    high: "defaultRequest",
    at: "defaultRequest",
    value: "defaultRequest",
    names: ["min value", "default request value"],
  },
  {
    low: "defaultRequest",
    high: "max",
    at: "defaultRequest",
    value: "defaultRequest",
    names: ["default request value", "max value"],
  },
  {
    low: "defaultRequest",
    high: "default",
    at: "defaultRequest",
    value: "defaultRequest",
    names: ["default request value", "default limit value"],
  },
  { low: "min", high: "default", at: "default", value: "min", names: ["min value", "default value"] },
  { low: "default", high: "max", at: "default", value: "max", names: ["default value", "max value"] },
];

function validateLimit(limit: Fields, seen: Set<string>, at: Path): FieldError[] {
  const type = text(limit["type"]);
  const errors = invalidFor(at.child("type"), type, qualifiedNameErrors(type));
  if (errors.length === 0 && !type.includes("/") && !limitTypes.includes(type)) {
    errors.push(invalid(at.child("type"), type, "must be a standard limit type or fully qualified"));
  }
  if (seen.has(type)) errors.push(duplicate(at.child("type"), type));
  seen.add(type);
  const keys = new Set<string>();
  for (const side of sides) {
    for (const name of sortedKeys(limit[side])) {
      keys.add(name);
      if (type === "Container" || type === "Pod") {
        errors.push(...validateContainerResourceName(name, at.child(side).key(name)));
      }
    }
  }
  if (type === "Pod") {
    for (const side of ["default", "defaultRequest"]) {
      if (Object.keys(fields(limit[side])).length > 0) {
        errors.push(forbidden(at.child(side), "may not be specified when `type` is 'Pod'"));
      }
    }
  }
  if (
    type === "PersistentVolumeClaim" && !has(fields(limit["min"])["storage"]) && !has(fields(limit["max"])["storage"])
  ) {
    errors.push(
      required(at.child("limits"), "either minimum or maximum storage value is required, but neither was provided"),
    );
  }
  for (const name of keys) errors.push(...validatePairs(limit, name, at), ...validateRatio(limit, name, at));
  return errors;
}

function validatePairs(limit: Fields, name: string, at: Path): FieldError[] {
  return pairs.flatMap((pair) => {
    const [low, high] = [pair.low, pair.high].map((side) => fields(limit[side])[name]);
    if (!has(low) || !has(high)) return [];
    if (compareQuantities(quantityOf(low), quantityOf(high)) <= 0) return [];
    const detail = `${pair.names[0]} ${canonicalQuantity(text(low))} is greater than ${pair.names[1]} ${
      canonicalQuantity(text(high))
    }`;
    return [invalid(at.child(pair.at).key(name), canonicalQuantity(text(fields(limit[pair.value])[name])), detail)];
  });
}

function validateRatio(limit: Fields, name: string, at: Path): FieldError[] {
  const ratio = fields(limit["maxLimitRequestRatio"])[name];
  if (!has(ratio)) return [];
  const here = at.child("maxLimitRequestRatio").key(name);
  const value = quantityOf(ratio);
  const shown = formatQuantity(value);
  if (value.nano < 1_000_000_000n) return [invalid(here, shown, `ratio ${shown} is less than 1`)];
  const { min, max } = { min: fields(limit["min"])[name], max: fields(limit["max"])[name] };
  if (!has(min) || !has(max)) return [];
  const [low, high] = [quantityOf(min).nano, quantityOf(max).nano];
  if (low > 0n && value.nano * low > high * 1_000_000_000n) {
    return [
      invalid(here, shown, `ratio ${shown} is greater than max/min = ${(Number(high) / Number(low)).toFixed(6)}`),
    ];
  }
  return [];
}

function validateLimitRange(object: KubeObject): FieldError[] {
  const seen = new Set<string>();
  return list(spec(object)["limits"]).flatMap((limit, index) =>
    validateLimit(limit, seen, path("spec", "limits").index(index))
  );
}

export const limitRanges: Resource = row({
  group: "",
  version: "v1",
  resource: "limitranges",
  kind: "LimitRange",
  shortNames: ["limits"],
  strategy: {
    setDefaults: setLimitDefaults,
    prepareForCreate(object) {
      // A range without a name gets a random one: its uid is at hand.
      if (!has(object.metadata.name) || object.metadata.name === "") object.metadata.name = object.metadata.uid;
    },
    validate: validateLimitRange,
    validateUpdate: validateLimitRange,
    hasGeneration: false,
  },
});

const scopes = [
  "BestEffort",
  "CrossNamespacePodAffinity",
  "NotBestEffort",
  "NotTerminating",
  "PriorityClass",
  "Terminating",
  "VolumeAttributesClass",
];
const podScoped = new Set(["cpu", "memory", "pods", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]);
const conflicting = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] as const;

function validateQuota(object: KubeObject): FieldError[] {
  const given = spec(object);
  const errors: FieldError[] = [];
  for (const name of sortedKeys(given["hard"])) {
    const here = path("spec", "hard").key(name);
    errors.push(...validateQuotaResourceName(name, here));
    errors.push(...validateQuantity(name, fields(given["hard"])[name], here));
  }
  return [...errors, ...validateScopes(given), ...validateScopeSelector(given)];
}

function validateScopes(given: Fields): FieldError[] {
  const names = texts(given["scopes"]);
  const at = path("spec", "scopes");
  const errors: FieldError[] = [];
  for (const name of names) {
    if (!scopes.includes(name)) errors.push(invalid(at, names, "unsupported scope"));
    for (const resource of sortedKeys(given["hard"])) {
      if (isStandardQuota(resource) && scopes.includes(name) && !mayScope(name, resource)) {
        errors.push(invalid(at, names, "unsupported scope applied to resource"));
      }
    }
  }
  for (const [a, b] of conflicting) {
    if (names.includes(a) && names.includes(b)) errors.push(invalid(at, names, "conflicting scopes"));
  }
  return errors;
}

const isStandardQuota = (name: string): boolean =>
  validateQuotaResourceName(name, path("")).length === 0 && !name.includes("/");

function mayScope(scope: string, resource: string): boolean {
  if (scope === "BestEffort") return resource === "pods";
  if (scope === "VolumeAttributesClass") {
    return resource === "persistentvolumeclaims" || resource === "requests.storage";
  }
  return podScoped.has(resource);
}

function validateScopeSelector(given: Fields): FieldError[] {
  if (!isFields(given["scopeSelector"])) return [];
  const at = path("spec", "scopeSelector", "matchExpressions");
  return list(given["scopeSelector"]["matchExpressions"]).flatMap((each) => {
    const errors: FieldError[] = [];
    const scope = text(each["scopeName"]);
    const operator = text(each["operator"]);
    const values = texts(each["values"]);
    if (!scopes.includes(scope)) errors.push(invalid(at.child("scopeName"), scope, "unsupported scope"));
    if (
      ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"].includes(scope) &&
      operator !== "Exists"
    ) {
      errors.push(
        invalid(
          at.child("operator"),
          operator,
          "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      );
    }
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) {
        errors.push(
          required(
            at.child("values"),
            "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
          ),
        );
      }
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) {
        errors.push(
          invalid(
            at.child("values"),
            values,
            "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
          ),
        );
      }
    } else errors.push(invalid(at.child("operator"), operator, "not a valid selector operator"));
    return errors;
  });
}

/** `name: used/hard` of requests and counts, and of limits apart. */
function quotaCell(isLimit: boolean): (object: KubeObject) => string {
  return (object) => {
    const { hard, used } = status(object);
    return sortedKeys(hard).filter((name) => name.startsWith("limits") === isLimit).map((name) =>
      `${name}: ${canonicalQuantity(text(fields(used)[name]) || "0")}/${canonicalQuantity(text(fields(hard)[name]))}`
    ).join(", ");
  };
}

export const resourceQuotas: Resource = row({
  group: "",
  version: "v1",
  resource: "resourcequotas",
  kind: "ResourceQuota",
  shortNames: ["quota"],
  subresources: { status: statusSubresource },
  columns: [
    nameColumn,
    column(
      "Request",
      "Request represents a minimum amount of cpu/memory that a container may consume.",
      quotaCell(false),
    ),
    column(
      "Limit",
      "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
      quotaCell(true),
    ),
    ageColumn,
  ],
  strategy: {
    prepareForCreate(object) {
      object["status"] = {};
    },
    validate: validateQuota,
    prepareForUpdate: keepStatus,
    validateUpdate: (next, old) => [
      ...validateQuota(next),
      ...(same(new Set(texts(spec(next)["scopes"])).size, new Set(texts(spec(old)["scopes"])).size) &&
          texts(spec(next)["scopes"]).every((scope) => texts(spec(old)["scopes"]).includes(scope))
        ? []
        : [invalid(path("spec", "scopes"), texts(spec(next)["scopes"]), "field is immutable")]),
    ],
    validateStatusUpdate: (next) =>
      ["hard", "used"].flatMap((side) =>
        sortedKeys(status(next)[side]).flatMap((name) => {
          const here = path("status", side).key(name);
          return [
            ...validateQuotaResourceName(name, here),
            ...nonnegativeQuantity(fields(status(next)[side])[name], here),
          ];
        })
      ),
    hasGeneration: false,
  },
});
