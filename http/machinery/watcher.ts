/**
 * One watch: what it wants and what it has been told. A plain object of the resource's cache, indexed there; whoever
 * reads it gets batches through a sink.
 */
import type { FieldSelector } from "../../machines/objects/field_selector.ts";
import type { LabelSelector } from "../../machines/objects/label_selector.ts";
import type { Status } from "../../machines/objects/status.ts";
import { selects } from "./selection.ts";
import { type Entry, viewOf } from "./stored_object.ts";
import type { Resource } from "./types.ts";

/** One line of a watch. Shared by all watchers that see it, and with it every encoding made of it. */
export class WatchItem {
  /** Encoded forms by name, each made once. */
  readonly encoded = new Map<string, Uint8Array>();

  constructor(readonly type: "ADDED" | "MODIFIED" | "DELETED", readonly entry: Entry) {}
}

/** A committed change of one object. Its items are made on demand, once. */
export class CacheEvent {
  #added: WatchItem | undefined;
  #modified: WatchItem | undefined;
  #deleted: WatchItem | undefined;

  constructor(
    readonly revision: number,
    /** Undefined: deleted. */
    readonly current: Entry | undefined,
    /** Undefined: created. */
    readonly previous: Entry | undefined,
  ) {}

  get added(): WatchItem {
    return this.#added ??= new WatchItem("ADDED", this.current!);
  }

  get modified(): WatchItem {
    return this.#modified ??= new WatchItem("MODIFIED", this.current!);
  }

  /** Lets go of what is needed once, when those who watch have it: lines, their encodings and the parsed old state. */
  release(): void {
    this.previous?.forget();
    this.#added = undefined;
    this.#modified = undefined;
    this.#deleted = undefined;
  }

  /** Bytes of the states that the event holds on to. */
  get size(): number {
    return (this.current?.value.length ?? 0) + (this.previous?.value.length ?? 0);
  }

  /** The last state under the revision of the change, also for who stops seeing an object that lives on. */
  get deleted(): WatchItem {
    return this.#deleted ??= new WatchItem("DELETED", this.previous!.at(this.revision));
  }
}

export interface WatchItemSink {
  items(batch: readonly WatchItem[]): void;
  /** Everything up to `revision` was delivered; `initialEnd`: and with it the initial state. */
  bookmark(revision: number, initialEnd: boolean): void;
  /** Over. With a status when the server has something to say (410 Expired), without after the timeout. Called once. */
  closed(status: Status | undefined): void;
}

export interface WatcherWants {
  /** The form the watcher reads; its storage form is the cache's. */
  readonly resource: Resource;
  /** "": all namespaces (and cluster-scoped resources). */
  readonly namespace: string;
  readonly labels: LabelSelector;
  readonly fields: FieldSelector;
  readonly bookmarks: boolean;
}

export class Watcher {
  /** Items not yet handed to the sink. */
  pending: WatchItem[] = [];
  /** Highest revision told. */
  told = 0;
  closed = false;
  /** Lets go of what the watch holds besides (its timer) when the server ends it. */
  release: (() => void) | undefined;

  constructor(
    readonly wants: WatcherWants,
    readonly sink: WatchItemSink,
    /** Changes up to here are not told. */
    readonly from: number,
  ) {
    this.told = from;
  }

  /** The line this watcher sees of a change, if any. */
  see(event: CacheEvent): WatchItem | undefined {
    if (event.revision <= this.from) return undefined;
    const { current, previous } = event;
    const now = current !== undefined && this.#selects(current);
    const before = previous !== undefined && this.#selects(previous);
    if (now) return before ? event.modified : event.added;
    return before ? event.deleted : undefined;
  }

  #selects(entry: Entry): boolean {
    const { namespace } = this.wants;
    return (namespace === "" || entry.namespace === namespace) &&
      selects(this.wants, viewOf(entry, this.wants.resource));
  }

  flush(): void {
    if (this.pending.length === 0 || this.closed) return;
    const batch = this.pending;
    this.pending = [];
    this.told = batch[batch.length - 1]!.entry.revision;
    this.sink.items(batch);
  }
}
