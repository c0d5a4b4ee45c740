/** What every namespace gets: the service account `default` and the ConfigMap with the cluster's CA. */
import type { ConfigMap, Namespace, ServiceAccount } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { type Controller, ownKey, type Plan } from "../controller.ts";

const rootCa = "kube-root-ca.crt";

/** Keys are names of namespaces. */
export const serviceAccountController: Controller = {
  name: "serviceaccount-controller",
  account: "service-account-controller",
  watches: [
    { resource: resources.namespaces, keys: ownKey },
    {
      resource: resources.serviceAccounts,
      keys: ({ metadata }) => metadata.name === "default" ? [metadata.namespace ?? ""] : [],
    },
  ],
  plan(key, caches): Plan | undefined {
    const namespace = caches.of<Namespace>(resources.namespaces).get(key);
    if (namespace === undefined) return undefined;
    if (isEnding(namespace)) return { writes: [] };
    if (caches.of<ServiceAccount>(resources.serviceAccounts).get(`${key}/default`) !== undefined) return { writes: [] };
    const object = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: key } };
    return { writes: [{ type: "create", resource: resources.serviceAccounts, object, existsIsFine: true }] };
  },
};

/** `certificate`: the CA that signed the API server's certificate, as PEM. Keys are names of namespaces. */
export function rootCaController(certificate: string): Controller {
  return {
    name: "root-ca-certificate-publisher-controller",
    account: "root-ca-cert-publisher",
    watches: [
      { resource: resources.namespaces, keys: ownKey },
      {
        resource: resources.configMaps,
        keys: ({ metadata }) => metadata.name === rootCa ? [metadata.namespace ?? ""] : [],
      },
    ],
    plan(key, caches): Plan | undefined {
      const namespace = caches.of<Namespace>(resources.namespaces).get(key);
      if (namespace === undefined) return undefined;
      if (isEnding(namespace)) return { writes: [] };
      const existing = caches.of<ConfigMap>(resources.configMaps).get(`${key}/${rootCa}`);
      const data = { "ca.crt": certificate };
      if (existing === undefined) {
        const description = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal " +
          "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across " +
          "distributions of Kubernetes clusters.";
        const metadata = { name: rootCa, namespace: key, annotations: { "kubernetes.io/description": description } };
        const object = { apiVersion: "v1", kind: "ConfigMap", metadata, data };
        return { writes: [{ type: "create", resource: resources.configMaps, object, existsIsFine: true }] };
      }
      if (existing.data?.["ca.crt"] === certificate) return { writes: [] };
      return { writes: [{ type: "update", resource: resources.configMaps, object: { ...existing, data } }] };
    },
  };
}

function isEnding(namespace: Namespace): boolean {
  return namespace.metadata.deletionTimestamp !== undefined;
}
