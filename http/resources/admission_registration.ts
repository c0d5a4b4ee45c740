/** admissionregistration.k8s.io/v1. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { Column, FieldError, Resource, Strategy } from "../machinery/types.ts";
import { ageColumn, column, integerColumn, nameColumn, spec } from "./columns/column.ts";
import { defaultTo, ensure, type Fields, fields, isFields, list, text } from "./fields.ts";
import { keepStatus, row, statusSubresource } from "./row.ts";
import type { CelCheck } from "./validation/cel.ts";
import { validateConfiguration } from "./validation/webhooks.ts";
import {
  validateBinding,
  validateMutations,
  validatePolicy,
  validateValidations,
} from "./validation/admission_policies.ts";

const group = "admissionregistration.k8s.io";
const version = "v1";
const categories = ["api-extensions"];
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
  allowUnconditionalUpdate: false,
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
      strategy: both((object) => validatePolicy(object, cel, (given) => validateMutations(given, cel)), {
        setDefaults: setPolicyDefaults,
      }),
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
