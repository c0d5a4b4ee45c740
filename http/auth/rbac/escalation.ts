/**
 * Nobody grants what he does not hold: who writes a role needs each of its rules (or the verb `escalate` on it), who
 * writes a binding needs each rule of its role (or the verb `bind` on the role). Kubernetes docs, "Privilege escalation
 * prevention and bootstrapping".
 */
import type { ApiError } from "../../../machines/objects/status.ts";
import type {
  AdmissionPlugin,
  AdmissionRequest,
  Authorizer,
  RequestAttributes,
  UserInfo,
} from "../../machinery/types.ts";
import { forbidden } from "../../machinery/errors.ts";
import type { RbacPolicy } from "./policy.ts";
import { pathMatches, type PolicyRule, type Role, type RoleBinding } from "./rules.ts";

const group = "rbac.authorization.k8s.io";

/** One verb on one resource (and one name), or on one path. */
interface Atom {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly url?: string;
}

/** What of `wanted` is not covered by `held`, as rules of one resource each, in a fixed order. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing = new Map<string, { rule: PolicyRule; verbs: string[] }>();
  for (const atom of wanted.flatMap(atomsOf)) {
    if (held.some((rule) => covers(rule, atom))) continue;
    const { verb, ...rest } = atom;
    const key = JSON.stringify(rest);
    let entry = missing.get(key);
    if (entry === undefined) missing.set(key, entry = { rule: ruleOf(atom), verbs: [] });
    if (!entry.verbs.includes(verb)) entry.verbs.push(verb);
  }
  return [...missing.values()].map(({ rule, verbs }) => ({ ...rule, verbs }));
}

function atomsOf(rule: PolicyRule): Atom[] {
  const atoms: Atom[] = [];
  for (const one of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        if ((rule.resourceNames ?? []).length === 0) atoms.push({ verb, group: one, resource });
        for (const name of rule.resourceNames ?? []) atoms.push({ verb, group: one, resource, name });
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) for (const verb of rule.verbs) atoms.push({ verb, url });
  return atoms;
}

function ruleOf(atom: Atom): PolicyRule {
  if (atom.url !== undefined) return { nonResourceURLs: [atom.url], verbs: [] };
  return {
    apiGroups: [atom.group ?? ""],
    resources: [atom.resource ?? ""],
    ...(atom.name === undefined ? {} : { resourceNames: [atom.name] }),
    verbs: [],
  };
}

function covers(rule: PolicyRule, atom: Atom): boolean {
  const has = (values: readonly string[] | null | undefined, value: string) =>
    values?.includes("*") === true || values?.includes(value) === true;
  if (!has(rule.verbs, atom.verb)) return false;
  if (atom.url !== undefined) {
    return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, atom.url ?? ""));
  }
  const resource = atom.resource ?? "";
  const slash = resource.indexOf("/");
  const resourceCovered = has(rule.resources, resource) ||
    (slash >= 0 && (rule.resources ?? []).includes(`*${resource.slice(slash)}`));
  if (!has(rule.apiGroups, atom.group ?? "") || !resourceCovered) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (atom.name !== undefined && names.includes(atom.name));
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
export function describeRule(rule: PolicyRule): string {
  const list = (name: string, values: readonly string[] | null | undefined) =>
    (values ?? []).length === 0 ? [] : [`${name}:[${(values ?? []).map((one) => JSON.stringify(one)).join(" ")}]`];
  return `{${
    [
      ...list("APIGroups", rule.apiGroups),
      ...list("Resources", rule.resources),
      ...list("ResourceNames", rule.resourceNames),
      ...list("NonResourceURLs", rule.nonResourceURLs),
      ...list("Verbs", rule.verbs),
    ].join(", ")
  }}`;
}

/** Runs last of the validating plugins: what it looks at is what would be stored. */
export function escalationCheck(policy: RbacPolicy, authorizer: Authorizer): AdmissionPlugin {
  async function may(request: AdmissionRequest, verb: string, resource: string, name: string): Promise<boolean> {
    const { namespace } = request.attributes;
    const decision = await authorizer.authorize({
      ...request.attributes,
      verb,
      group,
      resource,
      subresource: "",
      name,
      namespace: resource === "clusterroles" && request.attributes.resource === "clusterrolebindings" ? "" : namespace,
      resourceRequest: true,
    });
    return decision.allowed;
  }

  return {
    name: "RBACEscalation",
    async validate(request) {
      const { attributes, operation, object } = request;
      if (attributes.group !== group || attributes.subresource !== "" || object === undefined) return;
      if (operation !== "CREATE" && operation !== "UPDATE") return;
      if (attributes.user.groups.includes("system:masters")) return;
      if (attributes.resource === "roles" || attributes.resource === "clusterroles") {
        const { rules } = object as Role;
        const aggregates = object["aggregationRule"] !== undefined && object["aggregationRule"] !== null;
        if (operation === "UPDATE" && !aggregates && same(rules, (request.old as Role | undefined)?.rules)) return;
        if (await may(request, "escalate", attributes.resource, object.metadata.name)) return;
        // What an aggregated role will hold is not known yet, so its writer must hold everything.
        const everything = { apiGroups: ["*"], resources: ["*"], verbs: ["*"] };
        const allPaths = { nonResourceURLs: ["*"], verbs: ["*"] };
        check(policy, attributes, object.metadata.name, aggregates ? [everything, allPaths] : rules ?? []);
      } else if (attributes.resource === "rolebindings" || attributes.resource === "clusterrolebindings") {
        const binding = object as RoleBinding;
        const old = request.old as RoleBinding | undefined;
        if (operation === "UPDATE" && same(binding.subjects, old?.subjects) && same(binding.roleRef, old?.roleRef)) {
          return;
        }
        const { kind, name } = binding.roleRef;
        if (await may(request, "bind", kind === "Role" ? "roles" : "clusterroles", name)) return;
        const role = policy.role(binding.roleRef, attributes.namespace === "" ? undefined : attributes.namespace);
        if (role === undefined) {
          const missing = `${kind.toLowerCase()}.${group} ${JSON.stringify(name)} not found`;
          throw refusal(attributes, binding.metadata.name, missing);
        }
        check(policy, attributes, binding.metadata.name, role.rules ?? []);
      }
    },
  };
}

function check(
  policy: RbacPolicy,
  attributes: RequestAttributes,
  name: string,
  wanted: readonly PolicyRule[],
): void {
  const held = [...policy.grants(attributes.user, attributes.namespace)].map(({ rule }) => rule);
  const missing = uncovered(held, wanted).map(describeRule).sort();
  if (missing.length === 0) return;
  throw refusal(
    attributes,
    name,
    `${describeUser(attributes.user)} is attempting to grant RBAC permissions not currently held:\n${
      missing.join("\n")
    }`,
  );
}

function refusal(attributes: RequestAttributes, name: string, why: string): ApiError {
  return forbidden(attributes, name, why);
}

function describeUser(user: UserInfo): string {
  const groups = user.groups.map((one) => JSON.stringify(one)).join(" ");
  return `user ${JSON.stringify(user.name)} (groups=[${groups}])`;
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}
