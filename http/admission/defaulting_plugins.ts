/** Small plugins that put something into an object that is made. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { ResourceCopy } from "../auth/follow_resource.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../machinery/types.ts";
import type { ClusterState } from "./cluster_state.ts";

function isCreateOf({ attributes, operation }: AdmissionRequest, group: string, resource: string): boolean {
  return operation === "CREATE" && attributes.group === group && attributes.resource === resource &&
    attributes.subresource === "";
}

/** A new node takes no pods until it has reported that it is ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  admit(request) {
    if (!isCreateOf(request, "", "nodes") || request.object === undefined) return;
    const spec = (request.object["spec"] ??= {}) as { taints?: { key: string; effect: string }[] };
    const taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
    if ((spec.taints ?? []).some(({ key, effect }) => key === taint.key && effect === taint.effect)) return;
    spec.taints = [...spec.taints ?? [], taint];
  },
};

const protections: Readonly<Record<string, string>> = {
  persistentvolumes: "kubernetes.io/pv-protection",
  persistentvolumeclaims: "kubernetes.io/pvc-protection",
};

/** Volumes and claims go only when nobody uses them any more: controllers take the finalizer away then. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  admit(request) {
    const finalizer = protections[request.attributes.resource];
    if (finalizer === undefined || !isCreateOf(request, "", request.attributes.resource)) return;
    const metadata = request.object?.metadata;
    if (metadata === undefined || metadata.finalizers?.includes(finalizer)) return;
    metadata.finalizers = [...metadata.finalizers ?? [], finalizer];
  },
};

/** A claim without a class gets the default one. */
export function defaultStorageClass({ storageClasses }: Pick<ClusterState, "storageClasses">): AdmissionPlugin {
  return {
    name: "DefaultStorageClass",
    admit(request) {
      if (!isCreateOf(request, "", "persistentvolumeclaims") || request.object === undefined) return;
      const spec = (request.object["spec"] ??= {}) as { storageClassName?: string | null };
      // An empty name means: no class, on purpose.
      if (spec.storageClassName !== undefined && spec.storageClassName !== null) return;
      if (request.object.metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] !== undefined) return;
      const found = newestDefault(storageClasses, [
        "storageclass.kubernetes.io/is-default-class",
        "storageclass.beta.kubernetes.io/is-default-class",
      ]);
      if (found !== undefined) spec.storageClassName = found.metadata.name;
    },
  };
}

/** An ingress without a class gets the default one. */
export function defaultIngressClass({ ingressClasses }: Pick<ClusterState, "ingressClasses">): AdmissionPlugin {
  return {
    name: "DefaultIngressClass",
    admit(request) {
      if (!isCreateOf(request, "networking.k8s.io", "ingresses") || request.object === undefined) return;
      const spec = (request.object["spec"] ??= {}) as { ingressClassName?: string };
      if (spec.ingressClassName !== undefined) return;
      if (request.object.metadata.annotations?.["kubernetes.io/ingress.class"] !== undefined) return;
      const found = newestDefault(ingressClasses, ["ingressclass.kubernetes.io/is-default-class"]);
      if (found !== undefined) spec.ingressClassName = found.metadata.name;
    },
  };
}

/** Where several are marked, the one made last; of one age, the first by name. */
function newestDefault(classes: ResourceCopy<KubeObject>, annotations: readonly string[]): KubeObject | undefined {
  const marked = [...classes.values()].filter(({ metadata }) =>
    annotations.some((annotation) => metadata.annotations?.[annotation] === "true")
  );
  return marked.sort((a, b) => {
    const [newer, older] = [b.metadata.creationTimestamp, a.metadata.creationTimestamp];
    return newer === older ? (a.metadata.name < b.metadata.name ? -1 : 1) : newer > older ? 1 : -1;
  })[0];
}
