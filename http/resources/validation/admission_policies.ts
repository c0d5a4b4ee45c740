/** Rules of admission policies and their bindings. */
import { celErrors } from "./cel.ts";
import { validateLabelSelector } from "./labels.ts";
import { cIdentifierErrors, dns1123SubdomainErrors } from "../../../machines/objects/names.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError } from "../../machinery/types.ts";
import { spec } from "../columns/column.ts";
import { type Fields, fields, has, isFields, list, text, texts } from "../fields.ts";
import { duplicate, invalid, invalidFor, notSupported, oneOf, type Path, path, required } from "./field.ts";
import type { CelCheck, ExpressionPlace } from "./cel.ts";
import { failurePolicies, matchPolicies, validateConditions, validateRule } from "./webhooks.ts";

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

/** @param before how many of the variables an expression may refer to; all, unless told. */
function placeIn(given: Fields, kind: ExpressionPlace["kind"], before?: number): ExpressionPlace {
  const variables = list(given["variables"]).slice(0, before).map((variable) => ({
    name: text(variable["name"]),
    expression: text(variable["expression"]),
  }));
  return { kind, params: has(given["paramKind"]), variables: variables.filter(({ name }) => name !== "") };
}

export function validateValidations(given: Fields, cel: CelCheck | undefined): FieldError[] {
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
    else {
      const place = placeIn(given, "validation");
      errors.push(...celErrors(cel, place, text(validation["expression"]), here.child("expression")));
    }
    const said = text(validation["messageExpression"]);
    if (said !== "") errors.push(...celErrors(cel, placeIn(given, "message"), said, here.child("messageExpression")));
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
    } else {
      const place = placeIn(given, "annotation");
      errors.push(...celErrors(cel, place, text(annotation["valueExpression"]), here.child("valueExpression")));
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
    } else {
      const place = placeIn(given, "variable", index);
      errors.push(...celErrors(cel, place, text(variable["expression"]), here.child("expression")));
    }
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
export function validatePolicy(
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
  errors.push(...validateConditions(given["matchConditions"], policyPath.child("matchConditions"), cel, {
    kind: "matchCondition",
    params: has(given["paramKind"]),
  }));
  return [...errors, ...validateVariables(given, cel), ...own(given)];
}

export function validateMutations(given: Fields, cel: CelCheck | undefined): FieldError[] {
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
    } else {
      const expression = text(fields(mutation[field])["expression"]);
      errors.push(...celErrors(cel, placeIn(given, field), expression, here.child(field, "expression")));
    }
  });
  const reinvocation = text(given["reinvocationPolicy"]);
  if (reinvocation === "") errors.push(required(policyPath.child("reinvocationPolicy")));
  else errors.push(...oneOf(reinvocation, ["IfNeeded", "Never"], policyPath.child("reinvocationPolicy")));
  return errors;
}

const validationActions = ["Audit", "Deny", "Warn"];

export function validateBinding(object: KubeObject): FieldError[] {
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
