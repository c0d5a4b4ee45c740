/** Who gets which certificate: the names and groups that the bootstrap policy gives rights to. */
import type { Subject } from "./issue.ts";

/** Component name → its client certificate's subject. `admin` is kubeadm's super-admin: always allowed everything. */
export const componentSubjects = {
  "admin": client("kubernetes-admin", "kubeadm:cluster-admins"),
  "super-admin": client("kubernetes-super-admin", "system:masters"),
  "scheduler": client("system:kube-scheduler"),
  "controller-manager": client("system:kube-controller-manager"),
  "kube-proxy": client("system:kube-proxy"),
  "apiserver-kubelet-client": client("kube-apiserver-kubelet-client", "kubeadm:cluster-admins"),
  "front-proxy-client": client("front-proxy-client"),
} as const satisfies Record<string, Subject>;

/** A node's kubelet, as a client of the API. */
export function kubeletSubject(nodeName: string): Subject {
  return client(`system:node:${nodeName}`, "system:nodes");
}

/** A kubelet's own server. */
export function kubeletServingSubject(nodeName: string, addresses: readonly string[]): Subject {
  return {
    commonName: `system:node:${nodeName}`,
    organizations: ["system:nodes"],
    usages: ["server"],
    dnsNames: [nodeName],
    ipAddresses: addresses,
  };
}

/** The API server's serving certificate: its names in the cluster, localhost and every address it listens on. */
export function apiServerSubject(
  options: {
    readonly addresses: readonly string[];
    readonly names?: readonly string[];
    readonly serviceAddress: string;
    readonly clusterDomain?: string;
  },
): Subject {
  const domain = options.clusterDomain ?? "cluster.local";
  const inCluster = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", `kubernetes.default.svc.${domain}`];
  return {
    commonName: "kube-apiserver",
    usages: ["server"],
    dnsNames: [...new Set([...inCluster, "localhost", ...(options.names ?? [])])],
    ipAddresses: [...new Set(["127.0.0.1", options.serviceAddress, ...options.addresses])],
  };
}

function client(commonName: string, ...organizations: string[]): Subject {
  return { commonName, organizations, usages: ["client"] };
}
