/** rbac.authorization.k8s.io/v1. */
import { dns1123SubdomainErrors, pathSegmentErrors } from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { Column, FieldError, Resource, Strategy } from "../machinery/types.ts";
import { ageColumn, column, nameColumn, wide } from "./columns/column.ts";
import { defaultText, ensure, type Fields, fields, has, identical, list, text, texts } from "./fields.ts";
import { row } from "./row.ts";
import { invalid, invalidFor, notSupported, type Path, path, required } from "./validation/field.ts";
import { validateLabelSelector } from "./validation/labels.ts";

const group = "rbac.authorization.k8s.io";
const version = "v1";

function validateRule(rule: Fields, namespaced: boolean, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (texts(rule["verbs"]).length === 0) {
    errors.push(required(at.child("verbs"), "verbs must contain at least one value"));
  }
  const urls = texts(rule["nonResourceURLs"]);
  if (urls.length > 0) {
    if (namespaced) {
      errors.push(invalid(at.child("nonResourceURLs"), urls, "namespaced rules cannot apply to non-resource URLs"));
    }
    if (
      texts(rule["apiGroups"]).length > 0 || texts(rule["resources"]).length > 0 ||
      texts(rule["resourceNames"]).length > 0
    ) {
      errors.push(
        invalid(
          at.child("nonResourceURLs"),
          urls,
          "rules cannot apply to both regular resources and non-resource URLs",
        ),
      );
    }
    return errors;
  }
  if (texts(rule["apiGroups"]).length === 0) {
    errors.push(required(at.child("apiGroups"), "resource rules must supply at least one api group"));
  }
  if (texts(rule["resources"]).length === 0) {
    errors.push(required(at.child("resources"), "resource rules must supply at least one resource"));
  }
  return errors;
}

function validateRole(role: KubeObject, namespaced: boolean): FieldError[] {
  const errors = list(role["rules"]).flatMap((rule, index) =>
    validateRule(rule, namespaced, path("rules").index(index))
  );
  const aggregation = role["aggregationRule"];
  if (!has(aggregation)) return errors;
  const selectors = fields(aggregation)["clusterRoleSelectors"];
  const at = path("aggregationRule", "clusterRoleSelectors");
  if (list(selectors).length === 0) {
    errors.push(required(at, "at least one clusterRoleSelector required if aggregationRule is non-nil"));
  }
  list(selectors).forEach((selector, index) => {
    const here = at.index(index);
    const found = validateLabelSelector(selector, here);
    errors.push(...found);
    if (found.length > 0) errors.push(invalid(here, null, "invalid label selector."));
  });
  return errors;
}

const subjectKinds = ["ServiceAccount", "User", "Group"];

function validateSubject(subject: Fields, namespaced: boolean, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const name = text(subject["name"]);
  const apiGroup = text(subject["apiGroup"]);
  if (name === "") errors.push(required(at.child("name")));
  switch (text(subject["kind"])) {
    case "ServiceAccount":
      if (name !== "") errors.push(...invalidFor(at.child("name"), name, dns1123SubdomainErrors(name)));
      if (apiGroup !== "") errors.push(notSupported(at.child("apiGroup"), apiGroup, [""]));
      if (!namespaced && text(subject["namespace"]) === "") errors.push(required(at.child("namespace")));
      break;
    case "User":
    case "Group":
      if (apiGroup !== group) errors.push(notSupported(at.child("apiGroup"), apiGroup, [group]));
      break;
    default:
      errors.push(notSupported(at.child("kind"), text(subject["kind"]), subjectKinds));
  }
  return errors;
}

function validateBinding(binding: KubeObject, kinds: readonly string[]): FieldError[] {
  const reference = fields(binding["roleRef"]);
  const at = path("roleRef");
  const errors: FieldError[] = [];
  const apiGroup = text(reference["apiGroup"]);
  const kind = text(reference["kind"]);
  const name = text(reference["name"]);
  if (apiGroup !== group) errors.push(notSupported(at.child("apiGroup"), apiGroup, [group]));
  if (!kinds.includes(kind)) errors.push(notSupported(at.child("kind"), kind, kinds));
  if (name === "") errors.push(required(at.child("name")));
  else errors.push(...invalidFor(at.child("name"), name, pathSegmentErrors(name)));
  list(binding["subjects"]).forEach((subject, index) =>
    errors.push(...validateSubject(subject, binding.kind === "RoleBinding", path("subjects").index(index)))
  );
  return errors;
}

function setBindingDefaults(binding: KubeObject): void {
  defaultText(ensure(binding, "roleRef"), { apiGroup: group });
  for (const subject of list(binding["subjects"])) {
    if (subject["kind"] === "User" || subject["kind"] === "Group") defaultText(subject, { apiGroup: group });
  }
}

function bindingStrategy(kinds: readonly string[]): Strategy {
  return {
    setDefaults: setBindingDefaults,
    validate: (binding) => validateBinding(binding, kinds),
    validateUpdate(next, old) {
      const errors = validateBinding(next, kinds);
      const reference = fields(next["roleRef"]);
      if (identical(reference, old["roleRef"])) return errors;
      const shown = {
        APIGroup: text(reference["apiGroup"]),
        Kind: text(reference["kind"]),
        Name: text(reference["name"]),
      };
      return [...errors, invalid(path("roleRef"), shown, "cannot change roleRef")];
    },
    validateName: pathSegmentErrors,
  };
}

function roleStrategy(namespaced: boolean): Strategy {
  return {
    validate: (role) => validateRole(role, namespaced),
    validateUpdate: (next) => validateRole(next, namespaced),
    validateName: pathSegmentErrors,
  };
}

function subjectsOf(kind: string): (binding: KubeObject) => string {
  return (binding) =>
    list(binding["subjects"]).filter((subject) => subject["kind"] === kind).map((subject) => {
      return kind === "ServiceAccount"
        ? `${text(subject["namespace"])}/${text(subject["name"])}`
        : text(subject["name"]);
    }).join(", ");
}

function bindingColumns(kind: string, role: string): readonly Column[] {
  return [
    nameColumn,
    column("Role", role, (binding) => {
      const { kind: of, name } = fields(binding["roleRef"]);
      return `${text(of)}/${text(name)}`;
    }),
    ageColumn,
    wide(column("Users", `Users in the ${kind}`, subjectsOf("User"))),
    wide(column("Groups", `Groups in the ${kind}`, subjectsOf("Group"))),
    wide(column("ServiceAccounts", `ServiceAccounts in the ${kind}`, subjectsOf("ServiceAccount"))),
  ];
}

const unresolved = "If the RoleRef cannot be resolved, the Authorizer must return an error.";

export const rbacResources: readonly Resource[] = [
  row({
    group,
    version,
    resource: "clusterrolebindings",
    kind: "ClusterRoleBinding",
    namespaced: false,
    strategy: bindingStrategy(["ClusterRole"]),
    columns: bindingColumns(
      "clusterRoleBinding",
      `RoleRef can only reference a ClusterRole in the global namespace. ${unresolved}`,
    ),
  }),
  row({
    group,
    version,
    resource: "clusterroles",
    kind: "ClusterRole",
    namespaced: false,
    strategy: roleStrategy(false),
  }),
  row({
    group,
    version,
    resource: "rolebindings",
    kind: "RoleBinding",
    strategy: bindingStrategy(["Role", "ClusterRole"]),
    columns: bindingColumns(
      "roleBinding",
      `RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. ${unresolved}`,
    ),
  }),
  row({ group, version, resource: "roles", kind: "Role", strategy: roleStrategy(true) }),
];
