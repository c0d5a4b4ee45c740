/** Informers: local copies of a resource's objects, kept in step with the API server, and whoever wants to hear of changes. */
import type { KubeObject } from "../machines/objects/object.ts";
import { keyOf } from "../machines/objects/object.ts";
import type { ObjectReader } from "../machines/objects/reader.ts";
import { resourceName } from "../machines/objects/resources.ts";
import { informerMachine } from "../machines/informer/informer_machine.ts";
import type { ApiClient, ListOptions, ResourceRef, Watch, WatchEvent } from "../ports/api_client.ts";
import { ObjectCache } from "./informer/object_cache.ts";
import { type ActorHandle, actorKind, type ActorSystem, type Address, address } from "./system.ts";

export type Change<T> =
  | { readonly type: "added"; readonly object: T }
  | { readonly type: "updated"; readonly object: T; readonly previous: T }
  | { readonly type: "removed"; readonly object: T };

export interface ChangeListener<T> {
  /** A whole batch, in order; never empty. A listener that comes late gets everything there is as one batch of "added". */
  changed(changes: readonly Change<T>[]): void;
  /** Once, when the first list is in the cache (at once for late comers). */
  synced?(): void;
}

export interface InformerOptions {
  /** The process' or node's name in the address. */
  readonly node: string;
  /** Whose it is, where several components of a process have one of the same resource. */
  readonly scope?: string;
  /** Tells informers of one resource apart; default: the resource. */
  readonly name?: string;
  readonly client: ApiClient;
  readonly resource: ResourceRef;
  readonly options?: Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector">;
  readonly supervisor?: Address;
}

type Informed = Pick<KubeObject, "metadata">;

/** Revisions of one cluster are comparable as integers (KEP-5504). */
function isNewer(revision: string, than: string): boolean {
  return revision.length === than.length ? revision > than : revision.length > than.length;
}

/** The cache of one resource's objects. Objects are frozen and shared. */
export class Informer<T extends Informed> implements ObjectReader<T> {
  readonly address: Address;
  readonly #system: ActorSystem;
  readonly #options: InformerOptions;
  readonly #handle: ActorHandle;
  #objects = new ObjectCache<T>();
  /** Uids that this process deleted itself, until the watch has said so too. */
  #deleted = new Set<string>();
  #listeners = new Set<ChangeListener<T>>();
  #synced = false;
  #resourceVersion = "";

  constructor(system: ActorSystem, options: InformerOptions) {
    const { node, resource } = options;
    const name = options.name ?? resource.resource;
    this.#system = system;
    this.#options = options;
    this.address = address({ node, kind: "informer", namespace: options.scope, name });
    const kind = actorKind("informer", informerMachine, {
      listObjects: async () => {
        const { items, resourceVersion } = await options.client.list<T>(resource, options.options ?? {});
        this.#replace(items, resourceVersion);
        return { type: "objects.listed", count: items.length } as const;
      },
      watchObjects: (_, order) => {
        const ended = (expired: boolean) => order.answer({ type: "watch.ended", expired });
        const from = { ...options.options, resourceVersion: this.#resourceVersion };
        const watch: Watch = options.client.watch<T>(resource, from, {
          events: (batch) => {
            const count = this.#apply(batch);
            this.#system.tell(this.address, { type: "batch.received", count });
          },
          closed: (status) => ended(status?.code === 410),
        });
        order.signal.addEventListener("abort", () => watch.cancel(), { once: true });
      },
    });
    this.#handle = system.spawn(kind, {
      address: this.address,
      ...(options.supervisor === undefined ? {} : { supervisor: options.supervisor }),
      input: { resource: name },
    });
  }

  get synced(): boolean {
    return this.#synced;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** The revision up to which the cache is complete; for equality only. */
  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  /** By "namespace/name", or "name" for what has no namespace. */
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  inNamespace(namespace: string): readonly T[] {
    return this.#objects.inNamespace(namespace);
  }

  ownedBy(uid: string): readonly T[] {
    return this.#objects.ownedBy(uid);
  }

  /**
   * Takes in what a write of this process was answered with, so that the next decision is not made on contents from
   * before it. The watch brings the same later and changes nothing.
   */
  learn(object: T): void {
    // The watch has been there already: what it said since counts, perhaps that the object is gone.
    if (!isNewer(object.metadata.resourceVersion, this.#resourceVersion)) return;
    const changes: Change<T>[] = [];
    this.#take(changes, object);
    this.#publish(changes);
  }

  /** Likewise for an object that is gone now. */
  learnDeleted(object: T): void {
    const key = keyOf(object);
    if (this.#objects.get(key)?.metadata.uid !== object.metadata.uid) return;
    this.#objects.delete(key);
    this.#deleted.add(object.metadata.uid);
    this.#publish([{ type: "removed", object }]);
  }

  subscribe(listener: ChangeListener<T>): () => void {
    this.#listeners.add(listener);
    if (this.#objects.size > 0) listener.changed(this.list().map((object) => ({ type: "added", object })));
    if (this.#synced) listener.synced?.();
    return () => void this.#listeners.delete(listener);
  }

  stop(): void {
    if (this.#handle.alive) this.#system.stop(this.address);
    this.#listeners.clear();
  }

  #replace(items: readonly T[], resourceVersion: string): void {
    const listed = new Set(items.map(keyOf));
    const changes: Change<T>[] = [];
    this.#deleted.clear();
    for (const object of this.list()) {
      // What was learned from a write after the list was made stays: the watch will say if it went away.
      if (listed.has(keyOf(object)) || isNewer(object.metadata.resourceVersion, resourceVersion)) continue;
      this.#objects.delete(keyOf(object));
      changes.push({ type: "removed", object });
    }
    for (const object of items) this.#take(changes, object);
    this.#resourceVersion = resourceVersion;
    const first = !this.#synced;
    this.#synced = true;
    this.#publish(changes);
    if (first) { for (const listener of [...this.#listeners]) listener.synced?.(); }
  }

  #apply(batch: readonly WatchEvent<T>[]): number {
    const changes: Change<T>[] = [];
    for (const event of batch) {
      if (event.type === "BOOKMARK") {
        this.#resourceVersion = event.resourceVersion;
        continue;
      }
      const { object } = event;
      this.#resourceVersion = object.metadata.resourceVersion;
      if (event.type !== "DELETED") {
        this.#take(changes, object);
        continue;
      }
      this.#deleted.delete(object.metadata.uid);
      const key = keyOf(object);
      if (this.#objects.get(key)?.metadata.uid !== object.metadata.uid) continue;
      this.#objects.delete(key);
      changes.push({ type: "removed", object });
    }
    this.#publish(changes);
    return batch.length;
  }

  #take(changes: Change<T>[], object: T): void {
    if (this.#deleted.has(object.metadata.uid)) return;
    const previous = this.#objects.get(keyOf(object));
    if (previous === undefined) changes.push({ type: "added", object });
    else if (!isNewer(object.metadata.resourceVersion, previous.metadata.resourceVersion)) return;
    else if (previous.metadata.uid === object.metadata.uid) changes.push({ type: "updated", object, previous });
    // Deleted and made again under the same name while nobody looked.
    else changes.push({ type: "removed", object: previous }, { type: "added", object });
    this.#objects.set(keyOf(object), object);
  }

  #publish(changes: readonly Change<T>[]): void {
    if (changes.length === 0) return;
    const errors: unknown[] = [];
    for (const listener of [...this.#listeners]) {
      try {
        listener.changed(changes);
      } catch (error) {
        errors.push(error);
      }
    }
    // The cache has taken the changes in and will not tell them again: everybody hears of them before one fails.
    if (errors.length > 0) throw errors[0];
  }
}

export function startInformer<T extends Informed>(system: ActorSystem, options: InformerOptions): Informer<T> {
  return new Informer<T>(system, options);
}

/** One informer per resource for all components of a process that use the same client. */
export class SharedInformers {
  #informers = new Map<string, Informer<KubeObject>>();
  #stopped = false;

  constructor(readonly system: ActorSystem, readonly options: Omit<InformerOptions, "resource" | "name" | "options">) {}

  /** @throws Error when it was stopped: work that began before has nothing to go by any more. */
  of<T extends Informed>(resource: ResourceRef): Informer<T> {
    const key = resourceName(resource);
    let informer = this.#informers.get(key);
    if (informer === undefined) {
      if (this.#stopped) throw new Error(`Cannot follow "${key}": its informers were stopped`);
      informer = new Informer<KubeObject>(this.system, { ...this.options, resource, name: key });
      this.#informers.set(key, informer);
    }
    return informer as unknown as Informer<T>;
  }

  /** The informer of a resource, if anybody has asked for it. */
  peek(resource: ResourceRef): Informer<KubeObject> | undefined {
    return this.#informers.get(resourceName(resource));
  }

  stop(): void {
    this.#stopped = true;
    for (const informer of this.#informers.values()) informer.stop();
    this.#informers.clear();
  }
}
