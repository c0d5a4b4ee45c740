/** What policies need of the server they judge for. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import { notFound } from "../../machinery/errors.ts";
import type { ResourceRegistry } from "../../machinery/resource_registry.ts";
import type { AdmissionRequest, Authorizer } from "../../machinery/types.ts";
import type { ResourceCopy } from "../../auth/follow_resource.ts";
import type { ApiClient } from "../../../ports/api_client.ts";
import { RequestMatcher } from "../matching.ts";
import { Params } from "./params.ts";

export class PolicyContext {
  readonly matcher: RequestMatcher;
  readonly params: Params;

  constructor(
    registry: ResourceRegistry,
    client: ApiClient,
    readonly namespaces: ResourceCopy,
    readonly authorizer: Authorizer,
  ) {
    this.matcher = new RequestMatcher(registry, namespaces);
    this.params = new Params(registry, client);
  }

  /** The namespace of what is written; undefined for namespaces themselves and what is in none. @throws ApiError 404 */
  async namespaceOf({ attributes: { namespace } }: AdmissionRequest): Promise<KubeObject | undefined> {
    if (namespace === "") return undefined;
    const found = await this.namespaces.find(undefined, namespace);
    if (found === undefined) throw notFound({ group: "", resource: "namespaces" }, namespace);
    return found;
  }
}
