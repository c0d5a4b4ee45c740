/** admissionregistration.k8s.io/v1. */
import {
  cIdentifierErrors,
  dns1035LabelErrors,
  dns1123SubdomainErrors,
  qualifiedNameErrors,
} from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { Column, FieldError, Resource, Strategy } from "../machinery/types.ts";
import { ageColumn, column, integerColumn, nameColumn, spec } from "./columns/column.ts";
import { defaultTo, ensure, type Fields, fields, has, int, isFields, list, text, texts } from "./fields.ts";
import { keepStatus, row, statusSubresource } from "./row.ts";
import { duplicate, invalid, invalidFor, notSupported, oneOf, type Path, path, required } from "./validation/field.ts";
import { validateLabelSelector } from "./validation/labels.ts";
import { type CelCheck, celErrors } from "./validation/cel.ts";

const group = "admissionregistration.k8s.io";
const version = "v1";
const categories = ["api-extensions"];
const failurePolicies = ["Fail", "Ignore"];
const matchPolicies = ["Equivalent", "Exact"];
const sideEffects = ["None", "NoneOnDryRun"];
const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const scopes = ["*", "Cluster", "Namespaced"];
const reviewVersions = ["v1", "v1beta1"];

function validateRule(rule: Fields, at: Path): FieldError[] {
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

function validateConditions(given: unknown, at: Path, cel: CelCheck | undefined): FieldError[] {
  const names = new Set<string>();
  return list(given).flatMap((condition, index) => {
    const here = at.index(index);
    const name = text(condition["name"]);
    const expression = text(condition["expression"]);
    const errors: FieldError[] = [];
    if (expression.trim() === "") errors.push(required(here.child("expression")));
    else errors.push(...celErrors(cel, "matchCondition", expression, here.child("expression")));
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

function validateConfiguration(object: KubeObject, cel: CelCheck | undefined): FieldError[] {
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

function setMatchDefaults(owner: Fields): void {
  defaultTo(owner, { matchPolicy: "Equivalent" });
  ensure(owner, "namespaceSelector");
  ensure(owner, "objectSelector");
}

function setWebhookDefaults(object: KubeObject): void {
  for (const webhook of list(object["webhooks"])) {
    defaultTo(webhook, { failurePolicy: "Fail", timeoutSeconds: 10 });
    if (object.kind === "MutatingWebhookConfiguration") defaultTo(webhook, { reinvocationPolicy: "Never" });
    setMatchDefaults(webhook);
    for (const rule of list(webhook["rules"])) defaultTo(rule, { scope: "*" });
    const service = fields(webhook["clientConfig"])["service"];
    if (isFields(service)) defaultTo(service, { port: 443 });
  }
}

function setPolicyDefaults(object: KubeObject): void {
  const given = ensure(object, "spec");
  defaultTo(given, { failurePolicy: "Fail" });
  const constraints = given["matchConstraints"];
  if (isFields(constraints)) setResourceDefaults(constraints);
}

function setBindingDefaults(object: KubeObject): void {
  const resources = fields(object["spec"])["matchResources"];
  if (isFields(resources)) setResourceDefaults(resources);
}

function setResourceDefaults(match: Fields): void {
  setMatchDefaults(match);
  for (const field of ["resourceRules", "excludeResourceRules"]) {
    for (const rule of list(match[field])) defaultTo(rule, { scope: "*" });
  }
}

function validateMatch(given: unknown, at: Path, needsRules: boolean): FieldError[] {
  const match = fields(given);
  const errors: FieldError[] = [];
  const policy = match["matchPolicy"];
  if (has(policy)) errors.push(...oneOf(text(policy), matchPolicies, at.child("matchPolicy")));
  for (const selector of ["namespaceSelector", "objectSelector"]) {
    errors.push(...validateLabelSelector(match[selector], at.child(selector)));
  }
  for (const field of ["resourceRules", "excludeResourceRules"]) {
    list(match[field]).forEach((rule, index) => errors.push(...validateRule(rule, at.child(field).index(index))));
  }
  if (needsRules && list(match["resourceRules"]).length === 0) errors.push(required(at.child("resourceRules")));
  return errors;
}

const policyPath = path("spec");

function validateValidations(given: Fields, cel: CelCheck | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const validations = list(given["validations"]);
  const annotations = list(given["auditAnnotations"]);
  const none = "validations or auditAnnotations must contain at least one item";
  if (validations.length === 0 && annotations.length === 0) {
    errors.push(required(policyPath.child("validations"), none), required(policyPath.child("auditAnnotations"), none));
  }
  validations.forEach((validation, index) => {
    const here = policyPath.child("validations").index(index);
    const expression = text(validation["expression"]).trim();
    const message = text(validation["message"]);
    if (expression === "") errors.push(required(here.child("expression"), "expression is not specified"));
    else errors.push(...celErrors(cel, "validation", text(validation["expression"]), here.child("expression")));
    if (message.includes("\n")) errors.push(invalid(here.child("message"), message, "must not contain line breaks"));
    else if (has(validation["message"]) && message.trim() === "" && message !== "") {
      errors.push(invalid(here.child("message"), message, "message must be non-empty if specified"));
    }
    const reason = validation["reason"];
    if (has(reason)) {
      errors.push(
        ...oneOf(text(reason), ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"], here.child("reason")),
      );
    }
  });
  annotations.forEach((annotation, index) => {
    const here = policyPath.child("auditAnnotations").index(index);
    if (text(annotation["key"]) === "") errors.push(required(here.child("key")));
    if (text(annotation["valueExpression"]).trim() === "") {
      errors.push(required(here.child("valueExpression"), "valueExpression is not specified"));
    }
  });
  return errors;
}

function validateVariables(given: Fields, cel: CelCheck | undefined): FieldError[] {
  return list(given["variables"]).flatMap((variable, index) => {
    const here = policyPath.child("variables").index(index);
    const name = text(variable["name"]);
    const errors: FieldError[] = [];
    if (name.trim() === "") errors.push(required(here.child("name"), "name is not specified"));
    else if (cIdentifierErrors(name).length > 0) {
      errors.push(invalid(here.child("name"), name, "must be a valid CEL identifier"));
    }
    if (text(variable["expression"]).trim() === "") {
      errors.push(required(here.child("expression"), "expression is not specified"));
    } else errors.push(...celErrors(cel, "variable", text(variable["expression"]), here.child("expression")));
    return errors;
  });
}

function validateParamKind(given: Fields): FieldError[] {
  if (!isFields(given["paramKind"])) return [];
  const here = policyPath.child("paramKind");
  return ["apiVersion", "kind"].filter((name) => text(fields(given["paramKind"])[name]) === "").map((name) =>
    required(here.child(name))
  );
}

/** A policy of either sort; `own` are the rules of one. */
function validatePolicy(
  object: KubeObject,
  cel: CelCheck | undefined,
  own: (given: Fields) => FieldError[],
): FieldError[] {
  const given = spec(object);
  const errors: FieldError[] = [];
  const failure = given["failurePolicy"];
  if (!has(failure)) errors.push(required(policyPath.child("failurePolicy")));
  else errors.push(...oneOf(text(failure), failurePolicies, policyPath.child("failurePolicy")));
  errors.push(...validateParamKind(given));
  if (!has(given["matchConstraints"])) errors.push(required(policyPath.child("matchConstraints")));
  else errors.push(...validateMatch(given["matchConstraints"], policyPath.child("matchConstraints"), true));
  errors.push(...validateConditions(given["matchConditions"], policyPath.child("matchConditions"), cel));
  return [...errors, ...validateVariables(given, cel), ...own(given)];
}

function validateMutations(given: Fields): FieldError[] {
  const errors: FieldError[] = [];
  const mutations = list(given["mutations"]);
  if (mutations.length === 0) {
    errors.push(required(policyPath.child("mutations"), "mutations must contain at least one item"));
  }
  mutations.forEach((mutation, index) => {
    const here = policyPath.child("mutations").index(index);
    const type = text(mutation["patchType"]);
    const field = type === "JSONPatch" ? "jsonPatch" : "applyConfiguration";
    if (type === "") errors.push(required(here.child("patchType")));
    else errors.push(...oneOf(type, ["ApplyConfiguration", "JSONPatch"], here.child("patchType")));
    if (text(fields(mutation[field])["expression"]).trim() === "") {
      errors.push(required(here.child(field, "expression"), "expression is not specified"));
    }
  });
  const reinvocation = text(given["reinvocationPolicy"]);
  if (reinvocation === "") errors.push(required(policyPath.child("reinvocationPolicy")));
  else errors.push(...oneOf(reinvocation, ["IfNeeded", "Never"], policyPath.child("reinvocationPolicy")));
  return errors;
}

const validationActions = ["Audit", "Deny", "Warn"];

function validateBinding(object: KubeObject): FieldError[] {
  const given = spec(object);
  const errors: FieldError[] = [];
  const name = text(given["policyName"]);
  if (name === "") errors.push(required(policyPath.child("policyName")));
  else errors.push(...invalidFor(policyPath.child("policyName"), name, dns1123SubdomainErrors(name)));
  if (isFields(given["paramRef"])) {
    const { name: of, selector, parameterNotFoundAction: action } = given["paramRef"];
    const here = policyPath.child("paramRef");
    if (text(of) !== "" && has(selector)) {
      errors.push(invalid(here.child("name"), of, "name and selector are mutually exclusive"));
    }
    if (text(of) === "" && !has(selector)) errors.push(required(here, "one of name or selector must be specified"));
    if (!has(action)) errors.push(required(here.child("parameterNotFoundAction")));
    else errors.push(...oneOf(text(action), ["Allow", "Deny"], here.child("parameterNotFoundAction")));
  }
  if (has(given["matchResources"])) {
    errors.push(...validateMatch(given["matchResources"], policyPath.child("matchResources"), false));
  }
  if (object.kind !== "ValidatingAdmissionPolicyBinding") return errors;
  const actions = texts(given["validationActions"]);
  const here = policyPath.child("validationActions");
  if (actions.length === 0) errors.push(required(here, "at least one validation action is required"));
  actions.forEach((action, index) => {
    if (!validationActions.includes(action)) errors.push(notSupported(here.index(index), action, validationActions));
    else if (actions.indexOf(action) < index) errors.push(duplicate(here.index(index), action));
  });
  if (actions.includes("Deny") && actions.includes("Warn")) {
    errors.push(
      invalid(
        here,
        actions,
        "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
      ),
    );
  }
  return errors;
}

const webhookColumns: readonly Column[] = [
  nameColumn,
  integerColumn(
    "Webhooks",
    "Webhooks indicates the number of webhooks registered in this configuration",
    (object) => list(object["webhooks"]).length,
  ),
  ageColumn,
];

function paramKind(object: KubeObject): string {
  const kind = spec(object)["paramKind"];
  return isFields(kind) ? `${text(kind["apiVersion"])}/${text(kind["kind"])}` : "<unset>";
}

function paramRef(object: KubeObject): string {
  const reference = spec(object)["paramRef"];
  if (!isFields(reference)) return "<unset>";
  if (text(reference["name"]) === "") return "*";
  return text(reference["namespace"]) === ""
    ? `*/${text(reference["name"])}`
    : `${text(reference["namespace"])}/${text(reference["name"])}`;
}

const paramKindText = "ParamKind specifies the kind of resources used to parameterize this policy";
const bindingColumns: readonly Column[] = [
  nameColumn,
  column(
    "PolicyName",
    "PolicyName indicates the policy definition which the policy binding binded to",
    (object) => text(spec(object)["policyName"]),
  ),
  column("ParamRef", "ParamRef indicates the param resource which sets the configuration param", paramRef),
  ageColumn,
];

const both = (validate: (object: KubeObject) => FieldError[], rest: Strategy): Strategy => ({
  validate,
  validateUpdate: validate,
  ...rest,
});

/** @param cel checks expressions; without it none is refused for its text. */
export function admissionRegistrationResources(cel: CelCheck | undefined): readonly Resource[] {
  const configuration = both((object) => validateConfiguration(object, cel), {
    setDefaults: setWebhookDefaults,
    hasGeneration: true,
  });
  const binding = both(validateBinding, { setDefaults: setBindingDefaults });
  const common = { group, version, namespaced: false, categories } as const;
  return [
    row({
      ...common,
      resource: "mutatingadmissionpolicies",
      singular: "mutatingadmissionpolicy",
      kind: "MutatingAdmissionPolicy",
      columns: [
        nameColumn,
        integerColumn(
          "Mutations",
          "Mutation indicates the number of mutations rules defined in this configuration",
          (object) => list(spec(object)["mutations"]).length,
        ),
        column("ParamKind", paramKindText, paramKind),
        ageColumn,
      ],
      strategy: both((object) => validatePolicy(object, cel, validateMutations), { setDefaults: setPolicyDefaults }),
    }),
    row({
      ...common,
      resource: "mutatingadmissionpolicybindings",
      kind: "MutatingAdmissionPolicyBinding",
      columns: bindingColumns,
      strategy: binding,
    }),
    row({
      ...common,
      resource: "mutatingwebhookconfigurations",
      kind: "MutatingWebhookConfiguration",
      columns: webhookColumns,
      strategy: configuration,
    }),
    row({
      ...common,
      resource: "validatingadmissionpolicies",
      kind: "ValidatingAdmissionPolicy",
      subresources: { status: statusSubresource },
      columns: [
        nameColumn,
        integerColumn(
          "Validations",
          "Validations indicates the number of validation rules defined in this configuration",
          (object) => list(spec(object)["validations"]).length,
        ),
        column("ParamKind", paramKindText, paramKind),
        ageColumn,
      ],
      strategy: both((object) => validatePolicy(object, cel, (given) => validateValidations(given, cel)), {
        setDefaults: setPolicyDefaults,
        prepareForCreate(object) {
          object["status"] = {};
        },
        prepareForUpdate: keepStatus,
      }),
    }),
    row({
      ...common,
      resource: "validatingadmissionpolicybindings",
      kind: "ValidatingAdmissionPolicyBinding",
      columns: bindingColumns,
      strategy: binding,
    }),
    row({
      ...common,
      resource: "validatingwebhookconfigurations",
      kind: "ValidatingWebhookConfiguration",
      columns: webhookColumns,
      strategy: configuration,
    }),
  ];
}
