/** Which resources there are, by how they stand in a URL. */
import type { Resource } from "./types.ts";

/** `v1`, `apps/v1`. */
export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group === "" ? version : `${group}/${version}`;
}

export class ResourceRegistry {
  readonly #byRef = new Map<string, Resource>();
  readonly #groupVersions = new Map<string, Resource[]>();

  constructor(resources: readonly Resource[]) {
    for (const resource of resources) this.add(resource);
  }

  add(resource: Resource): void {
    const apiVersion = apiVersionOf(resource);
    const key = `${apiVersion}/${resource.resource}`;
    if (this.#byRef.has(key)) throw new Error(`Cannot register resource: "${key}" is there twice`);
    this.#byRef.set(key, resource);
    const siblings = this.#groupVersions.get(apiVersion);
    if (siblings === undefined) this.#groupVersions.set(apiVersion, [resource]);
    else siblings.push(resource);
  }

  remove(resource: Resource): void {
    const apiVersion = apiVersionOf(resource);
    this.#byRef.delete(`${apiVersion}/${resource.resource}`);
    const left = this.#groupVersions.get(apiVersion)?.filter((sibling) => sibling.resource !== resource.resource) ?? [];
    if (left.length > 0) this.#groupVersions.set(apiVersion, left);
    else this.#groupVersions.delete(apiVersion);
  }

  find(group: string, version: string, resource: string): Resource | undefined {
    return this.#byRef.get(group === "" ? `${version}/${resource}` : `${group}/${version}/${resource}`);
  }

  /** A row of a resource's subresources. What every object of the language has is none. */
  subresource(
    place: {
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly subresource: string;
    },
  ): Resource["subresources"][string] | undefined {
    const { subresources = {} } = this.find(place.group, place.version, place.resource) ?? {};
    return Object.hasOwn(subresources, place.subresource) ? subresources[place.subresource] : undefined;
  }

  /** The resources of a group version; undefined when it is not served. */
  inGroupVersion(group: string, version: string): readonly Resource[] | undefined {
    return this.#groupVersions.get(apiVersionOf({ group, version }));
  }

  hasGroup(group: string): boolean {
    return this.all().some((resource) => resource.group === group);
  }

  all(): readonly Resource[] {
    return [...this.#byRef.values()];
  }

  /** The resource in whose form the objects are stored. */
  storageOf(resource: Resource): Resource {
    const { storedAs } = resource;
    if (storedAs === undefined) return resource;
    const stored = this.find(storedAs.group, storedAs.version, storedAs.resource);
    if (stored === undefined) {
      throw new Error(`Cannot store ${resource.resource}: ${storedAs.group}/${storedAs.version} is not registered`);
    }
    return stored;
  }
}

const root = "/registry/";

/** The prefix of a resource's keys, with a slash at its end. */
export function keyPrefix(resource: Resource): string {
  const group = resource.storagePrefix ?? resource.group;
  return group === "" ? `${root}${resource.resource}/` : `${root}${group}/${resource.resource}/`;
}

export function objectKey(resource: Resource, namespace: string, name: string): string {
  const prefix = keyPrefix(resource);
  return resource.namespaced ? `${prefix}${namespace}/${name}` : `${prefix}${name}`;
}
