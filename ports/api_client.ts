/**
 * The API as components use it. Everybody talks through it, in process or over HTTPS, with a user of their own: there
 * is no other way to read or change the cluster's state.
 *
 * Refusals are thrown as `ApiError` (machines/objects/status.ts). Objects handed out are frozen and shared.
 */
import type { KubeObject } from "../machines/objects/object.ts";
import type { ResourceRef } from "../machines/objects/resources.ts";
import type { Status } from "../machines/objects/status.ts";

export { type ResourceRef, resources } from "../machines/objects/resources.ts";

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly limit?: number;
  readonly continue?: string;
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

export interface ApiWatchSink<T> {
  /** Whatever has arrived since the last call, in order. */
  events(batch: readonly WatchEvent<T>[]): void;
  /** The watch ended; with a status when the server said why (410 Gone: list again). Called once, never after cancel. */
  closed(status: Status | undefined): void;
}

export interface Watch {
  cancel(): void;
}

export interface WriteOptions {
  readonly subresource?: string;
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly signal?: AbortSignal;
}

export type PatchType = "json" | "merge" | "strategic" | "apply";

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** An object to be written: the server fills in what is missing of its metadata. */
export type Draft = {
  apiVersion: string;
  kind: string;
  metadata: { name?: string; namespace?: string; generateName?: string } & Record<string, unknown>;
} & Record<string, unknown>;

export interface ApiClient {
  get<T = KubeObject>(resource: ResourceRef, namespace: string | undefined, name: string): Promise<T>;
  list<T = KubeObject>(resource: ResourceRef, options?: ListOptions): Promise<ObjectList<T>>;
  /** Changes after `options.resourceVersion`. Bookmarks are asked for. */
  watch<T = KubeObject>(resource: ResourceRef, options: ListOptions, sink: ApiWatchSink<T>): Watch;
  /** `name` is needed with a subresource (pods/NAME/binding, serviceaccounts/NAME/token). */
  create<T = KubeObject>(
    resource: ResourceRef,
    namespace: string | undefined,
    object: object,
    options?: WriteOptions & { readonly name?: string },
  ): Promise<T>;
  /** Optimistic: refused with 409 when `metadata.resourceVersion` is not the latest. */
  update<T = KubeObject>(resource: ResourceRef, object: object, options?: WriteOptions): Promise<T>;
  patch<T = KubeObject>(
    resource: ResourceRef,
    namespace: string | undefined,
    name: string,
    type: PatchType,
    body: unknown,
    options?: WriteOptions & { readonly force?: boolean },
  ): Promise<T>;
  /** Resolves with the object as it now stands when it is only marked for deletion, else with the server's Status. */
  delete(resource: ResourceRef, namespace: string | undefined, name: string, options?: DeleteOptions): Promise<unknown>;
  deleteCollection(resource: ResourceRef, options?: ListOptions & DeleteOptions): Promise<void>;
}
