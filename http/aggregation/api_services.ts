/**
 * The API services that other servers provide, and what is known of each; when one is looked at is decided by its chart
 * (`machines/aggregation`). Every master looks for itself: who cannot reach a server cannot hand requests on to it.
 */
import { jsonEquals } from "../../machines/objects/json.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient, ResourceRef } from "../../ports/api_client.ts";
import type { ApiServiceWatch } from "../../ports/api_service_watch.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Following, followResource } from "../auth/follow_resource.ts";
import { timestamp } from "../machinery/api_request.ts";
import { fields, list } from "../resources/fields.ts";
import { type Availability, availabilityOf } from "./availability.ts";
import type { ApiService, ExtensionClient } from "./extension_client.ts";

export const apiServices: ResourceRef = { group: "apiregistration.k8s.io", version: "v1", resource: "apiservices" };

export interface Provided {
  service: ApiService;
  isAvailable: boolean;
  /** What it served when it was last seen. */
  discovery: unknown;
  /** What the last look found. */
  seen: Availability | undefined;
}

export interface ApiServicesOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly extension: ExtensionClient;
  /** Decides when each is looked at. */
  readonly watch: ApiServiceWatch;
}

export class ApiServices {
  readonly #provided = new Map<string, Provided>();

  constructor(readonly options: ApiServicesOptions) {}

  get isEmpty(): boolean {
    return this.#provided.size === 0;
  }

  /** By the priority of their groups and versions. */
  all(): Provided[] {
    return [...this.#provided.values()].sort(({ service: { spec: a } }, { service: { spec: b } }) =>
      b.groupPriorityMinimum - a.groupPriorityMinimum || ((a.group ?? "") < (b.group ?? "") ? -1 : 1) ||
      b.versionPriority - a.versionPriority
    );
  }

  find(group: string, version: string): Provided | undefined {
    return this.#provided.get(`${version}.${group}`);
  }

  follow(): Following {
    const { client, clock } = this.options;
    const following = followResource<ApiService>(client, clock, apiServices, {
      replaced: (all) => {
        const names = new Set(all.map(({ metadata }) => metadata.name));
        for (const name of this.#provided.keys()) if (!names.has(name)) this.#forget(name);
        for (const each of all) this.#take(each);
      },
      changed: (type, object) => type === "DELETED" ? this.#forget(object.metadata.name) : this.#take(object),
    });
    return {
      ready: following.ready,
      stop: () => {
        following.stop();
        for (const name of [...this.#provided.keys()]) this.#forget(name);
      },
    };
  }

  #forget(name: string): void {
    if (this.#provided.delete(name)) this.options.watch.end(name);
  }

  #take(service: ApiService): void {
    const { name } = service.metadata;
    if (service.spec.service === undefined) return this.#forget(name);
    const known = this.#provided.get(name);
    if (known !== undefined) {
      const isSame = jsonEquals(known.service.spec, service.spec);
      known.service = service;
      if (!isSame) this.options.watch.changed(name);
      return;
    }
    const provided: Provided = { service, isAvailable: false, discovery: undefined, seen: undefined };
    this.#provided.set(name, provided);
    this.options.watch.begin(name, {
      check: async () => {
        const seen = provided.seen = await availabilityOf(provided.service, this.options);
        return { available: seen.status === "True", reason: seen.reason, message: seen.message };
      },
      publish: async (available) => {
        const { seen } = provided;
        provided.isAvailable = available;
        if (seen === undefined) return;
        if (seen.discovery !== undefined) provided.discovery = seen.discovery;
        await this.#tell(provided.service, seen);
      },
    });
  }

  async #tell(service: ApiService, { status, reason, message }: Availability): Promise<void> {
    const conditions = list(fields(service.status)["conditions"]);
    const before = conditions.find(({ type }) => type === "Available");
    if (before?.["status"] === status && before["reason"] === reason && before["message"] === message) return;
    const now = timestamp(this.options.clock.wallTime());
    const lastTransitionTime = before?.["status"] === status ? before["lastTransitionTime"] : now;
    const condition = { type: "Available", status, lastTransitionTime, reason, message };
    const rest = conditions.filter(({ type }) => type !== "Available");
    const next = { ...service, status: { ...fields(service.status), conditions: [...rest, condition] } };
    try {
      await this.options.client.update(apiServices, next, { subresource: "status", fieldManager: "kube-apiserver" });
    } catch (error) {
      // Changed or gone meanwhile: what it is now is looked at for itself.
      if (!(error instanceof ApiError) || (error.code !== 409 && error.code !== 404)) throw error;
    }
  }
}
