/** Labels of the objects that actors look after, as the API server's caches have them. */
import { lookedAfterBy } from "../http/inspector/actor_access.ts";
import type { Api } from "../http/machinery/api.ts";
import type { ActorRow } from "../ports/inspection.ts";

export type Labels = Readonly<Record<string, string>>;

export function objectLabels({ registry, cache }: Api): (row: ActorRow) => Labels | undefined {
  return ({ kind, namespace = "", name = "", node }) => {
    const place = lookedAfterBy(kind);
    if (place === undefined) return undefined;
    const resource = registry.find(place.group, "v1", place.resource);
    if (resource === undefined) return undefined;
    // A pod's containers and probes bear its name and their own: `web-0:app`.
    const object = name.split(":")[0] || node;
    return cache.of(resource).get(resource.namespaced ? namespace : "", object)?.object.metadata.labels;
  };
}
