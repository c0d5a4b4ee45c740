/** What is stored and not acted upon yet says so to whoever creates it: nothing is ignored in silence. */
import type { AdmissionPlugin } from "../machinery/types.ts";

/** Group and resource to what does not happen. */
const inVain: Readonly<Record<string, string>> = {
  "/persistentvolumeclaims": "no volume is bound or provisioned",
  "/persistentvolumes": "no claim is bound to it",
  "autoscaling/horizontalpodautoscalers": "nothing is scaled, for want of metrics",
  "networking.k8s.io/networkpolicies": "no packet is dropped",
  "resource.k8s.io/resourceclaims": "no device is allocated",
  "resource.k8s.io/resourceclaimtemplates": "no device is allocated",
};

export const unenforced: AdmissionPlugin = {
  name: "Unenforced",
  validate(request) {
    const { operation, resource } = request;
    if (operation !== "CREATE") return;
    const why = inVain[`${resource.group}/${resource.resource}`];
    if (why !== undefined) request.warn(`Chartroom stores this object and does not act upon it yet: ${why}`);
  },
};
