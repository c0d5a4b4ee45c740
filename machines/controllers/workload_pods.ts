/** What the controllers that run pods from a template have in common: whose a pod is, how it is made and ended. */
import { matchesSelector } from "../objects/label_selector.ts";
import type { LabelSelectorObject } from "../objects/label_selector.ts";
import type { KubeObject, Pod } from "../objects/object.ts";
import type { ResourceRef } from "../objects/resources.ts";
import { resources } from "../objects/resources.ts";
import { type Controller, controllerKeys, type EventDraft, type Write } from "./controller.ts";
import { controllerOf, controllerReference } from "./ownership.ts";

/** The most pods created or deleted in one reconciliation. */
export const burst = 500;

export type Owner = Pick<KubeObject, "apiVersion" | "kind" | "metadata">;
type Selecting = Pick<KubeObject, "metadata"> & { spec?: { selector?: LabelSelectorObject } };
export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly finalizers?: readonly string[];
  };
  readonly spec?: object;
}

/** Keys of the owner of the given kind; of an orphan, of all that might adopt it. */
export function podKeys(kind: string, resource: ResourceRef): Controller["watches"][number]["keys"] {
  const owners = controllerKeys(kind);
  return (object, previous, caches) => {
    const keys = owners(object, previous, caches);
    if (keys.length > 0 || controllerOf(object) !== undefined) return keys;
    return caches.of<Selecting>(resource).inNamespace(object.metadata.namespace ?? "")
      .filter(({ spec }) => spec?.selector !== undefined && matchesSelector(spec.selector, object.metadata.labels))
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  };
}

/** A pod as the template says, owned by `owner`; named by `name`, or by `generateName` and chance. */
export function podOf(
  owner: Owner,
  template: PodTemplate | undefined,
  named: { readonly name: string } | { readonly generateName: string },
) {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...named,
      namespace: owner.metadata.namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template?.spec,
  };
}

export function createPod(owner: Owner, object: object): Write {
  return {
    type: "create",
    resource: resources.pods,
    object,
    onSuccess: event(owner, "Normal", "SuccessfulCreate", "Created pod: {name}"),
    onFailure: event(owner, "Warning", "FailedCreate", "Error creating: {error}"),
  };
}

export function deletePod(owner: Owner, { metadata: { name, namespace = "", uid } }: Pod): Write {
  return {
    type: "delete",
    resource: resources.pods,
    namespace,
    name,
    uid,
    onSuccess: event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`),
    onFailure: event(owner, "Warning", "FailedDelete", `Error deleting: {error}`),
  };
}

export function event(about: Owner, type: "Normal" | "Warning", reason: string, message: string): EventDraft {
  return { about, type, reason, message };
}

/** An object's status, by the one verb that every controller's role allows. */
export function writeStatus(resource: ResourceRef, object: Owner, status: object): Write {
  return { type: "update", resource, object: { ...object, status }, subresource: "status" };
}
