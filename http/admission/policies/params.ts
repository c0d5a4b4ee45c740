/** The objects that a binding parameterizes its policy with. */
import { formatSelector, type LabelSelectorObject, requirementsOf } from "../../../machines/objects/label_selector.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import type { ApiClient } from "../../../ports/api_client.ts";
import type { ResourceRegistry } from "../../machinery/resource_registry.ts";
import { apiVersionOf } from "../../machinery/resource_registry.ts";
import type { Resource } from "../../machinery/types.ts";
import { fields, has, text } from "../../resources/fields.ts";

/** Why a policy or binding cannot be used as it is written. */
export class ConfigurationError extends Error {}

export class Params {
  constructor(readonly registry: ResourceRegistry, readonly client: ApiClient) {}

  /** The policy's kind of parameters; undefined: it takes none. @throws ConfigurationError for an unknown kind. */
  resourceOf(policy: KubeObject): Resource | undefined {
    const given = fields(policy["spec"])["paramKind"];
    if (!has(given)) return undefined;
    const { apiVersion, kind } = fields(given);
    const found = this.registry.all().find((row) => row.kind === kind && apiVersionOf(row) === apiVersion);
    if (found !== undefined) return found;
    throw new ConfigurationError(
      `failed to find resource referenced by paramKind: '${text(apiVersion)}, Kind=${text(kind)}'`,
    );
  }

  /**
   * One evaluation for each of them; `undefined` in the list: one without parameters.
   *
   * @throws ConfigurationError
   */
  async collect(
    resource: Resource | undefined,
    binding: KubeObject,
    namespace: string,
  ): Promise<readonly (KubeObject | undefined)[]> {
    const given = fields(binding["spec"])["paramRef"];
    if (resource === undefined || !has(given)) return [undefined];
    const reference = fields(given);
    const own = text(reference["namespace"]);
    if (!resource.namespaced && own !== "") {
      throw new ConfigurationError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
    }
    const place = own === "" ? namespace : own;
    if (resource.namespaced && place === "") {
      throw new ConfigurationError(
        "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
      );
    }
    const found = await this.#find(resource, resource.namespaced ? place : undefined, reference);
    if (found.length === 0 && reference["parameterNotFoundAction"] === "Deny") {
      throw new ConfigurationError("no params found for policy binding with `Deny` parameterNotFoundAction");
    }
    return found;
  }

  async #find(
    resource: Resource,
    namespace: string | undefined,
    reference: Record<string, unknown>,
  ): Promise<readonly KubeObject[]> {
    const name = text(reference["name"]);
    if (name === "") {
      const requirements = requirementsOf(fields(reference["selector"]) as LabelSelectorObject) ?? [];
      const { items } = await this.client.list<KubeObject>(resource, {
        ...(namespace === undefined ? {} : { namespace }),
        ...(requirements.length === 0 ? {} : { labelSelector: formatSelector(requirements) }),
      });
      return items;
    }
    try {
      return [await this.client.get<KubeObject>(resource, namespace, name)];
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return [];
      throw error;
    }
  }
}
