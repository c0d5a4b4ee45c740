/** What this server serves: `/api`, `/apis`, group versions, and all of it in one document (aggregated discovery). */
import { sha256 } from "./sha256.ts";
import { compareGroups, compareVersions, storedVersion } from "./resource_facts.ts";
import { apiVersionOf, type ResourceRegistry } from "./resource_registry.ts";
import type { Resource, Verb } from "./types.ts";

const byName = (a: { resource: string }, b: { resource: string }) => (a.resource < b.resource ? -1 : 1);

function sortedVerbs(verbs: readonly Verb[]): string[] {
  return [...verbs].sort();
}

/** Groups other than core, in kube-apiserver's order, with their versions, best first. */
export function groupsOf(registry: ResourceRegistry): { group: string; versions: string[] }[] {
  const versions = new Map<string, Set<string>>();
  for (const { group, version } of registry.all()) {
    const known = versions.get(group);
    if (known === undefined) versions.set(group, new Set([version]));
    else known.add(version);
  }
  return [...versions].filter(([group]) => group !== "").sort(([a], [b]) => compareGroups(a, b))
    .map(([group, found]) => ({ group, versions: [...found].sort(compareVersions) }));
}

export function apiVersions(serverAddress: string): unknown {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

function groupDocument({ group, versions }: { group: string; versions: string[] }) {
  const all = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: all, preferredVersion: all[0] };
}

export function apiGroupList(registry: ResourceRegistry): unknown {
  return { kind: "APIGroupList", apiVersion: "v1", groups: groupsOf(registry).map(groupDocument) };
}

export function apiGroup(registry: ResourceRegistry, name: string): unknown {
  const found = groupsOf(registry).find(({ group }) => group === name);
  return found === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...groupDocument(found) };
}

export function apiResourceList(registry: ResourceRegistry, group: string, version: string): unknown {
  const found = registry.inGroupVersion(group, version);
  if (found === undefined) return undefined;
  const resources = [...found].sort(byName).flatMap((resource) => resourceDocuments(registry, resource));
  return {
    kind: "APIResourceList",
    ...(group === "" ? {} : { apiVersion: "v1" }),
    groupVersion: apiVersionOf({ group, version }),
    resources,
  };
}

function resourceDocuments(registry: ResourceRegistry, resource: Resource): unknown[] {
  const { namespaced, shortNames, categories } = resource;
  const documents: unknown[] = [{
    name: resource.resource,
    singularName: resource.singular,
    namespaced,
    kind: resource.kind,
    verbs: sortedVerbs(resource.verbs),
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...storageVersion(registry, resource),
  }];
  for (const name of Object.keys(resource.subresources).sort()) {
    const { verbs, kind } = resource.subresources[name]!;
    const foreign = kind !== undefined && (kind.group !== resource.group || kind.version !== resource.version);
    documents.push({
      name: `${resource.resource}/${name}`,
      singularName: "",
      namespaced,
      ...(foreign ? { group: kind.group, version: kind.version } : {}),
      kind: kind?.kind ?? resource.kind,
      verbs: sortedVerbs(verbs),
    });
  }
  return documents;
}

/** The hash by which clients tell that a resource is stored in another version than before. */
function storageVersion(registry: ResourceRegistry, resource: Resource): { storageVersionHash?: string } {
  if (resource.answer !== undefined || !resource.verbs.includes("list")) return {};
  const stored = registry.storageOf(resource);
  const named = `${stored.group}/${storedVersion(stored)}/${stored.kind}`;
  return { storageVersionHash: sha256(named).subarray(0, 8).toBase64() };
}

/** `/api` or `/apis` as an APIGroupDiscoveryList. */
export function aggregatedDiscovery(registry: ResourceRegistry, core: boolean): unknown {
  const groups = core ? [{ group: "", versions: ["v1"] }] : groupsOf(registry);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: group === "" ? {} : { name: group },
      versions: versions.map((version) => ({
        version,
        resources: [...registry.inGroupVersion(group, version) ?? []].sort(byName).map(discovered),
        freshness: "Current",
      })),
    })),
  };
}

function discovered(resource: Resource): unknown {
  const { shortNames, categories } = resource;
  const subresources = Object.keys(resource.subresources).sort().map((name) => {
    const { verbs, kind } = resource.subresources[name]!;
    const foreign = kind !== undefined && (kind.group !== resource.group || kind.version !== resource.version);
    return {
      subresource: name,
      responseKind: {
        group: foreign ? kind.group : "",
        version: foreign ? kind.version : "",
        kind: kind?.kind ?? resource.kind,
      },
      verbs: sortedVerbs(verbs),
    };
  });
  return {
    resource: resource.resource,
    responseKind: { group: "", version: "", kind: resource.kind },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: sortedVerbs(resource.verbs),
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}
