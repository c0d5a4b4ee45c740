/**
 * What a cluster starts with: the default roles and bindings, written at every start. Missing objects are made; a role
 * that lost rules and a binding that lost subjects get them back, unless its annotation
 * `rbac.authorization.kubernetes.io/autoupdate` is "false". What people added stays.
 */
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient, ResourceRef } from "../../ports/api_client.ts";
import { uncovered } from "./rbac/escalation.ts";
import { rbacResources } from "./rbac/policy.ts";
import type { PolicyRule, Role, RoleBinding, Subject } from "./rbac/rules.ts";

interface PolicyObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly rules?: readonly PolicyRule[];
  readonly subjects?: readonly Subject[];
  readonly roleRef?: RoleBinding["roleRef"];
  readonly aggregationRule?: unknown;
}

interface BootstrapPolicy {
  readonly clusterroles: readonly PolicyObject[];
  readonly clusterrolebindings: readonly PolicyObject[];
  readonly roles: readonly PolicyObject[];
  readonly rolebindings: readonly PolicyObject[];
}

/** kubeadm's: the group of the administrator's certificate. */
const administrators: PolicyObject = {
  metadata: { name: "kubeadm:cluster-admins" },
  roleRef: { apiGroup: rbacResources.roles.group, kind: "ClusterRole", name: "cluster-admin" },
  subjects: [{ kind: "Group", name: "kubeadm:cluster-admins", apiGroup: rbacResources.roles.group }],
};

const kinds = [
  ["ClusterRole", "clusterroles", rbacResources.clusterRoles],
  ["ClusterRoleBinding", "clusterrolebindings", rbacResources.clusterRoleBindings],
  ["Role", "roles", rbacResources.roles],
  ["RoleBinding", "rolebindings", rbacResources.roleBindings],
] as const satisfies readonly (readonly [string, keyof BootstrapPolicy, ResourceRef])[];

export async function bootstrapPolicy(): Promise<BootstrapPolicy> {
  const { default: policy } = await import("./generated/bootstrap_policy.json", { with: { type: "json" } });
  const { clusterrolebindings, ...rest } = policy as BootstrapPolicy;
  return { ...rest, clusterrolebindings: [...clusterrolebindings, administrators] };
}

/** Makes the default policy stand. The namespaces kube-system and kube-public must be there. */
export async function reconcileBootstrapPolicy(client: ApiClient): Promise<{ created: number; updated: number }> {
  const policy = await bootstrapPolicy();
  const done = { created: 0, updated: 0 };
  for (const [kind, plural, resource] of kinds) {
    const { items } = await client.list<Role & RoleBinding>(resource);
    const present = new Map(items.map((object) => [keyOf(object.metadata), object]));
    await Promise.all(policy[plural].map(async (wanted) => {
      const before = present.get(keyOf(wanted.metadata));
      if (before === undefined) {
        const object = { apiVersion: "rbac.authorization.k8s.io/v1", kind, ...wanted };
        if (await createdNow(client, resource, wanted.metadata.namespace, object)) done.created++;
        return;
      }
      const next = repaired(before, wanted);
      if (next === undefined) return;
      await client.update(resource, next);
      done.updated++;
    }));
  }
  return done;
}

async function createdNow(client: ApiClient, resource: ResourceRef, namespace: string | undefined, object: object) {
  try {
    await client.create(resource, namespace, object);
    return true;
  } catch (error) {
    // Another master starts at the same time and was first.
    if (error instanceof ApiError && error.reason === "AlreadyExists") return false;
    throw error;
  }
}

/** The object with what it lacks, or undefined when it lacks nothing. */
export function repaired(before: Role & RoleBinding, wanted: PolicyObject): object | undefined {
  if (before.metadata.annotations?.["rbac.authorization.kubernetes.io/autoupdate"] === "false") return undefined;
  // An aggregated role's rules are the aggregation's.
  const missingRules = wanted.aggregationRule === undefined ? uncovered(before.rules ?? [], wanted.rules ?? []) : [];
  const missingSubjects = (wanted.subjects ?? []).filter((subject) =>
    !(before.subjects ?? []).some((other) => sameSubject(other, subject))
  );
  const labels = { ...wanted.metadata.labels, ...before.metadata.labels };
  const annotations = { ...wanted.metadata.annotations, ...before.metadata.annotations };
  const marked = Object.keys(labels).length === Object.keys(before.metadata.labels ?? {}).length &&
    Object.keys(annotations).length === Object.keys(before.metadata.annotations ?? {}).length;
  if (missingRules.length === 0 && missingSubjects.length === 0 && marked) return undefined;
  return {
    ...before,
    metadata: { ...before.metadata, labels, annotations },
    ...(missingRules.length === 0 ? {} : { rules: [...before.rules ?? [], ...missingRules] }),
    ...(missingSubjects.length === 0 ? {} : { subjects: [...before.subjects ?? [], ...missingSubjects] }),
  };
}

function sameSubject(one: Subject, other: Subject): boolean {
  return one.kind === other.kind && one.name === other.name && (one.namespace ?? "") === (other.namespace ?? "");
}

function keyOf({ namespace, name }: { namespace?: string; name: string }): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
