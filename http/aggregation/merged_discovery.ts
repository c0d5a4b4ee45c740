/** Discovery documents with what other servers provide: groups and versions beside the server's own. */
import { isObject } from "../../machines/objects/json.ts";
import { fields, list, text } from "../resources/fields.ts";
import type { Provided } from "./api_services.ts";

interface Group {
  readonly name: string;
  readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
  readonly preferredVersion: { readonly groupVersion: string; readonly version: string };
}

function groupsOf(provided: readonly Provided[]): Group[] {
  const groups = new Map<string, { groupVersion: string; version: string }[]>();
  for (const { service: { spec: { group = "", version } } } of provided) {
    const one = { groupVersion: `${group}/${version}`, version };
    const known = groups.get(group);
    if (known === undefined) groups.set(group, [one]);
    else known.push(one);
  }
  return [...groups].map(([name, versions]) => ({ name, versions, preferredVersion: versions[0]! }));
}

/** An APIGroup; versions of the server's own come first. */
export function mergedGroup(own: unknown, name: string, provided: readonly Provided[]): unknown {
  const found = groupsOf(provided).find((each) => each.name === name);
  if (found === undefined) return own;
  if (!isObject(own)) return { kind: "APIGroup", apiVersion: "v1", ...found };
  return { ...own, versions: [...list(own["versions"]), ...found.versions] };
}

export function mergedGroupList(own: unknown, provided: readonly Provided[]): unknown {
  const groups = list(fields(own)["groups"]);
  const names = new Set(groups.map((each) => text(each["name"])));
  const foreign = groupsOf(provided);
  return {
    ...fields(own),
    groups: [
      ...groups.map((group) => {
        const found = foreign.find(({ name }) => name === group["name"]);
        return found === undefined ? group : { ...group, versions: [...list(group["versions"]), ...found.versions] };
      }),
      ...foreign.filter(({ name }) => !names.has(name)),
    ],
  };
}

/** An APIGroupDiscoveryList; what is not reached at the moment is stale. */
export function mergedDiscovery(own: unknown, provided: readonly Provided[]): unknown {
  const items = list(fields(own)["items"]);
  const merged = items.map((item) => ({ ...item, versions: list(item["versions"]) }));
  for (const { service: { spec: { group = "", version } }, discovery, isAvailable } of provided) {
    const found = {
      version,
      resources: discovered(discovery),
      freshness: isAvailable ? "Current" : "Stale",
    };
    const known = merged.find((item) => text(fields((item as Record<string, unknown>)["metadata"])["name"]) === group);
    if (known === undefined) {
      merged.push({ metadata: { name: group }, versions: [found] } as unknown as typeof merged[number]);
    } else known.versions = [...known.versions, found];
  }
  return { ...fields(own), items: merged };
}

/** An APIResourceList as the newer form tells it: subresources below their resources. */
function discovered(discovery: unknown): unknown[] {
  const resources = list(fields(discovery)["resources"]);
  const kindOf = (each: Record<string, unknown>) => ({
    group: text(each["group"]),
    version: text(each["version"]),
    kind: text(each["kind"]),
  });
  return resources.filter(({ name }) => !text(name).includes("/")).map((each) => {
    const { name, namespaced, singularName, verbs, shortNames, categories } = each;
    const subresources = resources.filter((other) => text(other["name"]).startsWith(`${name}/`)).map((other) => ({
      subresource: text(other["name"]).slice(text(name).length + 1),
      responseKind: kindOf(other),
      verbs: other["verbs"],
    }));
    return {
      resource: name,
      responseKind: kindOf(each),
      scope: namespaced === true ? "Namespaced" : "Cluster",
      singularResource: text(singularName),
      verbs,
      ...(shortNames === undefined ? {} : { shortNames }),
      ...(categories === undefined ? {} : { categories }),
      ...(subresources.length === 0 ? {} : { subresources }),
    };
  });
}
