/** The policies that are there with their bindings, each compiled once. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { ApiClient, ResourceRef } from "../../../ports/api_client.ts";
import type { Clock } from "../../../ports/clock.ts";
import { type Follower, type Following, followResource } from "../../auth/follow_resource.ts";
import { fields, text } from "../../resources/fields.ts";

export interface Hook<Compiled> {
  readonly name: string;
  readonly policy: KubeObject;
  readonly compiled: Compiled;
  /** By name. */
  readonly bindings: readonly KubeObject[];
}

export class PolicyTable<Compiled> {
  readonly #policies = new Map<string, KubeObject>();
  readonly #bindings = new Map<string, KubeObject>();
  readonly #compiled = new WeakMap<KubeObject, Compiled>();
  readonly #compile: (policy: KubeObject) => Compiled;
  #hooks: readonly Hook<Compiled>[] | undefined = [];

  constructor(compile: (policy: KubeObject) => Compiled) {
    this.#compile = compile;
  }

  /** Those that are bound, by name. */
  get hooks(): readonly Hook<Compiled>[] {
    return this.#hooks ??= this.#made();
  }

  #made(): Hook<Compiled>[] {
    const byName = (a: KubeObject, b: KubeObject) => a.metadata.name < b.metadata.name ? -1 : 1;
    const bindings = [...this.#bindings.values()].sort(byName);
    return [...this.#policies.values()].sort(byName).flatMap((policy) => {
      const { name } = policy.metadata;
      const own = bindings.filter((binding) => text(fields(binding["spec"])["policyName"]) === name);
      return own.length === 0 ? [] : [{ name, policy, compiled: this.#compiledOf(policy), bindings: own }];
    });
  }

  #compiledOf(policy: KubeObject): Compiled {
    let compiled = this.#compiled.get(policy);
    if (compiled === undefined) this.#compiled.set(policy, compiled = this.#compile(policy));
    return compiled;
  }

  follow(client: ApiClient, clock: Clock, policies: ResourceRef, bindings: ResourceRef): Following {
    const all = [
      followResource(client, clock, policies, this.#follower(this.#policies)),
      followResource(client, clock, bindings, this.#follower(this.#bindings)),
    ];
    return {
      ready: Promise.all(all.map(({ ready }) => ready)).then(() => {}),
      stop: () => all.forEach((one) => one.stop()),
    };
  }

  #follower(objects: Map<string, KubeObject>): Follower<KubeObject> {
    const changed = () => {
      this.#hooks = undefined;
    };
    return {
      replaced(all) {
        objects.clear();
        for (const object of all) objects.set(object.metadata.name, object);
        changed();
      },
      changed(type, object) {
        if (type === "DELETED") objects.delete(object.metadata.name);
        else objects.set(object.metadata.name, object);
        changed();
      },
    };
  }
}
