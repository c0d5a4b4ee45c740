/** A request after its URL was read and its user is known, and what the engine answers. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { PatchType } from "../../ports/api_client.ts";
import type { AuditTrail } from "../audit/audit_trail.ts";
import type { Entry } from "./stored_object.ts";
import type { RequestAttributes, Resource, UserInfo, Verb } from "./types.ts";
import type { WatchItemSink } from "./watcher.ts";

/** What was sent: bytes as they came, or a value from inside the process. */
export type RequestBody =
  | { readonly bytes: Uint8Array; readonly contentType: string }
  | { readonly value: unknown };

export interface ApiRequest {
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** "" for the resource itself; else `status`, `scale`, `exec` ... */
  readonly subresource: string;
  /** "": all namespaces, or a cluster-scoped resource. */
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  /** Behind a proxy subresource, without the slash in front. */
  readonly rest?: string;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  /** The `User-Agent`, whose first word is the field manager when none is named. */
  readonly userAgent: string;
  readonly body?: RequestBody;
  readonly patchType?: PatchType;
  /** Absent: the audit log does not want to hear of it. */
  readonly audit?: AuditTrail;
}

export interface WatchHandle {
  cancel(): void;
}

export type ApiReply =
  | {
    readonly type: "object";
    readonly code: number;
    readonly resource: Resource;
    readonly entry: Entry;
    readonly warnings: readonly string[];
  }
  | {
    /** What is no stored object: a Status, a Scale, a review. */
    readonly type: "value";
    readonly code: number;
    readonly value: unknown;
    readonly warnings: readonly string[];
    /** Set where it, or its items, can be shown as rows. */
    readonly rowsOf?: Resource;
  }
  | {
    readonly type: "list";
    readonly resource: Resource;
    readonly entries: readonly Entry[];
    readonly resourceVersion: string;
    readonly continue: string | undefined;
    readonly remaining: number | undefined;
    /** Of a list of everything: the same object as long as it is the same list. */
    readonly state?: object;
  }
  | {
    readonly type: "watch";
    readonly resource: Resource;
    /** Begins the watch; an error event is told through `sink.closed`. */
    open(sink: WatchItemSink): WatchHandle;
  }
  | {
    /** Allowed, and to be carried out by whoever connects streams (exec, logs, proxies). */
    readonly type: "connect";
    readonly resource: Resource;
    readonly request: ApiRequest;
  };

export function attributesOf(request: ApiRequest): RequestAttributes {
  const { user, verb, path, group, version, resource, subresource, namespace, name, query } = request;
  const attributes = {
    user,
    verb,
    path,
    resourceRequest: true,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
  };
  const fieldSelector = name === "" ? query.get("fieldSelector") ?? "" : "";
  return fieldSelector === "" ? attributes : { ...attributes, fieldSelector };
}

/** Wall time as the API writes it: RFC 3339, whole seconds. */
export function timestamp(wallTimeMs: number): string {
  return `${new Date(wallTimeMs).toISOString().slice(0, 19)}Z`;
}

const metadataOrder = [
  "name",
  "generateName",
  "namespace",
  "selfLink",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "ownerReferences",
  "finalizers",
  "managedFields",
];

/** The object with its members in the order in which the API writes them; empty metadata members are left out. */
export function inApiOrder(object: KubeObject): KubeObject {
  const { kind, apiVersion, metadata, ...rest } = object;
  const from = metadata as unknown as Record<string, unknown>;
  const ordered: Record<string, unknown> = {};
  for (const field of metadataOrder) {
    const value = from[field];
    if (value === undefined || value === null || value === "") continue;
    if (typeof value === "object" && Object.keys(value).length === 0) continue;
    ordered[field] = value;
  }
  return { kind, apiVersion, metadata: ordered as unknown as KubeObject["metadata"], ...rest };
}
