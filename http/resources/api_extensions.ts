/** apiextensions.k8s.io/v1. */
import { dns1035LabelErrors, dns1123SubdomainErrors } from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource, StrategyContext } from "../machinery/types.ts";
import { validateClientConfig } from "./validation/webhooks.ts";
import { spec, status } from "./columns/column.ts";
import {
  defaultText,
  ensure,
  type Fields,
  fields,
  has,
  identical,
  isFields,
  list,
  same,
  text,
  texts,
} from "./fields.ts";
import { SchemaRules } from "../custom_resources/cel/rules.ts";
import type { JsonSchema } from "../custom_resources/json_schema.ts";
import { row, statusSubresource } from "./row.ts";
import { immutable, invalid, invalidFor, oneOf, type Path, path, required } from "./validation/field.ts";
import { validateStructuralSchema } from "./validation/structural_schema.ts";

const at = path("spec");
const columnTypes = ["boolean", "date", "integer", "number", "string"];

function setDefaults(object: KubeObject): void {
  const given = ensure(object, "spec");
  const names = ensure(given, "names");
  const kind = text(names["kind"]);
  if (kind !== "") defaultText(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
  defaultText(ensure(given, "conversion"), { strategy: "None" });
  const webhook = fields(given["conversion"])["webhook"];
  const service = fields(fields(webhook)["clientConfig"])["service"];
  if (isFields(service) && !has(service["port"])) service["port"] = 443;
}

const storageVersions = (object: KubeObject): string[] =>
  list(spec(object)["versions"]).filter((each) => each["storage"] === true).map((each) => text(each["name"]));

function validateNames(names: Fields, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["plural", "singular", "kind", "listKind"]) {
    const value = text(names[name]);
    const place = here.child(name);
    if (value === "") {
      errors.push(required(place));
      continue;
    }
    const mixed = name === "kind" || name === "listKind";
    const wrong = dns1035LabelErrors(mixed ? value.toLowerCase() : value);
    errors.push(
      ...invalidFor(
        place,
        value,
        mixed ? wrong.map((detail) => `may have mixed case, but should otherwise match: ${detail}`) : wrong,
      ),
    );
  }
  texts(names["shortNames"]).forEach((name, index) =>
    errors.push(...invalidFor(here.child("shortNames").index(index), name, dns1035LabelErrors(name)))
  );
  if (text(names["kind"]) !== "" && names["kind"] === names["listKind"]) {
    errors.push(invalid(here.child("listKind"), names["listKind"], "kind and listKind may not be the same"));
  }
  texts(names["categories"]).forEach((name, index) =>
    errors.push(...invalidFor(here.child("categories").index(index), name, dns1035LabelErrors(name)))
  );
  return errors;
}

const simplePath = /^\.[A-Za-z0-9_\-.[\]]*$|^\.$/;

function validateSimplePath(value: string, here: Path, under?: string): FieldError[] {
  if (value === "") return [required(here)];
  if (!simplePath.test(value)) return [invalid(here, value, "must be a simple json path starting with .")];
  return under === undefined || value.startsWith(under)
    ? []
    : [invalid(here, value, `should be a json path under ${under}`)];
}

function validatePrinterColumns(columns: unknown, here: Path): FieldError[] {
  return list(columns).flatMap((given, index) => {
    const place = here.index(index);
    const errors: FieldError[] = [];
    const type = text(given["type"]);
    const detail = `must be one of ${columnTypes.join(",")}`;
    if (text(given["name"]) === "") errors.push(required(place.child("name")));
    if (type === "") errors.push(required(place.child("type"), detail));
    else if (!columnTypes.includes(type)) errors.push(invalid(place.child("type"), type, detail));
    const jsonPath = text(given["jsonPath"]);
    if (jsonPath === "") errors.push(required(place.child("JSONPath")));
    else if (!jsonPath.startsWith(".")) {
      errors.push(invalid(place.child("JSONPath"), jsonPath, "must be a simple json path starting with ."));
    }
    return errors;
  });
}

function validateSubresources(given: unknown, here: Path): FieldError[] {
  const scale = fields(given)["scale"];
  if (!isFields(scale)) return [];
  const place = here.child("scale");
  const errors = [
    ...validateSimplePath(text(scale["specReplicasPath"]), place.child("specReplicasPath"), ".spec."),
    ...validateSimplePath(text(scale["statusReplicasPath"]), place.child("statusReplicasPath"), ".status."),
  ];
  const selector = text(scale["labelSelectorPath"]);
  return selector === "" ? errors : [...errors, ...validateSimplePath(selector, place.child("labelSelectorPath"))];
}

/** What of a version stands at the top of Kubernetes' inner form when all versions share it. */
const perVersion = ["schema", "subresources", "additionalPrinterColumns"];

function validateVersions(versions: readonly Fields[], given: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const shared = perVersion.every((field) => versions.every((each) => identical(each[field], versions[0]?.[field])));
  versions.forEach((each, index) => {
    const here = at.child("versions").index(index);
    if (!isFields(fields(each["schema"])["openAPIV3Schema"])) {
      errors.push(required(here.child("schema", "openAPIV3Schema")));
    }
    errors.push(...invalidFor(here.child("name"), text(each["name"]), dns1035LabelErrors(text(each["name"]))));
    if (!shared) errors.push(...validateParts(each, here, here.child("schema", "openAPIV3Schema")));
  });
  const dump = versions.length === 0 && !has(given) ? null : versions.map((each) => ({
    Name: text(each["name"]),
    Served: each["served"] === true,
    Storage: each["storage"] === true,
    Deprecated: each["deprecated"] === true,
    DeprecationWarning: each["deprecationWarning"] ?? null,
    Schema: null,
    Subresources: null,
    AdditionalPrinterColumns: null,
    SelectableFields: null,
  }));
  const names = versions.map((each) => text(each["name"]));
  if (new Set(names).size < names.length) {
    errors.push(invalid(at.child("versions"), dump, "must contain unique version names"));
  }
  if (versions.filter((each) => each["storage"] === true).length !== 1) {
    errors.push(invalid(at.child("versions"), dump, "must have exactly one version marked as storage version"));
  }
  const first = versions[0];
  if (first !== undefined) {
    // The older form of the first version's name is checked for its length alone.
    const name = text(first["name"]);
    if (name.length > 63) errors.push(...invalidFor(at.child("version"), name, dns1035LabelErrors(name)));
    if (shared) errors.push(...validateParts(first, at, at.child("validation", "openAPIV3Schema")));
  }
  return errors;
}

function validateParts(given: Fields, here: Path, schemaPath: Path): FieldError[] {
  const schema = fields(given["schema"])["openAPIV3Schema"];
  const structural = isFields(schema)
    ? validateStructuralSchema(schema, schemaPath, has(fields(given["subresources"])["status"]))
    : [];
  return [
    ...structural,
    // Rules are compiled against the types that a sound schema gives.
    ...(isFields(schema) && structural.length === 0 ? validateRules(schema, schemaPath) : []),
    ...validateSubresources(given["subresources"], here.child("subresources")),
    ...validatePrinterColumns(given["additionalPrinterColumns"], here.child("additionalPrinterColumns")),
  ];
}

function validateRules(schema: Fields, at: Path): FieldError[] {
  return new SchemaRules(schema as JsonSchema).errors.map(({ path: place, index, field, text, rule }) => {
    const here = place.reduce((parent, step) => parent.child(step), at).child("x-kubernetes-validations").index(index);
    const { rule: expression, message = "", messageExpression = "", reason, fieldPath = "", optionalOldSelf } = rule;
    const shown = {
      Rule: expression,
      Message: message,
      MessageExpression: messageExpression,
      Reason: reason ?? null,
      FieldPath: fieldPath,
      OptionalOldSelf: optionalOldSelf ?? null,
    };
    const why = text.startsWith("ERROR") ? `compilation failed: ${text}` : text;
    return invalid(here.child(field), shown, why);
  });
}

function validateConversion(given: unknown): FieldError[] {
  if (!isFields(given)) return [];
  const here = at.child("conversion");
  const strategy = text(given["strategy"]);
  if (strategy === "") return [required(here.child("strategy"))];
  const errors = oneOf(strategy, ["None", "Webhook"], here.child("strategy"));
  const webhook = given["webhook"];
  if (strategy === "Webhook") {
    if (!isFields(webhook) || !has(webhook["clientConfig"])) {
      errors.push(required(here.child("webhookClientConfig"), 'required when strategy is set to "Webhook"'));
    } else errors.push(...validateClientConfig(webhook["clientConfig"], here.child("webhookClientConfig")));
  }
  return errors;
}

function validateDefinition(object: KubeObject): FieldError[] {
  const given = spec(object);
  const group = text(given["group"]);
  const names = fields(given["names"]);
  const errors: FieldError[] = [];
  if (group === "") errors.push(required(at.child("group")));
  else {
    const wrong = invalidFor(at.child("group"), group, dns1123SubdomainErrors(group));
    errors.push(...wrong);
    if (wrong.length === 0 && !group.includes(".")) {
      errors.push(invalid(at.child("group"), group, "should be a domain with at least one dot"));
    }
  }
  const scope = text(given["scope"]);
  if (scope === "") errors.push(required(at.child("scope")));
  else errors.push(...oneOf(scope, ["Cluster", "Namespaced"], at.child("scope")));
  errors.push(...validateVersions(list(given["versions"]), given["versions"]));
  errors.push(...validateNames(names, at.child("names")));
  errors.push(...validateConversion(given["conversion"]));
  return errors;
}

/** The name of a definition is made of what it defines. */
function validateDefinitionName(object: KubeObject): FieldError[] {
  const { name } = object.metadata;
  const given = spec(object);
  const expected = `${text(fields(given["names"])["plural"])}.${text(given["group"])}`;
  if (text(name) === "" || name === expected) return [];
  return [invalid(path("metadata", "name"), name, 'must be spec.names.plural+"."+spec.group')];
}

function validateStored(object: KubeObject): FieldError[] {
  const stored = texts(status(object)["storedVersions"]);
  const here = path("status", "storedVersions");
  const storage = storageVersions(object);
  if (stored.length === 0) {
    return [invalid(here, status(object)["storedVersions"] ?? null, "must have at least one stored version")];
  }
  const names = list(spec(object)["versions"]).map((each) => text(each["name"]));
  const errors = stored.flatMap((name, index) => {
    if (names.includes(name)) return [];
    const detail =
      `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a ` +
      `storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    return [invalid(here.index(index), name, detail)];
  });
  // With several storage versions none of them counts as stored.
  const missing = storage.length > 1 ? storage[0] : storage.find((name) => !stored.includes(name));
  return missing === undefined
    ? errors
    : [...errors, invalid(here, stored, `must have the storage version ${missing}`)];
}

function established(object: KubeObject): boolean {
  return list(status(object)["conditions"]).some((each) => each["type"] === "Established" && each["status"] === "True");
}

function validateUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const errors = [...validateDefinition(next), ...validateStored(next)];
  const [now, before] = [spec(next), spec(old)];
  const check = (value: unknown, was: unknown, here: Path): void => {
    errors.push(...immutable(value ?? "", was ?? "", here, same));
  };
  if (established(old)) {
    check(now["scope"], before["scope"], at.child("scope"));
    check(fields(now["names"])["kind"], fields(before["names"])["kind"], at.child("names", "kind"));
  }
  check(now["group"], before["group"], at.child("group"));
  check(fields(now["names"])["plural"], fields(before["names"])["plural"], at.child("names", "plural"));
  return errors;
}

function markTerminating(object: KubeObject, { now }: StrategyContext): void {
  object.metadata.finalizers = [
    ...(object.metadata.finalizers ?? []).filter((name) => name !== cleanupFinalizer),
    cleanupFinalizer,
  ];
  const terminating = {
    type: "Terminating",
    status: "True",
    lastTransitionTime: now,
    reason: "InstanceDeletionPending",
    message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
  };
  // A definition is marked without a grace period, and its generation counts changes of its spec alone.
  delete object.metadata.deletionGracePeriodSeconds;
  object.metadata.generation = Math.max(1, (object.metadata.generation ?? 1) - 1);
  const before = status(object);
  const others = list(before["conditions"]).filter((each) => each["type"] !== "Terminating");
  object["status"] = { ...before, conditions: [...others, terminating] };
}

/** What keeps a definition until the last of its instances is gone. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

export const apiExtensionsResources: readonly Resource[] = [
  row({
    group: "apiextensions.k8s.io",
    version: "v1",
    resource: "customresourcedefinitions",
    kind: "CustomResourceDefinition",
    namespaced: false,
    shortNames: ["crd", "crds"],
    categories: ["api-extensions"],
    subresources: { status: statusSubresource },
    strategy: {
      setDefaults,
      prepareForCreate(object) {
        const storedVersions = storageVersions(object).slice(0, 1);
        object["status"] = {
          conditions: null,
          acceptedNames: { plural: "", kind: "" },
          storedVersions: storedVersions.length === 0 ? null : storedVersions,
        };
      },
      validate: (
        object,
      ) => [...validateDefinitionName(object), ...validateDefinition(object), ...validateStored(object)],
      prepareForUpdate(next, old, { subresource }) {
        if (subresource !== "") return;
        const before = fields(old["status"]);
        const stored = texts(before["storedVersions"]);
        const added = storageVersions(next).filter((name) => !stored.includes(name));
        next["status"] = { ...before, storedVersions: [...stored, ...added] };
      },
      validateUpdate,
      // Its instances go before it does.
      holdsDeletion: ({ metadata }) => metadata.deletionTimestamp === undefined,
      prepareForDelete: markTerminating,
      allowUnconditionalUpdate: false,
    },
  }),
];
