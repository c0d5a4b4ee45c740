/** Labels that tell EndpointSlices apart: who writes one, and which service it is of. */
export const managedBy = "endpointslice.kubernetes.io/managed-by";
export const serviceName = "kubernetes.io/service-name";
