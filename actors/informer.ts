/** Informers: local copies of a resource's objects, kept in step with the API server, and whoever wants to hear of changes. */
import type { KubeObject } from "../machines/objects/object.ts";
import { keyOf } from "../machines/objects/object.ts";
import { informerMachine } from "../machines/informer/informer_machine.ts";
import type { ApiClient, ListOptions, ResourceRef, Watch, WatchEvent } from "../ports/api_client.ts";
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
  /** Tells informers of one resource apart; default: the resource. */
  readonly name?: string;
  readonly client: ApiClient;
  readonly resource: ResourceRef;
  readonly options?: Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector">;
  readonly supervisor?: Address;
}

type Informed = Pick<KubeObject, "metadata">;

/** The cache of one resource's objects. Objects are frozen and shared. */
export class Informer<T extends Informed> {
  readonly address: Address;
  readonly #system: ActorSystem;
  readonly #options: InformerOptions;
  readonly #handle: ActorHandle;
  #objects = new Map<string, T>();
  #listeners = new Set<ChangeListener<T>>();
  #synced = false;
  #resourceVersion = "";

  constructor(system: ActorSystem, options: InformerOptions) {
    const { node, resource } = options;
    const name = options.name ?? resource.resource;
    this.#system = system;
    this.#options = options;
    this.address = address({ node, kind: "informer", name });
    const kind = actorKind("informer", informerMachine, {
      listObjects: async () => {
        const { items, resourceVersion } = await options.client.list<T>(resource, options.options ?? {});
        this.#replace(items, resourceVersion);
        return { type: "objects.listed", count: items.length } as const;
      },
      watchObjects: (_, order) => {
        let watch: Watch | undefined;
        const ended = (expired: boolean) => order.answer({ type: "watch.ended", expired });
        order.signal.addEventListener("abort", () => watch?.cancel(), { once: true });
        const from = { ...options.options, resourceVersion: this.#resourceVersion };
        watch = options.client.watch<T>(resource, from, {
          events: (batch) => {
            const count = this.#apply(batch);
            this.#system.tell(this.address, { type: "batch.received", count });
          },
          closed: (status) => ended(status?.code === 410),
        });
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
    const next = new Map(items.map((object) => [keyOf(object), object]));
    const changes: Change<T>[] = [];
    for (const [key, object] of this.#objects) if (!next.has(key)) changes.push({ type: "removed", object });
    for (const [key, object] of next) this.#note(changes, this.#objects.get(key), object);
    this.#objects = next;
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
      const key = keyOf(object);
      const previous = this.#objects.get(key);
      this.#resourceVersion = object.metadata.resourceVersion;
      if (event.type === "DELETED") {
        if (previous === undefined) continue;
        this.#objects.delete(key);
        changes.push({ type: "removed", object });
      } else {
        this.#objects.set(key, object);
        this.#note(changes, previous, object);
      }
    }
    this.#publish(changes);
    return batch.length;
  }

  #note(changes: Change<T>[], previous: T | undefined, object: T): void {
    if (previous === undefined) changes.push({ type: "added", object });
    else if (previous.metadata.uid !== object.metadata.uid) {
      // Deleted and made again under the same name while nobody looked.
      changes.push({ type: "removed", object: previous }, { type: "added", object });
    } else if (previous.metadata.resourceVersion !== object.metadata.resourceVersion) {
      changes.push({ type: "updated", object, previous });
    }
  }

  #publish(changes: readonly Change<T>[]): void {
    if (changes.length === 0) return;
    for (const listener of [...this.#listeners]) listener.changed(changes);
  }
}

export function startInformer<T extends Informed>(system: ActorSystem, options: InformerOptions): Informer<T> {
  return new Informer<T>(system, options);
}

/** One informer per resource for all components of a process that use the same client. */
export class SharedInformers {
  #informers = new Map<string, Informer<KubeObject>>();

  constructor(readonly system: ActorSystem, readonly options: Omit<InformerOptions, "resource" | "name" | "options">) {}

  of<T extends Informed>(resource: ResourceRef): Informer<T> {
    const key = [resource.resource, resource.group].filter((part) => part !== "").join(".");
    let informer = this.#informers.get(key);
    if (informer === undefined) {
      informer = new Informer<KubeObject>(this.system, { ...this.options, resource, name: key });
      this.#informers.set(key, informer);
    }
    return informer as unknown as Informer<T>;
  }

  stop(): void {
    for (const informer of this.#informers.values()) informer.stop();
    this.#informers.clear();
  }
}
