/**
 * Roles and bindings, held so that a user's rules are found without looking at everybody's bindings. Fed in any order; a
 * binding whose role is missing grants nothing and is named when a request is refused.
 */
import { keyOf } from "../../../machines/objects/object.ts";
import type { ApiClient } from "../../../ports/api_client.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { UserInfo } from "../../machinery/types.ts";
import { type Follower, type Following, followResource } from "../follow_resource.ts";
import {
  describeSubject,
  type PolicyRule,
  type Role,
  type RoleBinding,
  type RoleRef,
  type Subject,
  subjectKey,
  subjectKeysOf,
} from "./rules.ts";

/** A rule that a user holds, and by which binding. */
export interface Grant {
  readonly rule: PolicyRule;
  /** For example `RoleBinding "rb/default" of Role "rb" to User "carl"`. Made only when asked for. */
  describe(): string;
}

interface Held {
  readonly binding: RoleBinding;
  readonly subject: Subject;
}

const group = "rbac.authorization.k8s.io";
export const rbacResources = {
  clusterRoles: { group, version: "v1", resource: "clusterroles" },
  clusterRoleBindings: { group, version: "v1", resource: "clusterrolebindings" },
  roles: { group, version: "v1", resource: "roles" },
  roleBindings: { group, version: "v1", resource: "rolebindings" },
} as const;

export class RbacPolicy {
  readonly #clusterRoles = new Map<string, Role>();
  /** By namespace/name. */
  readonly #roles = new Map<string, Role>();
  readonly #clusterBindings = new BindingIndex();
  /** By namespace. */
  readonly #bindings = new Map<string, BindingIndex>();

  /** What keeps each kind up to date; for a list-and-watch loop or an informer. */
  readonly followers: Readonly<Record<keyof typeof rbacResources, Follower<Role> | Follower<RoleBinding>>> = {
    clusterRoles: mapFollower(this.#clusterRoles),
    roles: mapFollower(this.#roles),
    clusterRoleBindings: {
      replaced: (objects: readonly RoleBinding[]) => {
        this.#clusterBindings.clear();
        for (const binding of objects) this.#clusterBindings.set(binding);
      },
      changed: (type: string, binding: RoleBinding) => {
        if (type === "DELETED") this.#clusterBindings.remove(binding.metadata.name);
        else this.#clusterBindings.set(binding);
      },
    },
    roleBindings: {
      replaced: (objects: readonly RoleBinding[]) => {
        this.#bindings.clear();
        for (const binding of objects) this.#namespaceOf(binding).set(binding);
      },
      changed: (type: string, binding: RoleBinding) => {
        const index = this.#namespaceOf(binding);
        if (type === "DELETED") index.remove(binding.metadata.name);
        else index.set(binding);
      },
    },
  };

  /** Keeps the policy equal to the API's objects. */
  follow(client: ApiClient, clock: Clock): Following {
    const all = Object.entries(rbacResources).map(([name, ref]) =>
      followResource(client, clock, ref, this.followers[name as keyof typeof rbacResources] as Follower<RoleBinding>)
    );
    return {
      ready: Promise.all(all.map((one) => one.ready)).then(() => {}),
      stop: () => all.forEach((one) => one.stop()),
    };
  }

  role(ref: RoleRef, namespace: string | undefined): Role | undefined {
    if (ref.kind === "ClusterRole") return this.#clusterRoles.get(ref.name);
    return namespace === undefined ? undefined : this.#roles.get(`${namespace}/${ref.name}`);
  }

  /**
   * Every rule that counts for `user` in `namespace` ("" for the cluster's scope), cluster-wide ones first. Names of
   * missing roles are put into `missing`.
   */
  *grants(user: UserInfo, namespace: string, missing: string[] = []): Generator<Grant> {
    const keys = subjectKeysOf(user);
    yield* this.#grantsOf(this.#clusterBindings, keys, undefined, missing);
    const own = namespace === "" ? undefined : this.#bindings.get(namespace);
    if (own !== undefined) yield* this.#grantsOf(own, keys, namespace, missing);
  }

  *#grantsOf(
    index: BindingIndex,
    keys: readonly string[],
    namespace: string | undefined,
    missing: string[],
  ): Generator<Grant> {
    for (const { binding, subject } of index.held(keys)) {
      const role = this.role(binding.roleRef, namespace);
      if (role === undefined) {
        missing.push(
          `${binding.roleRef.kind.toLowerCase()}.${group} ${JSON.stringify(binding.roleRef.name)} not found`,
        );
        continue;
      }
      for (const rule of role.rules ?? []) {
        yield { rule, describe: () => describeGrant(binding, subject, namespace) };
      }
    }
  }

  #namespaceOf(binding: RoleBinding): BindingIndex {
    const namespace = binding.metadata.namespace ?? "";
    let index = this.#bindings.get(namespace);
    if (index === undefined) this.#bindings.set(namespace, index = new BindingIndex());
    return index;
  }
}

/** Bindings by whom they mean. */
class BindingIndex {
  readonly #byName = new Map<string, RoleBinding>();
  readonly #bySubject = new Map<string, Map<string, Held>>();

  clear(): void {
    this.#byName.clear();
    this.#bySubject.clear();
  }

  set(binding: RoleBinding): void {
    this.remove(binding.metadata.name);
    this.#byName.set(binding.metadata.name, binding);
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, binding.metadata.namespace);
      if (key === undefined) continue;
      let held = this.#bySubject.get(key);
      if (held === undefined) this.#bySubject.set(key, held = new Map());
      held.set(binding.metadata.name, { binding, subject });
    }
  }

  remove(name: string): void {
    const before = this.#byName.get(name);
    if (before === undefined) return;
    this.#byName.delete(name);
    for (const subject of before.subjects ?? []) {
      const key = subjectKey(subject, before.metadata.namespace);
      if (key === undefined) continue;
      const held = this.#bySubject.get(key);
      held?.delete(name);
      if (held?.size === 0) this.#bySubject.delete(key);
    }
  }

  *held(keys: readonly string[]): Generator<Held> {
    for (const key of keys) yield* this.#bySubject.get(key)?.values() ?? [];
  }
}

function mapFollower(objects: Map<string, Role>): Follower<Role> {
  return {
    replaced(all) {
      objects.clear();
      for (const role of all) objects.set(keyOf(role), role);
    },
    changed(type, role) {
      if (type === "DELETED") objects.delete(keyOf(role));
      else objects.set(keyOf(role), role);
    },
  };
}

function describeGrant(binding: RoleBinding, subject: Subject, namespace: string | undefined): string {
  const [kind, name] = namespace === undefined
    ? ["ClusterRoleBinding", binding.metadata.name]
    : ["RoleBinding", `${binding.metadata.name}/${namespace}`];
  const role = `${binding.roleRef.kind} ${JSON.stringify(binding.roleRef.name)}`;
  return `${kind} ${JSON.stringify(name)} of ${role} to ${describeSubject(subject, namespace)}`;
}
