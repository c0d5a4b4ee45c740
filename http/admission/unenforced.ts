/** What is stored and not acted upon yet says so to whoever writes it: nothing is ignored in silence. */
import type { AdmissionPlugin, AdmissionRequest } from "../machinery/types.ts";

export const unenforced: AdmissionPlugin = {
  name: "Unenforced",
  validate(request) {
    if (request.operation !== "CREATE" && request.operation !== "UPDATE") return;
    const why = whyInVain(request);
    if (why !== undefined) request.warn(`Chartroom stores this object and does not act upon it yet: ${why}`);
  },
};

function whyInVain({ resource, object }: AdmissionRequest): string | undefined {
  const { group } = resource;
  const place = `${group}/${resource.resource}`;
  const spec = object?.spec as { service?: unknown } | undefined;
  if (place === "apiregistration.k8s.io/apiservices" && spec?.service) return "aggregated APIs are not proxied";
  return undefined;
}
