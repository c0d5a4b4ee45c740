/** An ApiClient over a map: objects are stored as they come, watches are told at once. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import type { ApiClient, ApiWatchSink, ListOptions, ResourceRef } from "../../../ports/api_client.ts";
import type { Clock } from "../../../ports/clock.ts";

export class MemoryApi implements ApiClient {
  readonly objects = new Map<string, KubeObject>();
  readonly #watches = new Map<string, Set<ApiWatchSink<KubeObject>>>();
  #revision = 0;
  writes = 0;

  /** Puts objects in without counting writes; `resource` by kind's plural. */
  put(resource: string, ...objects: readonly object[]): this {
    for (const object of objects) this.#store("ADDED", resource, object as KubeObject);
    return this;
  }

  get<T>(ref: ResourceRef, namespace: string | undefined, name: string): Promise<T> {
    const found = this.objects.get(`${ref.resource}|${namespace ?? ""}|${name}`);
    if (found !== undefined) return Promise.resolve(found as T);
    const kind = ref.group === "" ? ref.resource : `${ref.resource}.${ref.group}`;
    return Promise.reject(
      new ApiError(404, "NotFound", `${kind} "${name}" not found`, {
        name,
        ...(ref.group === "" ? {} : { group: ref.group }),
        kind: ref.resource,
      }),
    );
  }

  list<T>(ref: ResourceRef, options: ListOptions = {}) {
    const node = options.fieldSelector?.replace("spec.nodeName=", "");
    const items = [...this.objects].filter(([key, object]) => {
      const [resource, namespace] = key.split("|");
      const spec = object["spec"] as { nodeName?: string } | undefined;
      return resource === ref.resource && (options.namespace === undefined || namespace === options.namespace) &&
        (node === undefined || spec?.nodeName === node);
    }).map(([, object]) => object as T);
    return Promise.resolve({ items, resourceVersion: String(this.#revision) });
  }

  watch<T>(ref: ResourceRef, _options: ListOptions, sink: ApiWatchSink<T>) {
    let sinks = this.#watches.get(ref.resource);
    if (sinks === undefined) this.#watches.set(ref.resource, sinks = new Set());
    const own = sink as unknown as ApiWatchSink<KubeObject>;
    sinks.add(own);
    return { cancel: () => sinks.delete(own) };
  }

  create<T>(ref: ResourceRef, namespace: string | undefined, object: object): Promise<T> {
    const { metadata } = object as KubeObject;
    if (this.objects.has(`${ref.resource}|${namespace ?? ""}|${metadata.name}`)) {
      return Promise.reject(new ApiError(409, "AlreadyExists", `${ref.resource} "${metadata.name}" already exists`));
    }
    this.writes++;
    return Promise.resolve(this.#store("ADDED", ref.resource, object as KubeObject) as T);
  }

  update<T>(ref: ResourceRef, object: object): Promise<T> {
    this.writes++;
    return Promise.resolve(this.#store("MODIFIED", ref.resource, object as KubeObject) as T);
  }

  delete(ref: ResourceRef, namespace: string | undefined, name: string): Promise<unknown> {
    const key = `${ref.resource}|${namespace ?? ""}|${name}`;
    const object = this.objects.get(key);
    this.objects.delete(key);
    if (object !== undefined) this.#tell("DELETED", ref.resource, object);
    return Promise.resolve(undefined);
  }

  patch<T>(): Promise<T> {
    return Promise.reject(new Error("Cannot patch: the test's API does not know how"));
  }

  deleteCollection(): Promise<void> {
    return Promise.reject(new Error("Cannot delete a collection: the test's API does not know how"));
  }

  #store(type: "ADDED" | "MODIFIED", resource: string, object: KubeObject): KubeObject {
    const { metadata } = object;
    const stored = {
      ...object,
      metadata: { ...metadata, uid: metadata.uid ?? `uid-${metadata.name}`, resourceVersion: String(++this.#revision) },
    };
    this.objects.set(`${resource}|${metadata.namespace ?? ""}|${metadata.name}`, stored);
    this.#tell(type, resource, stored);
    return stored;
  }

  #tell(type: "ADDED" | "MODIFIED" | "DELETED", resource: string, object: KubeObject): void {
    for (const sink of this.#watches.get(resource) ?? []) sink.events([{ type, object }]);
  }
}

/** A clock that stands still. */
export const stillClock: Clock = {
  now: () => 0,
  wallTime: () => 1_800_000_000_000,
  wakeAt: () => ({ cancel() {} }),
  soon: (callback) => queueMicrotask(callback),
};
