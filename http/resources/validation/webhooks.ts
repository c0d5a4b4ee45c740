/** Rules of webhook configurations, and of what they share with admission policies. */
import { celErrors } from "./cel.ts";
import { validateLabelSelector } from "./labels.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors, qualifiedNameErrors } from "../../../machines/objects/names.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, int, list, text, texts } from "../fields.ts";
import { duplicate, invalid, invalidFor, oneOf, type Path, path, required } from "./field.ts";
import type { CelCheck, ExpressionPlace } from "./cel.ts";

export const failurePolicies = ["Fail", "Ignore"];
export const matchPolicies = ["Equivalent", "Exact"];
const sideEffects = ["None", "NoneOnDryRun"];
const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const scopes = ["*", "Cluster", "Namespaced"];
const reviewVersions = ["v1", "v1beta1"];

export function validateRule(rule: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const given = texts(rule["operations"]);
  if (given.length === 0) errors.push(required(at.child("operations")));
  if (given.length > 1 && given.includes("*")) {
    errors.push(invalid(at.child("operations"), given, "if '*' is present, must not specify other operations"));
  }
  given.forEach((each, index) => errors.push(...oneOf(each, operations, at.child("operations").index(index))));
  const named = (field: string): void => {
    const values = texts(rule[field]);
    if (values.length === 0) errors.push(required(at.child(field)));
    if (values.length > 1 && values.includes("*")) {
      errors.push(invalid(at.child(field), values, "if '*' is present, must not specify other API groups"));
    }
  };
  named("apiGroups");
  const versions = texts(rule["apiVersions"]);
  if (versions.length === 0) errors.push(required(at.child("apiVersions")));
  if (versions.length > 1 && versions.includes("*")) {
    errors.push(invalid(at.child("apiVersions"), versions, "if '*' is present, must not specify other API versions"));
  }
  versions.forEach((each, index) => {
    if (each === "") errors.push(required(at.child("apiVersions").index(index)));
  });
  const resources = texts(rule["resources"]);
  if (resources.length === 0) errors.push(required(at.child("resources")));
  resources.forEach((each, index) => {
    const here = at.child("resources").index(index);
    if (each === "") errors.push(required(here));
    if (each === "*/*" && resources.length > 1) {
      errors.push(invalid(at.child("resources"), resources, "if '*/*' is present, must not specify other resources"));
    }
  });
  const scope = rule["scope"];
  if (has(scope)) errors.push(...oneOf(text(scope), scopes, at.child("scope")));
  return errors;
}

function validateUrl(url: string, at: Path): FieldError[] {
  const form = "; desired format: https://host[/path]";
  const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/.exec(url);
  const [, scheme = "", host = "", , query, fragment] = parts ?? [];
  const errors: FieldError[] = [];
  if (scheme !== "https") errors.push(invalid(at, scheme, `'https' is the only allowed URL scheme${form}`));
  if (host === "") errors.push(invalid(at, host, `host must be specified${form}`));
  if (host.includes("@")) {
    errors.push(invalid(at, host.slice(0, host.indexOf("@")), "user information is not permitted in the URL"));
  }
  if (fragment !== undefined) errors.push(invalid(at, fragment.slice(1), "fragments are not permitted in the URL"));
  if (query !== undefined) errors.push(invalid(at, query.slice(1), "query parameters are not permitted in the URL"));
  return errors;
}

/** Where a webhook or a converter is reached. */
export function validateClientConfig(given: unknown, at: Path): FieldError[] {
  const { url, service } = fields(given);
  if (has(url) === has(service)) return [required(at, "exactly one of url or service is required")];
  if (has(url)) return validateUrl(text(url), at.child("url"));
  const target = fields(service);
  const here = at.child("service");
  const errors: FieldError[] = [];
  // Kubernetes tells the missing name under `namespace` and the reverse.
  if (text(target["namespace"]) === "") errors.push(required(here.child("name")));
  if (text(target["name"]) === "") errors.push(required(here.child("namespace")));
  const port = int(target["port"]);
  if (port < 1 || port > 65535) {
    errors.push(invalid(here.child("port"), port, "port is not valid: must be between 1 and 65535, inclusive"));
  }
  const route = target["path"];
  if (has(route)) errors.push(...validateServicePath(text(route), here.child("path")));
  return errors;
}

function validateServicePath(route: string, at: Path): FieldError[] {
  if (!route.startsWith("/")) return [invalid(at, route, "must start with a '/'")];
  const steps = route.slice(1).split("/");
  return steps.flatMap((step, index) => {
    if (step === "") {
      return index === steps.length - 1 ? [] : [invalid(at, route, `segment[${index}] may not be empty`)];
    }
    return dns1123SubdomainErrors(step).map((detail) => invalid(at, route, `segment[${index}]: ${detail}`));
  });
}

export function validateConditions(
  given: unknown,
  at: Path,
  cel: CelCheck | undefined,
  place: ExpressionPlace = { kind: "matchCondition" },
): FieldError[] {
  const names = new Set<string>();
  return list(given).flatMap((condition, index) => {
    const here = at.index(index);
    const name = text(condition["name"]);
    const expression = text(condition["expression"]);
    const errors: FieldError[] = [];
    if (expression.trim() === "") errors.push(required(here.child("expression")));
    else errors.push(...celErrors(cel, place, expression, here.child("expression")));
    if (name === "") errors.push(required(here.child("name")));
    else {
      errors.push(...invalidFor(here.child("name"), name, qualifiedNameErrors(name)));
      if (names.has(name)) errors.push(duplicate(here.child("name"), name));
      names.add(name);
    }
    return errors;
  });
}

function validateReviewVersions(versions: readonly string[], at: Path): FieldError[] {
  if (versions.length === 0) return [required(at, `must specify one of ${reviewVersions.join(", ")}`)];
  const errors: FieldError[] = [];
  versions.forEach((each, index) => {
    if (versions.indexOf(each) < index) errors.push(invalid(at.index(index), each, "duplicate version"));
    else errors.push(...invalidFor(at.index(index), each, dns1035LabelErrors(each)));
  });
  if (!versions.some((each) => reviewVersions.includes(each))) {
    errors.push(invalid(at, versions, `must include at least one of ${reviewVersions.join(", ")}`));
  }
  return errors;
}

function validateWebhook(webhook: Fields, at: Path, cel: CelCheck | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const name = text(webhook["name"]);
  if (name === "") errors.push(required(at.child("name")));
  else {
    const wrong = invalidFor(at.child("name"), name, dns1123SubdomainErrors(name));
    errors.push(...wrong);
    if (wrong.length === 0 && name.split(".").length < 3) {
      errors.push(invalid(at.child("name"), name, "should be a domain with at least three segments separated by dots"));
    }
  }
  list(webhook["rules"]).forEach((rule, index) => errors.push(...validateRule(rule, at.child("rules").index(index))));
  if (has(webhook["failurePolicy"])) {
    errors.push(...oneOf(text(webhook["failurePolicy"]), failurePolicies, at.child("failurePolicy")));
  }
  if (has(webhook["matchPolicy"])) {
    errors.push(...oneOf(text(webhook["matchPolicy"]), matchPolicies, at.child("matchPolicy")));
  }
  const effects = webhook["sideEffects"];
  if (!has(effects)) errors.push(required(at.child("sideEffects"), `must specify one of ${sideEffects.join(", ")}`));
  else errors.push(...oneOf(text(effects), sideEffects, at.child("sideEffects")));
  const timeout = webhook["timeoutSeconds"];
  if (has(timeout) && (int(timeout) < 1 || int(timeout) > 30)) {
    errors.push(invalid(at.child("timeoutSeconds"), timeout, "the timeout value must be between 1 and 30 seconds"));
  }
  for (const selector of ["namespaceSelector", "objectSelector"]) {
    if (has(webhook[selector])) errors.push(...validateLabelSelector(webhook[selector], at.child(selector)));
  }
  errors.push(...validateClientConfig(webhook["clientConfig"], at.child("clientConfig")));
  errors.push(...validateConditions(webhook["matchConditions"], at.child("matchConditions"), cel));
  if (has(webhook["reinvocationPolicy"])) {
    errors.push(...oneOf(text(webhook["reinvocationPolicy"]), ["IfNeeded", "Never"], at.child("reinvocationPolicy")));
  }
  return errors;
}

export function validateConfiguration(object: KubeObject, cel: CelCheck | undefined): FieldError[] {
  const names = new Set<string>();
  return list(object["webhooks"]).flatMap((webhook, index) => {
    const here = path("webhooks").index(index);
    const versions = validateReviewVersions(
      texts(webhook["admissionReviewVersions"]),
      here.child("admissionReviewVersions"),
    );
    const errors = [...validateWebhook(webhook, here, cel), ...versions];
    const name = text(webhook["name"]);
    if (name !== "" && names.has(name)) errors.push(duplicate(here.child("name"), name));
    names.add(name);
    return errors;
  });
}
