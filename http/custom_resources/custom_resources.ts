/**
 * Custom resources of a running server: follows the definitions, says whether their names are accepted, serves what is
 * established, and takes the instances away before a definition goes (Kubernetes docs, "Extend the Kubernetes API with
 * CustomResourceDefinitions"). Every server follows; writes are guarded, so that it does not matter who is first.
 */
import { jsonEquals } from "../../machines/objects/json.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock, Wake } from "../../ports/clock.ts";
import { followResource } from "../auth/follow_resource.ts";
import type { Api } from "../machinery/api.ts";
import { timestamp } from "../machinery/api_request.ts";
import type { Resource } from "../machinery/types.ts";
import { cleanupFinalizer } from "../resources/api_extensions.ts";
import type { WebhookCaller } from "../outgoing/webhook_caller.ts";
import { webhookConversion } from "./conversion.ts";
import { customResource } from "./custom_resource.ts";
import type { CustomSchema } from "./custom_schema.ts";
import { type Condition, type Definition, definitions, type DefinitionVersion, isEstablished } from "./definition.ts";
import { acceptNames, withConditions } from "./names.ts";

export interface CustomResourcesOptions {
  readonly api: Api;
  readonly schema: CustomSchema;
  /** The server's own. */
  readonly client: ApiClient;
  readonly clock: Clock;
  /** Reaches those who convert between versions; absent: nobody is asked, versions differ in their apiVersion only. */
  readonly conversions?: { readonly caller: WebhookCaller; uuid(): string };
  report(problem: string): void;
}

/** How long instances with finalizers are waited for between two looks. */
const cleanUpAgainMs = 500;

interface Served {
  readonly generation: number;
  readonly definition: Definition;
  readonly versions: readonly DefinitionVersion[];
  readonly resources: readonly Resource[];
}

export interface CustomResources {
  /** Resolves when everything that was established is served. */
  readonly ready: Promise<void>;
  stop(): void;
}

export function followDefinitions(options: CustomResourcesOptions): CustomResources {
  const follower = new DefinitionFollower(options);
  const following = followResource<Definition>(options.client, options.clock, definitions, follower);
  return {
    ready: following.ready.then(() => follower.settled),
    stop() {
      following.stop();
      follower.stop();
    },
  };
}

class DefinitionFollower {
  readonly #known = new Map<string, Definition>();
  readonly #served = new Map<string, Served>();
  readonly #cleaning = new Map<string, Wake | undefined>();
  #work: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(readonly options: CustomResourcesOptions) {}

  get settled(): Promise<void> {
    return this.#work;
  }

  stop(): void {
    this.#stopped = true;
    for (const wake of this.#cleaning.values()) wake?.cancel();
  }

  replaced(objects: readonly Definition[]): void {
    const gone = [...this.#known.keys()].filter((name) => objects.every(({ metadata }) => metadata.name !== name));
    for (const name of gone) this.#forget(name);
    for (const object of objects) this.#known.set(object.metadata.name, object);
    for (const object of objects) this.#settle(object.metadata.name);
  }

  changed(type: "ADDED" | "MODIFIED" | "DELETED", object: Definition): void {
    const { name } = object.metadata;
    if (type === "DELETED") this.#forget(name);
    else {
      this.#known.set(name, object);
      this.#settle(name);
    }
  }

  #forget(name: string): void {
    const left = this.#known.get(name);
    this.#known.delete(name);
    this.#cleaning.get(name)?.cancel();
    this.#cleaning.delete(name);
    this.#then(() => this.#withdraw(name));
    // Its names are free for whoever waits for them.
    for (const [other, { spec }] of this.#known) if (spec.group === left?.spec.group) this.#settle(other);
  }

  #settle(name: string): void {
    this.#then(async () => {
      const definition = this.#known.get(name);
      if (definition === undefined || this.#stopped) return;
      if (definition.metadata.deletionTimestamp !== undefined) return await this.#cleanUp(definition);
      const now = timestamp(this.options.clock.wallTime());
      const status = acceptNames(definition, [...this.#known.values()], now);
      if (!jsonEquals(status, definition.status)) return await this.#write({ ...definition, status });
      if (isEstablished(definition)) await this.#serve(definition);
    });
  }

  /** One thing at a time: rows of one group are added and removed in order. */
  #then(work: () => void | Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      if (!this.#stopped) this.options.report(`Cannot serve custom resources: ${(error as Error).message}`);
    });
  }

  async #write(definition: Definition): Promise<void> {
    try {
      const written = await this.options.client.update<Definition>(definitions, definition, { subresource: "status" });
      if (this.#known.has(written.metadata.name)) this.#known.set(written.metadata.name, written);
    } catch (error) {
      // Somebody was first; what they wrote comes as a change.
      if (!(error instanceof ApiError) || (error.code !== 409 && error.code !== 404)) throw error;
    }
  }

  async #serve(definition: Definition): Promise<void> {
    const { name, generation = 0 } = definition.metadata;
    if (this.#served.get(name)?.generation === generation) return;
    this.#withdraw(name);
    const { api, schema } = this.options;
    const versions = definition.spec.versions.filter(({ served }) => served);
    const base = versions.find(({ storage }) => storage) ?? versions[0];
    const resources: Resource[] = [];
    this.#served.set(name, { generation, definition, versions, resources });
    if (base === undefined) return;
    const stored = customResource(definition, base);
    const { conversions } = this.options;
    const convert = webhookConversion(definition, conversions?.caller, () => conversions!.uuid());
    for (const version of [base, ...versions.filter((each) => each !== base)]) {
      const resource = version === base ? stored : customResource(definition, version, stored, convert);
      schema.add(definition, version);
      await api.addResource(resource);
      resources.push(resource);
    }
  }

  #withdraw(name: string): void {
    const served = this.#served.get(name);
    if (served === undefined) return;
    this.#served.delete(name);
    for (const resource of [...served.resources].reverse()) this.options.api.removeResource(resource);
    for (const version of served.versions) this.options.schema.remove(served.definition, version);
  }

  /** Deletes the instances, and lets the definition go once none is left. */
  async #cleanUp(definition: Definition): Promise<void> {
    const { name, finalizers = [] } = definition.metadata;
    if (!finalizers.includes(cleanupFinalizer)) return;
    if (isEstablished(definition)) await this.#serve(definition);
    const [stored] = this.#served.get(name)?.resources ?? [];
    const left = stored === undefined ? 0 : await this.#deleteInstances(stored);
    if (left > 0) {
      const { clock } = this.options;
      this.#cleaning.get(name)?.cancel();
      this.#cleaning.set(name, clock.wakeAt(clock.now() + cleanUpAgainMs, () => this.#settle(name)));
      return await this.#say(definition, {
        type: "Terminating",
        status: "True",
        reason: "InstanceDeletionInProgress",
        message: "CustomResource deletion is in progress",
      });
    }
    const { client } = this.options;
    await client.update(definitions, {
      ...definition,
      metadata: { ...definition.metadata, finalizers: finalizers.filter((each) => each !== cleanupFinalizer) },
    }).catch((error: unknown) => {
      if (!(error instanceof ApiError) || (error.code !== 409 && error.code !== 404)) throw error;
    });
  }

  async #say(definition: Definition, condition: Condition): Promise<void> {
    const now = timestamp(this.options.clock.wallTime());
    const conditions = withConditions(definition, [condition], now);
    if (jsonEquals(conditions, definition.status?.conditions)) return;
    await this.#write({ ...definition, status: { ...definition.status, conditions } });
  }

  /** @returns how many are still there. */
  async #deleteInstances(resource: Resource): Promise<number> {
    const { client } = this.options;
    const { items } = await client.list<KubeObject>(resource, {});
    for (const { metadata: { namespace, name, uid, deletionTimestamp } } of items) {
      if (deletionTimestamp !== undefined) continue;
      await client.delete(resource, namespace, name, { preconditions: { uid } }).catch((error: unknown) => {
        if (!(error instanceof ApiError) || (error.code !== 409 && error.code !== 404)) throw error;
      });
    }
    return items.length === 0 ? 0 : (await client.list(resource, {})).items.length;
  }
}
