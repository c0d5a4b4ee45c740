/**
 * What this server knows of the store: one storage watch over every key feeds all resources' caches, so that all of them
 * share one applied revision.
 *
 * Reads: `latest()` is the store's revision at a moment after the call (linearizable), `reach(revision)` waits until the
 * caches have applied it.
 */
import type { Clock } from "../../ports/clock.ts";
import { prefixEnd, type Storage, StorageError, type StorageEvent, type StorageWatch } from "../../ports/storage.ts";
import { expired } from "./errors.ts";
import { ResourceCache } from "./resource_cache.ts";
import { keyPrefix } from "./resource_registry.ts";
import { Entry } from "./stored_object.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { Resource } from "./types.ts";
import type { CacheEvent, Watcher } from "./watcher.ts";

const root = "/registry/";
const pageSize = 5_000;
const retryDelayMs = 250;

export interface WatchCacheOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Resources that are stored, each once. */
  readonly resources: readonly Resource[];
}

export class WatchCache {
  /** Every change up to here is in the caches. */
  revision = 0;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #caches = new Map<string, ResourceCache>();
  readonly #waiting: { revision: number; resolve: () => void }[] = [];
  /** Objects on their way to the store, by the very bytes that were put: saves parsing them when they come back. */
  readonly #written = new WeakMap<Uint8Array, KubeObject>();
  #watch: StorageWatch | undefined;
  #closed = false;
  #reading: Promise<number> | undefined;
  #nextReading: Promise<number> | undefined;

  constructor({ storage, clock, resources }: WatchCacheOptions) {
    this.#storage = storage;
    this.#clock = clock;
    for (const resource of resources) this.#caches.set(keyPrefix(resource), new ResourceCache(resource));
  }

  /** Loads the present state and follows the store from there. */
  async start(): Promise<void> {
    const found = new Map<ResourceCache, Entry[]>();
    const revision = await this.#load(root, (cache, entry) => {
      const entries = found.get(cache);
      if (entries === undefined) found.set(cache, [entry]);
      else entries.push(entry);
    });
    for (const cache of this.#caches.values()) cache.reset(found.get(cache) ?? [], revision);
    this.#applied(revision);
    this.#follow(revision + 1);
  }

  /** Reads everything under a prefix, at one revision. */
  async #load(prefix: string, each: (cache: ResourceCache, entry: Entry) => void): Promise<number> {
    let key = prefix;
    let revision = 0;
    for (;;) {
      const page = await this.#storage.range({ key, end: prefixEnd(prefix), limit: pageSize, revision });
      if (revision === 0) revision = page.revision;
      for (const kv of page.kvs) {
        const place = this.#place(kv.key);
        if (place === undefined) continue;
        const { cache, namespace, name } = place;
        each(cache, new Entry(cache.resource, namespace, name, kv.modRevision, kv.value));
      }
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return revision;
      key = `${last.key}\0`;
    }
  }

  /** Keeps one more resource from now on; resolves once its present state is known. */
  async add(resource: Resource): Promise<void> {
    const prefix = keyPrefix(resource);
    if (this.#caches.has(prefix)) throw new Error(`Cannot keep ${resource.resource}: it is kept already`);
    const cache = new ResourceCache(resource);
    cache.expectSeed();
    this.#caches.set(prefix, cache);
    const entries: Entry[] = [];
    const revision = await this.#load(prefix, (_cache, entry) => void entries.push(entry));
    cache.seed(entries, revision);
  }

  /** Forgets a resource; its watches end. */
  remove(resource: Resource): void {
    const prefix = keyPrefix(resource);
    const cache = this.#caches.get(prefix);
    this.#caches.delete(prefix);
    cache?.closeAll(undefined);
  }

  #follow(startRevision: number): void {
    if (this.#closed) return;
    this.#watch = this.#storage.watch({ key: root, end: prefixEnd(root), startRevision }, {
      events: (batch, revision) => this.#events(batch, revision),
      progress: (revision) => this.#applied(revision),
      closed: (error) => this.#broke(error),
    });
  }

  /** The store ended the watch: go on from where it broke off, or start over when that is compacted. */
  #broke(error: StorageError): void {
    if (this.#closed) return;
    this.#clock.wakeAt(this.#clock.now() + retryDelayMs, () => {
      if (this.#closed) return;
      if (error.code !== "compacted") return this.#follow(this.revision + 1);
      const status = expired("The resourceVersion for the provided watch is too old.").status;
      for (const cache of this.#caches.values()) cache.closeAll(status);
      this.start().catch(() => this.#broke(error));
    });
  }

  #place(key: string): { cache: ResourceCache; namespace: string; name: string } | undefined {
    const first = key.indexOf("/", root.length);
    if (first < 0) return undefined;
    let end = first;
    let cache = this.#caches.get(key.slice(0, first + 1));
    if (cache === undefined) {
      end = key.indexOf("/", first + 1);
      cache = end < 0 ? undefined : this.#caches.get(key.slice(0, end + 1));
    }
    if (cache === undefined) return undefined;
    const rest = key.slice(end + 1);
    if (!cache.resource.namespaced) return { cache, namespace: "", name: rest };
    const slash = rest.indexOf("/");
    return slash < 0 ? undefined : { cache, namespace: rest.slice(0, slash), name: rest.slice(slash + 1) };
  }

  #events(batch: readonly StorageEvent[], revision: number): void {
    const dirty = new Set<Watcher>();
    const changes: (CacheEvent | undefined)[] = [];
    for (const { type, kv } of batch) {
      const place = this.#place(kv.key);
      if (place === undefined) continue;
      const { cache, namespace, name } = place;
      if (type === "delete") changes.push(cache.delete(namespace, name, kv.modRevision, dirty));
      else {
        const object = this.#written.get(kv.value);
        // The store keeps the bytes as history: they must not keep the object.
        this.#written.delete(kv.value);
        const entry = new Entry(cache.resource, namespace, name, kv.modRevision, kv.value, object);
        changes.push(cache.put(entry, dirty));
      }
    }
    this.#applied(revision);
    for (const watcher of dirty) watcher.flush();
    for (const change of changes) change?.release();
  }

  #applied(revision: number): void {
    if (revision <= this.revision) return;
    this.revision = revision;
    if (this.#waiting.length === 0) return;
    const ready = this.#waiting.filter((waiting) => waiting.revision <= revision);
    if (ready.length === 0) return;
    const rest = this.#waiting.filter((waiting) => waiting.revision > revision);
    this.#waiting.splice(0, this.#waiting.length, ...rest);
    for (const { resolve } of ready) resolve();
  }

  /** The cache of a resource in its storage form. */
  of(resource: Resource): ResourceCache {
    const cache = this.#caches.get(keyPrefix(resource));
    if (cache === undefined) throw new Error(`Cannot read ${resource.resource}: it is not stored`);
    return cache;
  }

  /** The same; undefined for what is not stored. */
  find(resource: Resource): ResourceCache | undefined {
    return this.#caches.get(keyPrefix(resource));
  }

  caches(): Iterable<ResourceCache> {
    return this.#caches.values();
  }

  /** Remembers the object that `value` is the encoding of. */
  remember(value: Uint8Array, object: KubeObject): void {
    this.#written.set(value, object);
  }

  /** The store's revision, read after this call began; calls that overlap share a read that starts after them. */
  latest(): Promise<number> {
    if (this.#reading === undefined) return this.#read();
    return this.#nextReading ??= this.#reading.then(() => this.#read(), () => this.#read());
  }

  #read(): Promise<number> {
    this.#nextReading = undefined;
    const reading = this.#storage.range({ key: root, limit: 1, keysOnly: true }).then(({ revision }) => revision);
    this.#reading = reading;
    const done = () => {
      if (this.#reading === reading) this.#reading = undefined;
    };
    reading.then(done, done);
    return reading;
  }

  /** Resolves once the caches have applied `revision`: true, or false when `timeoutMs` ran out first. */
  reach(revision: number, timeoutMs: number): Promise<boolean> {
    if (this.revision >= revision) return Promise.resolve(true);
    // Keys outside the caches move the revision too; then only a progress notice says that nothing is missing.
    this.#watch?.requestProgress();
    return new Promise((resolve) => {
      const waiting = { revision, resolve: () => (wake.cancel(), resolve(true)) };
      const wake = this.#clock.wakeAt(this.#clock.now() + timeoutMs, () => {
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
        resolve(false);
      });
      this.#waiting.push(waiting);
    });
  }

  /** Ends every watch and lets go of the store. */
  close(): void {
    this.#closed = true;
    this.#watch?.cancel();
    for (const cache of this.#caches.values()) cache.closeAll(undefined);
  }
}
