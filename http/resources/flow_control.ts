/** flowcontrol.apiserver.k8s.io/v1. */
import { dns1123SubdomainErrors } from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource } from "../machinery/types.ts";
import { ageColumn, column, nameColumn, spec, status } from "./columns/column.ts";
import { defaultInt, defaultTo, ensure, type Fields, fields, has, int, isFields, list, text, texts } from "./fields.ts";
import { keepStatus, row, statusSubresource } from "./row.ts";
import { forbidden, invalid, invalidFor, notSupported, oneOf, type Path, path, required } from "./validation/field.ts";

const group = "flowcontrol.apiserver.k8s.io";
const version = "v1";
const at = path("spec");
const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const maxPrecedence = 10_000;
const maxQueues = 10_000_000;

function validateSubject(subject: Fields, here: Path): FieldError[] {
  const kinds: Readonly<Record<string, string>> = { Group: "group", ServiceAccount: "serviceAccount", User: "user" };
  const kind = text(subject["kind"]);
  const field = kinds[kind];
  if (field === undefined) return [notSupported(here.child("kind"), kind, Object.keys(kinds))];
  const errors: FieldError[] = [];
  if (!isFields(subject[field])) {
    errors.push(required(here.child(field), `${field} is required when subject kind is '${kind}'`));
  } else {
    const target = subject[field];
    if (text(target["name"]) === "") errors.push(required(here.child(field, "name")));
    if (kind === "ServiceAccount" && text(target["namespace"]) === "") {
      errors.push(required(here.child(field, "namespace"), "must specify namespace for service account"));
    }
  }
  for (const other of Object.values(kinds)) {
    if (other !== field && has(subject[other])) {
      errors.push(
        forbidden(
          here.child(other),
          `${other} is forbidden when subject kind is not '${
            Object.keys(kinds).find((name) => kinds[name] === other)
          }'`,
        ),
      );
    }
  }
  return errors;
}

function validateVerbs(rule: Fields, here: Path): FieldError[] {
  const given = texts(rule["verbs"]);
  if (given.length === 0) return [required(here.child("verbs"), "verbs must contain at least one value")];
  if (given.includes("*")) {
    return given.length > 1
      ? [invalid(here.child("verbs"), given, "if '*' is present, must not specify other verbs")]
      : [];
  }
  return given.every((verb) => verbs.includes(verb)) ? [] : [notSupported(here.child("verbs"), given, verbs)];
}

function validateRule(rule: Fields, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  const subjects = list(rule["subjects"]);
  if (subjects.length === 0) errors.push(required(here.child("subjects"), "subjects must contain at least one value"));
  subjects.forEach((subject, index) => errors.push(...validateSubject(subject, here.child("subjects").index(index))));
  const resources = list(rule["resourceRules"]);
  const others = list(rule["nonResourceRules"]);
  if (resources.length === 0 && others.length === 0) {
    errors.push(required(here, "at least one of resourceRules and nonResourceRules has to be non-empty"));
  }
  resources.forEach((each, index) => {
    const place = here.child("resourceRules").index(index);
    errors.push(...validateVerbs(each, place));
    for (const [name, what] of [["apiGroups", "apiGroups"], ["resources", "resources"]] as const) {
      const values = texts(each[name]);
      if (values.length === 0) {
        errors.push(
          required(
            place.child(name),
            `resource rules must supply at least one ${what === "apiGroups" ? "api group" : "resource"}`,
          ),
        );
      } else if (values.length > 1 && values.includes("*")) {
        errors.push(
          invalid(
            place.child(name),
            values,
            `if '*' is present, must not specify other ${what === "apiGroups" ? "api groups" : "resources"}`,
          ),
        );
      }
    }
    if (texts(each["namespaces"]).length === 0 && each["clusterScope"] !== true) {
      errors.push(
        required(
          place.child("namespaces"),
          "resource rules that are not cluster scoped must supply at least one namespace",
        ),
      );
    }
  });
  others.forEach((each, index) => {
    const place = here.child("nonResourceRules").index(index);
    errors.push(...validateVerbs(each, place));
    const urls = texts(each["nonResourceURLs"]);
    if (urls.length === 0) {
      errors.push(required(place.child("nonResourceURLs"), "nonResourceURLs must contain at least one value"));
    }
    if (urls.includes("*")) {
      if (urls.length > 1) {
        errors.push(
          invalid(place.child("nonResourceURLs"), urls, "if '*' is present, must not specify other non-resource URLs"),
        );
      }
      return;
    }
    urls.forEach((url, position) => errors.push(...validateUrl(url, place.child("nonResourceURLs").index(position))));
  });
  return errors;
}

function validateUrl(url: string, here: Path): FieldError[] {
  if (url === "") return [];
  if (!url.startsWith("/")) return [invalid(here, url, "must start with slash")];
  if (url.includes(" ")) return [invalid(here, url, "must not contain white-space")];
  if (url.includes("//")) return [invalid(here, url, "must not contain double slash")];
  const star = url.indexOf("*");
  return star >= 0 && !(star === url.length - 1 && url.endsWith("/*"))
    ? [invalid(here, url, "wildcard can only do suffix matching")]
    : [];
}

function validateSchema(object: KubeObject): FieldError[] {
  const given = spec(object);
  const errors: FieldError[] = [];
  const precedence = int(given["matchingPrecedence"]);
  const here = at.child("matchingPrecedence");
  if (precedence <= 0) errors.push(invalid(here, precedence, "must be a positive value"));
  if (precedence > maxPrecedence) errors.push(invalid(here, precedence, `must not be greater than ${maxPrecedence}`));
  if (precedence === 1 && object.metadata.name !== "exempt") {
    errors.push(invalid(here, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  const method = given["distinguisherMethod"];
  if (isFields(method) && !["ByNamespace", "ByUser"].includes(text(method["type"]))) {
    errors.push(
      notSupported(at.child("distinguisherMethod", "type"), { Type: text(method["type"]) }, ["ByNamespace", "ByUser"]),
    );
  }
  const level = text(fields(given["priorityLevelConfiguration"])["name"]);
  const place = at.child("priorityLevelConfiguration", "name");
  if (level === "") errors.push(required(place, "must reference a priority level"));
  else errors.push(...invalidFor(place, level, dns1123SubdomainErrors(level)));
  list(given["rules"]).forEach((rule, index) => errors.push(...validateRule(rule, at.child("rules").index(index))));
  return errors;
}

function validateLimited(limited: Fields, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  const shares = limited["nominalConcurrencyShares"];
  if (has(shares) && int(shares) < 0) {
    errors.push(invalid(here.child("nominalConcurrencyShares"), shares, "must be a non-negative integer"));
  }
  errors.push(...validateResponse(fields(limited["limitResponse"]), here.child("limitResponse")));
  const lendable = limited["lendablePercent"];
  if (has(lendable) && (int(lendable) < 0 || int(lendable) > 100)) {
    errors.push(invalid(here.child("lendablePercent"), lendable, "must be between 0 and 100, inclusive"));
  }
  const borrowing = limited["borrowingLimitPercent"];
  if (has(borrowing) && int(borrowing) < 0) {
    errors.push(
      invalid(here.child("borrowingLimitPercent"), borrowing, "if specified, must be a non-negative integer"),
    );
  }
  return errors;
}

function validateResponse(response: Fields, here: Path): FieldError[] {
  const queuing = response["queuing"];
  const place = here.child("queuing");
  switch (text(response["type"])) {
    case "Reject":
      return has(queuing) ? [forbidden(place, "must be nil if limited.limitResponse.type is not Limited")] : [];
    case "Queue":
      return isFields(queuing)
        ? validateQueuing(queuing, place)
        : [required(place, "must not be empty if limited.limitResponse.type is Limited")];
    default:
      return [notSupported(here.child("type"), text(response["type"]), ["Queue", "Reject"])];
  }
}

function validateQueuing(queuing: Fields, here: Path): FieldError[] {
  const { queues, handSize, queueLengthLimit } = {
    queues: int(queuing["queues"]),
    handSize: int(queuing["handSize"]),
    queueLengthLimit: int(queuing["queueLengthLimit"]),
  };
  const errors: FieldError[] = [];
  if (queueLengthLimit <= 0) errors.push(invalid(here.child("queueLengthLimit"), queueLengthLimit, "must be positive"));
  if (queues <= 0) errors.push(invalid(here.child("queues"), queues, "must be positive"));
  else if (queues > maxQueues) {
    errors.push(invalid(here.child("queues"), queues, `must not be greater than ${maxQueues}`));
  }
  if (handSize <= 0) errors.push(invalid(here.child("handSize"), handSize, "must be positive"));
  else if (handSize > queues) {
    errors.push(invalid(here.child("handSize"), handSize, `should not be greater than queues (${queues})`));
  } else if (queues <= maxQueues && Math.log2(queues) * handSize > 60 && entropyBits(queues, handSize) > 60) {
    errors.push(
      invalid(
        here.child("handSize"),
        handSize,
        `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than 60`,
      ),
    );
  }
  return errors;
}

function entropyBits(deck: number, hand: number): number {
  let bits = 0;
  for (let index = 0; index < hand; index++) bits += Math.log2(deck - index);
  return Math.ceil(bits);
}

function validateLevel(object: KubeObject): FieldError[] {
  const given = spec(object);
  const type = text(given["type"]);
  switch (type) {
    case "Exempt":
      return has(given["limited"]) ? [forbidden(at.child("limited"), "must be nil if the type is not Limited")] : [];
    case "Limited": {
      const errors = has(given["exempt"]) ? [forbidden(at.child("exempt"), "must be nil if the type is Limited")] : [];
      return isFields(given["limited"])
        ? [...errors, ...validateLimited(given["limited"], at.child("limited"))]
        : [...errors, required(at.child("limited"), "must not be empty when type is Limited")];
    }
    default:
      return oneOf(type, ["Exempt", "Limited"], at.child("type"));
  }
}

function setLevelDefaults(object: KubeObject): void {
  const given = ensure(object, "spec");
  if (given["type"] === "Exempt") {
    defaultTo(ensure(given, "exempt"), { nominalConcurrencyShares: 0, lendablePercent: 0 });
  }
  if (!isFields(given["limited"])) return;
  defaultTo(given["limited"], { nominalConcurrencyShares: 30, lendablePercent: 0 });
  const queuing = fields(given["limited"]["limitResponse"])["queuing"];
  if (isFields(queuing)) defaultInt(queuing, { handSize: 8, queues: 64, queueLengthLimit: 50 });
}

const none = "<none>";
const queuing = (object: KubeObject, field: string): unknown => {
  const found = fields(fields(spec(object)["limited"])["limitResponse"])["queuing"];
  return isFields(found) ? int(found[field]) : none;
};

function missingLevel(object: KubeObject): string {
  const dangling = list(status(object)["conditions"]).find((each) => each["type"] === "Dangling");
  return dangling === undefined ? "?" : text(dangling["status"]);
}

const clearStatus = (object: KubeObject): void => {
  object["status"] = {};
};

const levelSpec = "flowcontrol.apiserver.k8s.io/v1/LimitedPriorityLevelConfiguration.nominalConcurrencyShares";
const queuingType = "flowcontrol.apiserver.k8s.io/v1/QueuingConfiguration";

export const flowControlResources: readonly Resource[] = [
  row({
    group,
    version,
    resource: "flowschemas",
    kind: "FlowSchema",
    namespaced: false,
    subresources: { status: statusSubresource },
    columns: [
      nameColumn,
      column(
        "PriorityLevel",
        "`name` is the name of the priority level configuration being referenced Required.",
        (object) => text(fields(spec(object)["priorityLevelConfiguration"])["name"]),
      ),
      column(
        "MatchingPrecedence",
        { of: "flowcontrol.apiserver.k8s.io/v1/FlowSchemaSpec.matchingPrecedence" },
        (object) => int(spec(object)["matchingPrecedence"]),
      ),
      column(
        "DistinguisherMethod",
        { of: "flowcontrol.apiserver.k8s.io/v1/FlowSchemaSpec.distinguisherMethod" },
        (object) => text(fields(spec(object)["distinguisherMethod"])["type"]) || none,
      ),
      ageColumn,
      column("MissingPL", "references a broken or non-existent PriorityLevelConfiguration", missingLevel),
    ],
    strategy: {
      setDefaults: (object) => defaultInt(ensure(object, "spec"), { matchingPrecedence: 1000 }),
      prepareForCreate: clearStatus,
      validate: validateSchema,
      prepareForUpdate: keepStatus,
      validateUpdate: validateSchema,
    },
  }),
  row({
    group,
    version,
    resource: "prioritylevelconfigurations",
    kind: "PriorityLevelConfiguration",
    namespaced: false,
    subresources: { status: statusSubresource },
    columns: [
      nameColumn,
      column(
        "Type",
        { of: "flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfigurationSpec.type" },
        (object) => text(spec(object)["type"]),
      ),
      column("NominalConcurrencyShares", { of: levelSpec }, (object) => {
        const shares = fields(spec(object)["limited"])["nominalConcurrencyShares"];
        return has(shares) ? shares : none;
      }),
      column("Queues", { of: `${queuingType}.queues` }, (object) => queuing(object, "queues")),
      column("HandSize", { of: `${queuingType}.handSize` }, (object) => queuing(object, "handSize")),
      column(
        "QueueLengthLimit",
        { of: `${queuingType}.queueLengthLimit` },
        (object) => queuing(object, "queueLengthLimit"),
      ),
      ageColumn,
    ],
    strategy: {
      setDefaults: setLevelDefaults,
      prepareForCreate: clearStatus,
      validate: validateLevel,
      prepareForUpdate: keepStatus,
      validateUpdate: validateLevel,
    },
  }),
];
