/**
 * Facts about single resources that the machinery itself needs, in one place. Rows of `http/resources` may say the same
 * in their strategy, which then counts.
 */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { Resource } from "./types.ts";

/** Deleting one answers with the object instead of a Status. */
const returnedWhenDeleted = new Set([
  "/pods",
  "/services",
  "/namespaces",
  "/serviceaccounts",
  "/persistentvolumes",
  "/persistentvolumeclaims",
  "/resourcequotas",
  "/podtemplates",
  "storage.k8s.io/storageclasses",
  "storage.k8s.io/csidrivers",
  "storage.k8s.io/csinodes",
  "storage.k8s.io/volumeattachments",
  "storage.k8s.io/volumeattributesclasses",
  "apiextensions.k8s.io/customresourcedefinitions",
  "resource.k8s.io/deviceclasses",
  "resource.k8s.io/resourceclaims",
]);

export function returnsDeletedObject({ group, resource, strategy }: Resource): boolean {
  return strategy.returnsDeletedObject ?? returnedWhenDeleted.has(`${group}/${resource}`);
}

/** Resources whose clients are told in other words that a field cannot be selected by. */
const fieldLabelSpeech: Readonly<Record<string, (field: string) => string>> = {
  ...Object.fromEntries(
    [
      "/pods",
      "/services",
      "/events",
      "events.k8s.io/events",
      "/secrets",
      "/namespaces",
      "/replicationcontrollers",
      "/nodes",
      "certificates.k8s.io/certificatesigningrequests",
    ].map((key) => [key, (field: string) => `field label not supported: ${field}`]),
  ),
  "batch/jobs": (field) => `field label "${field}" not supported for Job`,
};

export function unknownFieldLabel({ group, resource, custom }: Resource, field: string): string {
  if (custom === true) return `field label not supported: ${field}`;
  const speech = fieldLabelSpeech[`${group}/${resource}`];
  return speech?.(field) ??
    `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

/** Keys that kube-apiserver uses and that turn up in its messages, where they are not the resource's name. */
const spokenKeys: Readonly<Record<string, string>> = {
  "/nodes": "minions",
  "/replicationcontrollers": "controllers",
  "/services": "services/specs",
  "/endpoints": "services/endpoints",
  "networking.k8s.io/ingresses": "ingress",
  "apiextensions.k8s.io/customresourcedefinitions": "apiextensions.k8s.io/customresourcedefinitions",
  "apiregistration.k8s.io/apiservices": "apiregistration.k8s.io/apiservices",
};

/** The key of an object as error messages speak of it. */
export function spokenKey(resource: Resource, namespace: string, name: string): string {
  const base = spokenKeys[`${resource.group}/${resource.resource}`] ?? resource.resource;
  return resource.namespaced ? `/registry/${base}/${namespace}/${name}` : `/registry/${base}/${name}`;
}

/** Whether something besides `metadata.finalizers` keeps a deleted object. */
export function holdsDeletion(resource: Resource, object: KubeObject): boolean {
  if (resource.strategy.holdsDeletion !== undefined) return resource.strategy.holdsDeletion(object);
  if (!isNamespace(resource)) return false;
  const finalizers = (object.spec as { finalizers?: readonly string[] } | undefined)?.finalizers;
  return finalizers !== undefined && finalizers.length > 0;
}

/** What changes in an object at the moment it is marked for deletion. */
export function prepareForDelete(
  resource: Resource,
  object: KubeObject,
  context: Parameters<NonNullable<Resource["strategy"]["prepareForDelete"]>>[1],
): void {
  if (resource.strategy.prepareForDelete !== undefined) resource.strategy.prepareForDelete(object, context);
  else if (isNamespace(resource)) {
    object.status = { ...(object.status as object | undefined), phase: "Terminating" };
  }
}

export function hasGeneration({ strategy }: Resource, object: KubeObject): boolean {
  return strategy.hasGeneration ?? object.spec !== undefined;
}

/** Which members of metadata count as a change of generation besides everything outside of it. */
const countedMetadata: Readonly<Record<string, readonly (keyof KubeObject["metadata"])[]>> = {
  "apps/deployments": ["annotations"],
  "discovery.k8s.io/endpointslices": ["annotations", "labels", "ownerReferences", "finalizers"],
};

export function metadataInGeneration({ group, resource }: Resource): readonly (keyof KubeObject["metadata"])[] {
  return countedMetadata[`${group}/${resource}`] ?? [];
}

/** Members that a write of the resource itself does not change, so that nobody owns them by it. */
export function unownedFields({ group, resource, subresources }: Resource): readonly string[] {
  if (group === "certificates.k8s.io" && resource === "certificatesigningrequests") return ["spec", "status"];
  return "status" in subresources ? ["status"] : [];
}

/** Kinds that kube-apiserver stores in another version than the one served: only their discovery hash tells. */
const storedVersions: Readonly<Record<string, string>> = {
  "apiextensions.k8s.io/CustomResourceDefinition": "v1beta1",
  "admissionregistration.k8s.io/MutatingAdmissionPolicy": "v1beta1",
  "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding": "v1beta1",
};

export function storedVersion({ group, version, kind }: Resource): string {
  return storedVersions[`${group}/${kind}`] ?? version;
}

/** What every answer about a resource warns of, by group, version and resource. */
const deprecations: Readonly<Record<string, string>> = {
  "/v1/endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  "/v1/componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
};

export function deprecationWarnings(asked: { group: string; version: string; resource: string }): string[] {
  const text = deprecations[`${asked.group}/${asked.version}/${asked.resource}`];
  return text === undefined ? [] : [text];
}

/** Namespaces are marked for deletion by a code path of their own in kube-apiserver, with other words. */
export function isNamespace({ group, resource }: Resource): boolean {
  return group === "" && resource === "namespaces";
}

/** What an absent propagationPolicy means. */
export function defaultPropagation({ group, resource, strategy }: Resource): "Orphan" | "Background" | "Foreground" {
  if (group === "batch" && resource === "jobs") return "Orphan";
  return strategy.defaultPropagation ?? "Background";
}

/** What a deletion that names no propagationPolicy is warned of. */
export function deletionWarnings({ group, resource }: Resource): string[] {
  if (group !== "batch" || resource !== "jobs") return [];
  return [
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set " +
    "propagationPolicy=Orphan to suppress this warning",
  ];
}

/** The order of groups in `/apis` (kube-apiserver's priorities); others follow by name. */
const groupOrder = [
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "resource.k8s.io",
  "flowcontrol.apiserver.k8s.io",
];

export function compareGroups(a: string, b: string): number {
  const left = groupOrder.indexOf(a), right = groupOrder.indexOf(b);
  if (left >= 0 && right >= 0) return left - right;
  if (left >= 0 || right >= 0) return left >= 0 ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Kubernetes' version priority: v2 before v1 before v1beta2 before v1alpha1. */
export function compareVersions(a: string, b: string): number {
  const left = rank(a), right = rank(b);
  for (let i = 0; i < 3; i++) if (left[i] !== right[i]) return right[i]! - left[i]!;
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(version: string): [number, number, number] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return [-1, 0, 0];
  const stability = match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0;
  return [stability, Number(match[1]), Number(match[3] ?? 0)];
}
