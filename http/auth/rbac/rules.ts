/** RBAC's rules as data, and when one allows a request (Kubernetes docs, "Using RBAC Authorization"). */
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { RequestAttributes, UserInfo } from "../../machinery/types.ts";

/** Go's clients write a list that is not there as null. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[] | null;
  readonly resources?: readonly string[] | null;
  readonly resourceNames?: readonly string[] | null;
  readonly nonResourceURLs?: readonly string[] | null;
}

export interface RoleRef {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
}

export interface Subject {
  readonly kind: string;
  readonly apiGroup?: string;
  readonly name: string;
  readonly namespace?: string;
}

/** A Role or a ClusterRole. */
export type Role = KubeObject & { readonly rules?: readonly PolicyRule[] | null };

/** A RoleBinding or a ClusterRoleBinding. */
export type RoleBinding = KubeObject & { readonly roleRef: RoleRef; readonly subjects?: readonly Subject[] | null };

export function ruleAllows(rule: PolicyRule, request: RequestAttributes): boolean {
  if (!has(rule.verbs, request.verb)) return false;
  if (!request.resourceRequest) {
    return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, request.path));
  }
  return has(rule.apiGroups, request.group) && resourceMatches(rule, request.resource, request.subresource) &&
    nameMatches(rule, request.name);
}

function has(values: readonly string[] | null | undefined, value: string): boolean {
  return values?.includes("*") === true || values?.includes(value) === true;
}

/** `*`, `pods`, `pods/log`, any resource's `scale`. */
function resourceMatches(rule: PolicyRule, resource: string, subresource: string): boolean {
  const asked = subresource === "" ? resource : `${resource}/${subresource}`;
  for (const one of rule.resources ?? []) {
    if (one === "*" || one === asked) return true;
    if (subresource !== "" && one === `*/${subresource}`) return true;
  }
  return false;
}

function nameMatches(rule: PolicyRule, name: string): boolean {
  const names = rule.resourceNames ?? [];
  return names.length === 0 || names.includes(name);
}

/** A trailing star stands for any rest. */
export function pathMatches(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}

const serviceAccountPrefix = "system:serviceaccount:";

export function serviceAccountUserName(namespace: string, name: string): string {
  return `${serviceAccountPrefix}${namespace}:${name}`;
}

/** The namespace and name in a service account's user name. */
export function serviceAccountOf(userName: string): { namespace: string; name: string } | undefined {
  if (!userName.startsWith(serviceAccountPrefix)) return undefined;
  const [namespace, name, ...rest] = userName.slice(serviceAccountPrefix.length).split(":");
  if (namespace === undefined || namespace === "" || name === undefined || name === "" || rest.length > 0) {
    return undefined;
  }
  return { namespace, name };
}

/** The name under which a binding's subject is found from a user; `namespace` is the binding's own. */
export function subjectKey(subject: Subject, namespace: string | undefined): string | undefined {
  switch (subject.kind) {
    case "User":
      return `u:${subject.name}`;
    case "Group":
      return `g:${subject.name}`;
    case "ServiceAccount": {
      const home = subject.namespace ?? namespace;
      return home === undefined || home === "" ? undefined : `u:${serviceAccountUserName(home, subject.name)}`;
    }
    default:
      return undefined;
  }
}

/** All names under which bindings may mean this user. */
export function subjectKeysOf(user: UserInfo): string[] {
  return [`u:${user.name}`, ...user.groups.map((group) => `g:${group}`)];
}

/** `ServiceAccount "name/namespace"`, `User "x"`: as the reason of a decision names it. */
export function describeSubject(subject: Subject, namespace: string | undefined): string {
  if (subject.kind !== "ServiceAccount") return `${subject.kind} ${JSON.stringify(subject.name)}`;
  return `ServiceAccount ${JSON.stringify(`${subject.name}/${subject.namespace ?? namespace ?? ""}`)}`;
}
