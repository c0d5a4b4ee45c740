/** The latest state of one resource's objects, the changes that led to it, and those who watch. */
import { requiredValue } from "../../machines/objects/field_selector.ts";
import type { Status } from "../../machines/objects/status.ts";
import { EventHistory } from "./event_history.ts";
import { type Selection, selects } from "./selection.ts";
import { Entry, viewOf } from "./stored_object.ts";
import type { Resource } from "./types.ts";
import { CacheEvent, type Watcher, WatchItem } from "./watcher.ts";

interface Bucket {
  readonly entries: Map<string, Entry>;
  /** By name, kept so; undefined until somebody lists. */
  sorted: Entry[] | undefined;
  state: object | undefined;
}

export class ResourceCache {
  /** By namespace; cluster-scoped objects are in "". */
  readonly #buckets = new Map<string, Bucket>();
  #namespaces: readonly string[] | undefined;
  readonly #history = new EventHistory();
  #deleted: Set<string> | undefined;
  #state: object | undefined;
  /** Revision of the last change. */
  lastChange = 0;
  count = 0;

  readonly #watchers = new WatcherIndex();

  constructor(readonly resource: Resource) {}

  get(namespace: string, name: string): Entry | undefined {
    return this.#buckets.get(namespace)?.entries.get(name);
  }

  /** In the order of their keys; "" means all namespaces. */
  list(namespace: string): readonly Entry[] {
    if (namespace !== "" || !this.resource.namespaced) return this.#sorted(this.#buckets.get(namespace));
    this.#namespaces ??= [...this.#buckets.keys()].sort((a, b) => (`${a}/` < `${b}/` ? -1 : 1));
    return this.#namespaces.flatMap((name) => this.#sorted(this.#buckets.get(name)));
  }

  /** Stands for what `list` says: the same object as long as that is the same. */
  stateOf(namespace: string): object {
    if (namespace === "" && this.resource.namespaced) return this.#state ??= {};
    const bucket = this.#buckets.get(namespace);
    return bucket === undefined ? this.#state ??= {} : bucket.state ??= {};
  }

  #sorted(bucket: Bucket | undefined): readonly Entry[] {
    if (bucket === undefined) return [];
    return bucket.sorted ??= [...bucket.entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Selected entries in the form of the selection's resource. */
  select(namespace: string, selection: Selection): Entry[] {
    const name = requiredValue(selection.fields, "metadata.name");
    const candidates = name === undefined || (namespace === "" && this.resource.namespaced)
      ? this.list(namespace)
      : [this.get(namespace, name)].filter((entry) => entry !== undefined);
    const found: Entry[] = [];
    for (const entry of candidates) {
      const view = viewOf(entry, selection.resource);
      if (selects(selection, view)) found.push(view);
    }
    return found;
  }

  /** Takes over a whole state; what was known is forgotten. */
  reset(entries: readonly Entry[], revision: number): void {
    this.#buckets.clear();
    this.#namespaces = undefined;
    this.#state = undefined;
    this.#history.clear(revision);
    this.lastChange = 0;
    this.count = 0;
    for (const entry of entries) {
      this.#put(entry);
      if (entry.revision > this.lastChange) this.lastChange = entry.revision;
    }
  }

  /** Begins to take note of what is deleted until `seed`: it may be in the state that is read meanwhile. */
  expectSeed(): void {
    this.#deleted = new Set();
  }

  /** Takes over a state read while changes were already coming in; what changed since is newer. */
  seed(entries: readonly Entry[], revision: number): void {
    for (const entry of entries) {
      const { namespace, name } = entry;
      if (this.get(namespace, name) === undefined && this.#deleted?.has(`${namespace}/${name}`) !== true) {
        this.#put(entry);
      }
    }
    this.#deleted = undefined;
    this.#history.floor = Math.max(this.#history.floor, revision);
    this.lastChange = Math.max(this.lastChange, revision);
  }

  #put(entry: Entry): void {
    let bucket = this.#buckets.get(entry.namespace);
    if (bucket === undefined) {
      this.#buckets.set(entry.namespace, bucket = { entries: new Map(), sorted: undefined, state: undefined });
      this.#namespaces = undefined;
    }
    this.#state = bucket.state = undefined;
    const before = bucket.entries.get(entry.name);
    bucket.entries.set(entry.name, entry);
    if (before === undefined) this.count += 1;
    if (bucket.sorted === undefined) return;
    const place = placeOf(bucket.sorted, entry.name);
    bucket.sorted.splice(place, before === undefined ? 0 : 1, entry);
  }

  #remove(entry: Entry): void {
    const bucket = this.#buckets.get(entry.namespace);
    if (bucket === undefined || !bucket.entries.delete(entry.name)) return;
    this.count -= 1;
    this.#state = bucket.state = undefined;
    if (bucket.sorted !== undefined) bucket.sorted.splice(placeOf(bucket.sorted, entry.name), 1);
    if (bucket.entries.size === 0) {
      this.#buckets.delete(entry.namespace);
      this.#namespaces = undefined;
    }
  }

  /** Applies a committed put; watchers that see it are added to `dirty`. */
  put(entry: Entry, dirty: Set<Watcher>): CacheEvent | undefined {
    const previous = this.get(entry.namespace, entry.name);
    if (previous !== undefined && previous.revision >= entry.revision) return undefined;
    this.#put(entry);
    return this.#happened(new CacheEvent(entry.revision, entry, previous), dirty);
  }

  /** Applies a committed deletion. */
  delete(namespace: string, name: string, revision: number, dirty: Set<Watcher>): CacheEvent | undefined {
    const previous = this.get(namespace, name);
    this.#deleted?.add(`${namespace}/${name}`);
    if (previous === undefined || previous.revision >= revision) return undefined;
    this.#remove(previous);
    return this.#happened(new CacheEvent(revision, undefined, previous), dirty);
  }

  #happened(event: CacheEvent, dirty: Set<Watcher>): CacheEvent {
    this.lastChange = event.revision;
    this.#history.add(event);
    this.#watchers.visit(event, (watcher) => {
      const item = watcher.see(event);
      if (item === undefined) return;
      watcher.pending.push(item);
      dirty.add(watcher);
    });
    return event;
  }

  /** Whether every change after `revision` is still known. */
  remembers(revision: number): boolean {
    return revision >= this.#history.floor;
  }

  get floor(): number {
    return this.#history.floor;
  }

  /** Registers a watcher that has first seen the present state (`initial`) or the changes since its `from`. */
  watch(watcher: Watcher, initial: boolean): void {
    if (initial) {
      const { resource, namespace, labels, fields } = watcher.wants;
      for (const entry of this.select(namespace, { resource, labels, fields })) {
        watcher.pending.push(new WatchItem("ADDED", entry));
      }
    } else {
      for (const event of this.#history) {
        const item = watcher.see(event);
        if (item !== undefined) watcher.pending.push(item);
        event.release();
      }
    }
    this.#watchers.add(watcher);
  }

  unwatch(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  watchers(): Iterable<Watcher> {
    return this.#watchers.all;
  }

  /** Ends every watch. */
  closeAll(status: Status | undefined): void {
    for (const watcher of [...this.#watchers.all]) {
      this.#watchers.delete(watcher);
      if (watcher.closed) continue;
      watcher.closed = true;
      watcher.release?.();
      watcher.sink.closed(status);
    }
  }
}

/** Where `name` is, or would go, among entries sorted by name. */
function placeOf(sorted: readonly Entry[], name: string): number {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.name < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Watchers by the narrowest thing they ask for: one node's pods, one object, one namespace, or all. A change visits only
 * those that may see it.
 */
class WatcherIndex {
  readonly all = new Set<Watcher>();
  readonly #everything = new Set<Watcher>();
  readonly #by = { namespace: new Map<string, Set<Watcher>>(), name: new Map<string, Set<Watcher>>() };
  readonly #byNode = new Map<string, Set<Watcher>>();

  add(watcher: Watcher): void {
    this.all.add(watcher);
    this.#place(watcher, true)?.add(watcher);
  }

  delete(watcher: Watcher): void {
    this.all.delete(watcher);
    const place = this.#place(watcher, false);
    place?.delete(watcher);
    if (place !== undefined && place.size === 0 && place !== this.#everything) this.#forget(place);
  }

  #forget(place: Set<Watcher>): void {
    for (const index of [this.#by.namespace, this.#by.name, this.#byNode]) {
      for (const [key, value] of index) if (value === place) index.delete(key);
    }
  }

  #place({ wants: { fields, namespace } }: Watcher, make: boolean): Set<Watcher> | undefined {
    const name = requiredValue(fields, "metadata.name");
    if (name !== undefined) return slot(this.#by.name, name, make);
    const node = requiredValue(fields, "spec.nodeName");
    if (node !== undefined) return slot(this.#byNode, node, make);
    return namespace === "" ? this.#everything : slot(this.#by.namespace, namespace, make);
  }

  visit(event: CacheEvent, see: (watcher: Watcher) => void): void {
    if (this.all.size === 0) return;
    const { namespace, name } = (event.current ?? event.previous)!;
    for (const watcher of this.#everything) see(watcher);
    for (const watcher of this.#by.namespace.get(namespace) ?? []) see(watcher);
    for (const watcher of this.#by.name.get(name) ?? []) see(watcher);
    if (this.#byNode.size === 0) return;
    const now = nodeOf(event.current), before = nodeOf(event.previous);
    if (now !== undefined) { for (const watcher of this.#byNode.get(now) ?? []) see(watcher); }
    if (before !== undefined && before !== now) { for (const watcher of this.#byNode.get(before) ?? []) see(watcher); }
  }
}

function slot(index: Map<string, Set<Watcher>>, key: string, make: boolean): Set<Watcher> | undefined {
  let watchers = index.get(key);
  if (watchers === undefined && make) index.set(key, watchers = new Set());
  return watchers;
}

function nodeOf(entry: Entry | undefined): string | undefined {
  if (entry === undefined) return undefined;
  return (entry.object.spec as { nodeName?: string } | undefined)?.nodeName ?? "";
}
