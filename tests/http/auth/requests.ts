/** Requests as authorization sees them, written short. */
import type { RequestAttributes, Resource, SubresourceRequest, UserInfo } from "../../../http/machinery/types.ts";
import type { ApiClient } from "../../../ports/api_client.ts";

export function user(name: string, ...groups: string[]): UserInfo {
  return { name, groups };
}

/** `get pods/log x in default`, `list apps/deployments in default`, `get /metrics`. */
export function request(who: UserInfo, text: string): RequestAttributes {
  const base = {
    user: who,
    path: "",
    group: "",
    version: "v1",
    resource: "",
    subresource: "",
    namespace: "",
    name: "",
    resourceRequest: true,
  };
  const path = /^(\S+) (\/\S*)$/.exec(text);
  if (path !== null) return { ...base, verb: path[1]!, path: path[2]!, resourceRequest: false };
  const parts = /^(\S+) (?:([a-z0-9.]*):)?([^\s/]+)(?:\/(\S+))?(?: (\S+))??(?: in (\S+))?$/.exec(text);
  if (parts === null) throw new Error(`Cannot read request: ${JSON.stringify(text)}`);
  const [, verb, group = "", resource, subresource = "", name = "", namespace = ""] = parts;
  return { ...base, verb: verb!, group, resource: resource!, subresource, name, namespace };
}

export function subresourceRequest(
  client: ApiClient,
  attributes: RequestAttributes,
  kind: string,
  body: object,
): SubresourceRequest {
  return {
    attributes,
    resource: { group: attributes.group, version: "v1", kind, resource: attributes.resource } as Resource,
    namespace: attributes.namespace,
    name: attributes.name,
    body: body as NonNullable<SubresourceRequest["body"]>,
    query: new URLSearchParams(),
    dryRun: false,
    now: "2026-11-22T20:00:00Z",
    client,
    update: () => Promise.reject(new Error("Cannot update: this request has no object")),
  };
}
