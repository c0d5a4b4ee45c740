/** Empties a namespace that is being deleted, then lets it go (Kubernetes docs, "Namespaces"; namespace finalizers). */
import { jsonEquals } from "../../objects/json.ts";
import type { KubeObject, Namespace } from "../../objects/object.ts";
import { resourceName, resources } from "../../objects/resources.ts";
import { formatTime } from "../../objects/time.ts";
import { type Caches, type Controller, ownKey, type Plan, type Write } from "../controller.ts";
import type { ResourceKind, ResourceTable } from "../resource_table.ts";

const finalizer = "kubernetes";

interface Content {
  readonly kind: ResourceKind;
  readonly objects: readonly KubeObject[];
}

export function namespaceController(table: ResourceTable): Controller {
  const namespaced = table.all.filter((each) => each.namespaced);
  return {
    name: "namespace-controller",
    account: "namespace-controller",
    watches: [
      { resource: resources.namespaces, keys: ownKey },
      ...namespaced.map(({ resource }) => ({
        resource,
        // Only what leaves, or appears in, a namespace that is going away matters.
        keys: ({ metadata: { namespace = "" } }: KubeObject, _: KubeObject | undefined, caches: Caches) =>
          caches.of<Namespace>(resources.namespaces).get(namespace)?.metadata.deletionTimestamp ? [namespace] : [],
      })),
    ],
    plan(key, caches, { now }): Plan | undefined {
      const namespace = caches.of<Namespace>(resources.namespaces).get(key);
      if (namespace === undefined) return undefined;
      if (namespace.metadata.deletionTimestamp === undefined) return { writes: [] };
      const contents: Content[] = namespaced
        .map((kind) => ({ kind, objects: caches.of(kind.resource).inNamespace(key) }))
        .filter(({ objects }) => objects.length > 0);
      const status = statusWrites(namespace, contents, now);
      // Said before done: what was said last of a namespace is that nothing is left in it.
      if (contents.length === 0) return { writes: status.length > 0 ? status : [finalize(namespace, namespaced)] };
      const deletions = contents.flatMap(({ kind, objects }) =>
        objects.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map((object) => remove(kind, object))
      );
      return { writes: [...(deletions.length > 0 ? [deletions] : []), ...status], waitsFor: remaining(contents) };
    },
  };
}

function remove({ resource }: ResourceKind, { metadata: { namespace = "", name, uid } }: KubeObject): Write {
  return { type: "delete", resource, namespace, name, uid, propagation: "Background" };
}

function finalize(namespace: Namespace, namespaced: readonly ResourceKind[]): Write {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((each) => each !== finalizer);
  return {
    type: "update",
    resource: resources.namespaces,
    object: { ...namespace, spec: { ...namespace.spec, finalizers } },
    subresource: "finalize",
    // The caches may not know yet of what was created a moment before the namespace was closed.
    absent: namespaced.map(({ resource }) => ({ resource, namespace: namespace.metadata.name })),
  };
}

function remaining(contents: readonly Content[]): string {
  const counts = contents.map(({ kind, objects }) =>
    `${resourceName(kind.resource)}. has ${objects.length} resource instances`
  );
  return `Some resources are remaining: ${counts.sort().join(", ")}`;
}

function finalizersRemaining(contents: readonly Content[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { metadata } of contents.flatMap(({ objects }) => objects)) {
    for (const each of metadata.finalizers ?? []) counts.set(each, (counts.get(each) ?? 0) + 1);
  }
  if (counts.size === 0) return undefined;
  const said = [...counts].map(([name, count]) => `${name} in ${count} resource instances`).sort().join(", ");
  return `Some content in the namespace has finalizers remaining: ${said}`;
}

type Condition = NonNullable<NonNullable<Namespace["status"]>["conditions"]>[number];

function statusWrites(namespace: Namespace, contents: readonly Content[], now: number): Write[] {
  const finalizers = finalizersRemaining(contents);
  const rows: [type: string, problem: boolean, reason: string, message: string][] = [
    ["NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", "All resources successfully discovered"],
    [
      "NamespaceDeletionGroupVersionParsingFailure",
      false,
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ],
    [
      "NamespaceDeletionContentFailure",
      false,
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ],
    contents.length > 0
      ? ["NamespaceContentRemaining", true, "SomeResourcesRemain", remaining(contents)]
      : ["NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed"],
    finalizers !== undefined
      ? ["NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", finalizers]
      : ["NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers", "All content-preserving finalizers finished"],
  ];
  const before = namespace.status?.conditions ?? [];
  const conditions = rows.map(([type, problem, reason, message]): Condition => {
    const status = problem ? "True" : "False";
    const old = before.find((each) => each.type === type);
    if (old?.status === status && old.reason === reason && old.message === message) return old;
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime ?? formatTime(now) : formatTime(now);
    return { type, status, lastTransitionTime, reason, message };
  });
  if (jsonEquals(conditions, before)) return [];
  const object = { ...namespace, status: { ...namespace.status, phase: "Terminating", conditions } };
  return [{ type: "update", resource: resources.namespaces, object, subresource: "status" }];
}
