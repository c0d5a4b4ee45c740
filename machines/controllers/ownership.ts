/** Who controls what (Kubernetes garbage collection, "Owners and dependents"; controllers adopt and release by selector). */
import { type LabelSelectorObject, matchesSelector } from "../objects/label_selector.ts";
import type { KubeObject, OwnerReference } from "../objects/object.ts";
import type { ResourceRef } from "../objects/resources.ts";
import type { Write } from "./controller.ts";

type Owned = Pick<KubeObject, "metadata">;

export function controllerOf(object: Owned): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** The reference that makes `owner` the managing controller. */
export function controllerReference(owner: Pick<KubeObject, "apiVersion" | "kind" | "metadata">): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export interface Claims<T> {
  /** Owned now, and matching or just adopted. */
  readonly owned: readonly T[];
  /** Adoptions and releases. */
  readonly writes: readonly Write[];
}

/**
 * Sorts out what belongs to `owner`: what it controls and its selector matches; matching objects without a controller
 * are adopted, controlled ones that do not match any more are released. An owner that is being deleted does neither.
 */
export function claim<T extends Owned>(
  owner: Pick<KubeObject, "apiVersion" | "kind" | "metadata">,
  selector: LabelSelectorObject | undefined,
  candidates: readonly T[],
  resource: ResourceRef,
): Claims<T> {
  const owned: T[] = [];
  const writes: Write[] = [];
  const dying = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const controller = controllerOf(object);
    const matches = matchesSelector(selector, object.metadata.labels);
    if (controller !== undefined && controller.uid !== owner.metadata.uid) continue;
    if (controller !== undefined) {
      if (matches) owned.push(object);
      else if (!dying) writes.push(release(owner, object, resource));
    } else if (matches && !dying && object.metadata.deletionTimestamp === undefined) {
      owned.push(object);
      writes.push(adopt(owner, object, resource));
    }
  }
  return { owned, writes };
}

function adopt(
  owner: Pick<KubeObject, "apiVersion" | "kind" | "metadata">,
  object: Owned,
  resource: ResourceRef,
): Write {
  const { name, namespace, uid, resourceVersion, ownerReferences = [] } = object.metadata;
  const metadata = { uid, resourceVersion, ownerReferences: [...ownerReferences, controllerReference(owner)] };
  return patchMetadata(resource, namespace, name, metadata);
}

function release(owner: Owned, object: Owned, resource: ResourceRef): Write {
  const { name, namespace, uid, resourceVersion, ownerReferences = [] } = object.metadata;
  const left = ownerReferences.filter((reference) => reference.uid !== owner.metadata.uid);
  return patchMetadata(resource, namespace, name, {
    uid,
    resourceVersion,
    ownerReferences: left.length > 0 ? left : null,
  });
}

function patchMetadata(resource: ResourceRef, namespace: string | undefined, name: string, metadata: object): Write {
  return {
    type: "patch",
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    patch: "merge",
    body: { metadata },
    missingIsFine: true,
  };
}
