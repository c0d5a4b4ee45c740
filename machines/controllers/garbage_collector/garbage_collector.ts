/**
 * Deletes what lost its owners (Kubernetes docs, "Garbage Collection": cascading deletion).
 *
 * Three cases: an object all of whose owners are gone is deleted; an object deleted in the foreground lingers until the
 * dependents that block it are gone; an object deleted with orphaning lingers until its dependents have forgotten it. An
 * owner counts as gone only after a look at the API itself, since caches of two resources are never equally fresh.
 */
import type { KubeObject, OwnerReference } from "../../objects/object.ts";
import { resourceName } from "../../objects/resources.ts";
import { jsonEquals } from "../../objects/json.ts";
import type { Caches, Controller, Plan, Write } from "../controller.ts";
import type { ResourceKind, ResourceTable } from "../resource_table.ts";

const orphan = "orphan";
const foreground = "foregroundDeletion";

/** Keys are `resource.group/namespace/name` with `-` for no namespace: one per object that needs a look. */
export function garbageCollector(table: ResourceTable): Controller {
  const byName = new Map(table.all.map((each) => [resourceName(each.resource), each]));
  const keyOf = (kind: ResourceKind, { metadata }: KubeObject) =>
    `${resourceName(kind.resource)}/${metadata.namespace ?? "-"}/${metadata.name}`;
  const graph = new OwnerGraph(table);
  return {
    name: "garbage-collector-controller",
    account: "generic-garbage-collector",
    watches: table.all.map((kind) => ({
      resource: kind.resource,
      keys(object: KubeObject, previous: KubeObject | undefined, caches: Caches) {
        const keys: string[] = [];
        const ownersChanged = !jsonEquals(object.metadata.ownerReferences, previous?.metadata.ownerReferences);
        if (isLingering(object) || (ownersChanged && (object.metadata.ownerReferences ?? []).length > 0)) {
          keys.push(keyOf(kind, object));
        }
        // An owner that waits for it may have been forgotten by it: nothing else would tell the owner.
        for (const each of ownersChanged && previous !== undefined ? graph.owners(previous, caches) : []) {
          if (isLingering(each.object)) keys.push(keyOf(each.kind, each.object));
        }
        const present = caches.of(kind.resource).get(cacheKey(object))?.metadata.uid === object.metadata.uid;
        if (present && !(isLingering(object) && !isLingering(previous))) return keys;
        // Gone, or just begun to go: those who depend on it must look again; so must the owners it blocks.
        for (const each of graph.dependents(object, caches)) keys.push(keyOf(each.kind, each.object));
        for (const each of graph.owners(object, caches)) {
          if (isLingering(each.object)) keys.push(keyOf(each.kind, each.object));
        }
        return keys;
      },
    })),
    plan(key, caches): Plan | undefined {
      const [resource = "", namespace = "-", ...name] = key.split("/");
      const kind = byName.get(resource);
      const object = kind &&
        caches.of(kind.resource).get(namespace === "-" ? name.join("/") : `${namespace}/${name.join("/")}`);
      if (kind === undefined || object === undefined) return undefined;
      const writes = object.metadata.deletionTimestamp === undefined
        ? attend(kind, object, caches, graph)
        : finish(kind, object, caches, graph);
      // Nothing to do: no work item needs to stay for it.
      return writes.length === 0 ? undefined : { writes };
    },
  };
}

function isLingering(object: KubeObject | undefined): boolean {
  const finalizers = object?.metadata.deletionTimestamp === undefined ? [] : object.metadata.finalizers ?? [];
  return finalizers.includes(orphan) || finalizers.includes(foreground);
}

function cacheKey({ metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

interface Placed {
  readonly kind: ResourceKind;
  readonly object: KubeObject;
}

/** Who owns whom, read off the caches' indexes. */
class OwnerGraph {
  constructor(readonly table: ResourceTable) {}

  dependents({ metadata: { uid } }: KubeObject, caches: Caches): Placed[] {
    return this.table.all.flatMap((kind) => caches.of(kind.resource).ownedBy(uid).map((object) => ({ kind, object })));
  }

  owners(object: KubeObject, caches: Caches): Placed[] {
    return (object.metadata.ownerReferences ?? []).flatMap((reference) => {
      const owner = this.owner(reference, object, caches);
      return owner === undefined || owner === "unknown" ? [] : [owner];
    });
  }

  /** "unknown": of a kind that this cluster does not have, which proves nothing. */
  owner(
    { apiVersion, kind, name, uid }: OwnerReference,
    of: KubeObject,
    caches: Caches,
  ): Placed | "unknown" | undefined {
    const found = this.table.find(apiVersion, kind);
    if (found === undefined) return "unknown";
    const { namespace } = of.metadata;
    const key = found.namespaced ? `${namespace}/${name}` : name;
    const object = caches.of(found.resource).get(key);
    return object?.metadata.uid === uid ? { kind: found, object } : undefined;
  }
}

/** An object that nobody is deleting: do its owners still stand? */
function attend(kind: ResourceKind, object: KubeObject, caches: Caches, graph: OwnerGraph): Write[] {
  const references = object.metadata.ownerReferences ?? [];
  if (references.length === 0) return [];
  const gone: OwnerReference[] = [];
  const waiting: OwnerReference[] = [];
  for (const reference of references) {
    const owner = graph.owner(reference, object, caches);
    if (owner === undefined) gone.push(reference);
    else if (owner !== "unknown" && isWaiting(owner.object)) waiting.push(reference);
  }
  const absent = gone.map((reference) => absence(reference, object, graph));
  if (gone.length + waiting.length < references.length) {
    if (gone.length + waiting.length === 0) return [];
    const left = references.filter((reference) => !gone.includes(reference) && !waiting.includes(reference));
    return [{ ...patchOwners(kind, object, left), absent }];
  }
  if (waiting.length > 0 && graph.dependents(object, caches).length > 0) {
    return [{ ...remove(kind, object, "Foreground"), absent }];
  }
  const { finalizers = [] } = object.metadata;
  const propagation = finalizers.includes(orphan)
    ? "Orphan"
    : finalizers.includes(foreground)
    ? "Foreground"
    : "Background";
  return [{ ...remove(kind, object, propagation), absent }];
}

function isWaiting(owner: KubeObject): boolean {
  return owner.metadata.deletionTimestamp !== undefined && owner.metadata.finalizers?.includes(foreground) === true;
}

function absence({ apiVersion, kind, name, uid }: OwnerReference, of: KubeObject, graph: OwnerGraph) {
  const found = graph.table.find(apiVersion, kind)!;
  return { resource: found.resource, ...(found.namespaced && { namespace: of.metadata.namespace ?? "" }), name, uid };
}

/** An object that is being deleted: what must happen before it may go? */
function finish(kind: ResourceKind, object: KubeObject, caches: Caches, graph: OwnerGraph): Write[] {
  const { finalizers = [], uid } = object.metadata;
  if (finalizers.includes(orphan)) {
    const forget = graph.dependents(object, caches).map((dependent) => {
      const left = (dependent.object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
      return patchOwners(dependent.kind, dependent.object, left);
    });
    return [...forget, dropFinalizer(kind, object, orphan)];
  }
  if (!finalizers.includes(foreground)) return [];
  const blocking = graph.dependents(object, caches).filter(({ object: { metadata } }) =>
    metadata.ownerReferences?.some((reference) => reference.uid === uid && reference.blockOwnerDeletion === true)
  );
  if (blocking.length === 0) return [dropFinalizer(kind, object, foreground)];
  return blocking.filter((each) => each.object.metadata.deletionTimestamp === undefined)
    .flatMap((each) => attend(each.kind, each.object, caches, graph));
}

function remove(
  { resource }: ResourceKind,
  { metadata }: KubeObject,
  propagation: "Orphan" | "Background" | "Foreground",
): Write {
  const { namespace, name, uid, resourceVersion } = metadata;
  // Of this very version: somebody may have given it to an owner that stands while its owners were looked up.
  return { type: "delete", resource, ...(namespace && { namespace }), name, uid, resourceVersion, propagation };
}

function patchOwners(kind: ResourceKind, object: KubeObject, left: readonly OwnerReference[]): Write {
  return patchMetadata(kind, object, { ownerReferences: left.length > 0 ? left : null });
}

function dropFinalizer(kind: ResourceKind, object: KubeObject, finalizer: string): Write {
  const finalizers = (object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
  return patchMetadata(kind, object, { finalizers: finalizers.length > 0 ? finalizers : null });
}

function patchMetadata({ resource }: ResourceKind, object: KubeObject, change: object): Write {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const body = { metadata: { uid, resourceVersion, ...change } };
  return { type: "patch", resource, ...(namespace && { namespace }), name, patch: "merge", body, missingIsFine: true };
}
