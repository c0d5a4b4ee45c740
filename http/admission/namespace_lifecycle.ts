/** Nothing is made in a namespace that is not there or is going; the first namespaces cannot be deleted. */
import { ApiError } from "../../machines/objects/status.ts";
import { forbidden, notFound } from "../machinery/errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../machinery/types.ts";
import type { ClusterState } from "./cluster_state.ts";

const lasting = new Set(["default", "kube-system", "kube-public"]);
const namespaces = { group: "", resource: "namespaces" };

export function namespaceLifecycle({ namespaces: known }: Pick<ClusterState, "namespaces">): AdmissionPlugin {
  function check(request: AdmissionRequest): Promise<void> | void {
    const { attributes, operation, resource } = request;
    if (attributes.group === "" && attributes.resource === "namespaces") {
      if (operation === "DELETE" && attributes.subresource === "" && lasting.has(attributes.name)) {
        throw forbidden(namespaces, attributes.name, "this namespace may not be deleted");
      }
      return;
    }
    if (operation === "DELETE" || !resource.namespaced || attributes.namespace === "") return;
    // Whoever asks what he may in a namespace may ask before it exists.
    if (attributes.group === "authorization.k8s.io") return;
    const namespace = known.known(undefined, attributes.namespace);
    if (namespace !== undefined && !isTerminating(namespace)) return;
    return lookTwice(request);
  }

  return {
    name: "NamespaceLifecycle",
    // Before anything is filled in, or what is filled in would be looked up in a namespace that is not there.
    admit: check,
    validate: (request) => request.operation === "DELETE" ? check(request) : undefined,
  };

  /** A copy that lags is not believed when it says no: a namespace made a moment ago must be found. */
  async function lookTwice({ attributes, operation }: AdmissionRequest): Promise<void> {
    const namespace = await known.live(undefined, attributes.namespace);
    if (namespace === undefined) throw notFound(namespaces, attributes.namespace);
    if (operation !== "CREATE" || !isTerminating(namespace)) return;
    const why = `unable to create new content in namespace ${attributes.namespace} because it is being terminated`;
    const error = forbidden(attributes, attributes.name, why);
    const cause = {
      reason: "NamespaceTerminating",
      message: `namespace ${attributes.namespace} is being terminated`,
      field: "metadata.namespace",
    };
    throw ApiError.from({ ...error.status, details: { ...error.status.details, causes: [cause] } });
  }
}

function isTerminating(namespace: { metadata: { deletionTimestamp?: string }; status?: unknown }): boolean {
  const { phase } = (namespace.status ?? {}) as { phase?: string };
  return phase === "Terminating" || namespace.metadata.deletionTimestamp !== undefined;
}
