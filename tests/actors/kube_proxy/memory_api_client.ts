/** An API of a few resources in memory, for tests of those who list, watch and patch. */
import { keyOf, type KubeObject } from "../../../machines/objects/object.ts";
import { resourceName, type ResourceRef } from "../../../machines/objects/resources.ts";
import type { ApiClient, ApiWatchSink, ListOptions, ObjectList, Watch } from "../../../ports/api_client.ts";

type Changed = { type: "ADDED" | "MODIFIED" | "DELETED"; object: KubeObject };
type Written = { metadata: { name: string; namespace?: string } };

export class MemoryApiClient implements ApiClient {
  /** Writes that were asked for, as `resource key body`. */
  readonly writes: string[] = [];
  /** Set to refuse the next patches. */
  failure: Error | undefined;
  #revision = 0;
  readonly #history = new Map<string, Changed[]>();
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #sinks = new Map<string, Set<ApiWatchSink<KubeObject>>>();

  /** Creates or replaces an object as another client would. */
  put(resource: ResourceRef, object: Written & Record<string, unknown>): void {
    const objects = this.#of(resource);
    const known = objects.get(keyOf(object as KubeObject));
    const stored = {
      ...object,
      metadata: {
        uid: known?.metadata.uid ?? `uid-${this.#revision + 1}`,
        creationTimestamp: "2026-01-01T00:00:00Z",
        ...object.metadata,
        resourceVersion: String(++this.#revision),
      },
    } as unknown as KubeObject;
    objects.set(keyOf(stored), stored);
    this.#tell(resource, known === undefined ? "ADDED" : "MODIFIED", stored);
  }

  remove(resource: ResourceRef, key: string): void {
    const object = this.#of(resource).get(key)!;
    this.#of(resource).delete(key);
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } };
    this.#tell(resource, "DELETED", last);
  }

  peek(resource: ResourceRef, key: string): KubeObject | undefined {
    return this.#of(resource).get(key);
  }

  get<T>(resource: ResourceRef, namespace: string | undefined, name: string): Promise<T> {
    return Promise.resolve(this.#of(resource).get(namespace === undefined ? name : `${namespace}/${name}`) as T);
  }

  list<T>(resource: ResourceRef, _options?: ListOptions): Promise<ObjectList<T>> {
    const items = [...this.#of(resource).values()] as unknown as T[];
    return Promise.resolve({ items, resourceVersion: String(this.#revision) });
  }

  watch<T>(resource: ResourceRef, options: ListOptions, sink: ApiWatchSink<T>): Watch {
    const name = resourceName(resource);
    const sinks = this.#sinks.get(name) ?? new Set();
    this.#sinks.set(name, sinks);
    const untyped = sink as unknown as ApiWatchSink<KubeObject>;
    const missed = (this.#history.get(name) ?? []).filter(({ object }) =>
      Number(object.metadata.resourceVersion) > Number(options.resourceVersion ?? this.#revision)
    );
    if (missed.length > 0) untyped.events(missed);
    sinks.add(untyped);
    return { cancel: () => void sinks.delete(untyped) };
  }

  create<T>(resource: ResourceRef, namespace: string | undefined, object: object): Promise<T> {
    const { reason, message } = object as { reason?: string; message?: string };
    this.writes.push(`create ${resourceName(resource)} ${namespace} ${reason ?? ""}: ${message ?? ""}`);
    return Promise.resolve(object as T);
  }

  /** Merges the top level of `status` only; enough for what is written here. */
  patch<T>(
    resource: ResourceRef,
    namespace: string | undefined,
    name: string,
    _type: string,
    body: unknown,
  ): Promise<T> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    this.writes.push(`patch ${resourceName(resource)} ${key} ${JSON.stringify(body)}`);
    const object = this.#of(resource).get(key)!;
    const status = { ...(object.status as object), ...(body as { status: object }).status };
    this.put(resource, { ...object, status });
    return Promise.resolve(this.#of(resource).get(key) as T);
  }

  update<T>(): Promise<T> {
    return Promise.reject(new Error("Cannot update: not made for it"));
  }

  delete(): Promise<unknown> {
    return Promise.reject(new Error("Cannot delete: not made for it"));
  }

  deleteCollection(): Promise<void> {
    return Promise.reject(new Error("Cannot delete: not made for it"));
  }

  #of(resource: ResourceRef): Map<string, KubeObject> {
    const name = resourceName(resource);
    let objects = this.#objects.get(name);
    if (objects === undefined) this.#objects.set(name, objects = new Map());
    return objects;
  }

  #tell(resource: ResourceRef, type: Changed["type"], object: KubeObject): void {
    const name = resourceName(resource);
    this.#history.set(name, [...this.#history.get(name) ?? [], { type, object }]);
    for (const sink of this.#sinks.get(resourceName(resource)) ?? []) sink.events([{ type, object }]);
  }
}

/** Lets answers of the API and of ports arrive, and time pass, as often as it takes. */
export async function play(clock: { advance(milliseconds: number): void }, milliseconds = 0): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    for (let promise = 0; promise < 20; promise++) await Promise.resolve();
    clock.advance(0);
  }
  if (milliseconds === 0) return;
  clock.advance(milliseconds);
  await play(clock);
}
