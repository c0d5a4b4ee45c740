/** What every cluster has before anybody asks: namespaces, priority classes, the services `kubernetes` and `kube-dns`. */
import { jsonEquals } from "../machines/objects/json.ts";
import type { KubeObject } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import { ApiError } from "../machines/objects/status.ts";
import type { ApiClient, ResourceRef } from "../ports/api_client.ts";
import { apiServices, localApiServices } from "./local_api_services.ts";
import { reconcileBootstrapPolicy } from "../http/auth/bootstrap.ts";

export interface BootstrapOptions {
  readonly client: ApiClient;
  readonly serviceCidr: string;
  /** ClusterIP of `default/kubernetes`. */
  readonly apiServiceAddress: string;
  /** Where API servers are reached from pods: addresses of masters, one port. Absent: somebody else says so. */
  readonly apiServerAddresses?: readonly string[];
  readonly apiServerPort: number;
  /** ClusterIP of `kube-system/kube-dns`, and where the name servers really are. Absent: no name server runs here. */
  readonly dns?: { readonly address: string; readonly endpoints: readonly string[]; readonly port: number };
  /** For front-proxy and client certificate configuration (kube-system/extension-apiserver-authentication). */
  readonly clientAuthority: string;
  readonly frontProxyAuthority: string;
  /** Wall time in ms. */
  readonly now: number;
}

const namespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Idempotent; what people changed of it is left alone, but for endpoints. */
export async function prepareCluster(options: BootstrapOptions): Promise<void> {
  const { client } = options;
  await Promise.all(
    namespaces.map((name) =>
      ensure(client, resources.namespaces, undefined, { apiVersion: "v1", kind: "Namespace", metadata: { name } })
    ),
  );
  await Promise.all([
    reconcileBootstrapPolicy(client),
    ...priorityClasses.map((each) => ensure(client, resources.priorityClasses, undefined, each)),
    ensure(client, serviceCidrs, undefined, {
      apiVersion: "networking.k8s.io/v1",
      kind: "ServiceCIDR",
      metadata: { name: "kubernetes" },
      spec: { cidrs: [options.serviceCidr] },
    }),
    ensure(client, resources.configMaps, "kube-system", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "extension-apiserver-authentication", namespace: "kube-system" },
      data: {
        "client-ca-file": options.clientAuthority,
        "requestheader-allowed-names": '["front-proxy-client"]',
        "requestheader-client-ca-file": options.frontProxyAuthority,
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-username-headers": '["X-Remote-User"]',
      },
    }),
    ...localApiServices(options.now).map((each) => ensureWithStatus(client, apiServices, each)),
    prepareApiService(options),
    prepareDnsService(options),
  ]);
}

const serviceCidrs: ResourceRef = { group: "networking.k8s.io", version: "v1", resource: "servicecidrs" };

const priorityClasses = [
  {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "system-node-critical" },
    value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
    preemptionPolicy: "PreemptLowerPriority",
  },
  {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "system-cluster-critical" },
    value: 2_000_000_000,
    description:
      "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    preemptionPolicy: "PreemptLowerPriority",
  },
];

async function prepareApiService({ client, apiServiceAddress, apiServerAddresses, apiServerPort }: BootstrapOptions) {
  const labels = { component: "apiserver", provider: "kubernetes" };
  await ensure(client, resources.services, "default", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kubernetes", namespace: "default", labels },
    spec: {
      type: "ClusterIP",
      clusterIP: apiServiceAddress,
      clusterIPs: [apiServiceAddress],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: apiServerPort }],
    },
  });
  if (apiServerAddresses !== undefined) await keepApiServers(client, apiServerAddresses, apiServerPort);
}

/** The endpoints of the service `kubernetes`. */
export async function keepApiServers(client: ApiClient, addresses: readonly string[], port: number): Promise<void> {
  await keepEndpoints(client, "default", "kubernetes", addresses, [{ name: "https", port, protocol: "TCP" }]);
}

async function prepareDnsService({ client, dns }: BootstrapOptions) {
  if (dns === undefined) return;
  const labels = { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "kube-dns" };
  await ensure(client, resources.services, "kube-system", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kube-dns", namespace: "kube-system", labels },
    spec: {
      type: "ClusterIP",
      clusterIP: dns.address,
      ports: [
        { name: "dns", port: 53, protocol: "UDP", targetPort: dns.port },
        { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: dns.port },
      ],
    },
  });
  await keepEndpoints(client, "kube-system", "kube-dns", dns.endpoints, [
    { name: "dns", port: dns.port, protocol: "UDP" },
    { name: "dns-tcp", port: dns.port, protocol: "TCP" },
  ]);
}

/** Endpoints of a service without a selector: theirs is a fixed place, kept equal to what really is. */
async function keepEndpoints(
  client: ApiClient,
  namespace: string,
  name: string,
  addresses: readonly string[],
  ports: readonly { name: string; port: number; protocol: string }[],
) {
  const skip = { "endpointslice.kubernetes.io/skip-mirror": "true" };
  const subsets = [{ addresses: addresses.map((ip) => ({ ip })), ports }];
  const slice = {
    addressType: "IPv4",
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports,
  };
  await keep(client, resources.endpoints, namespace, {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name, namespace, labels: skip },
    subsets,
  }, ["subsets"]);
  await keep(client, resources.endpointSlices, namespace, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace, labels: { "kubernetes.io/service-name": name } },
    ...slice,
  }, ["endpoints", "ports"]);
}

type Wanted =
  & { readonly metadata: { readonly name: string; readonly [field: string]: unknown } }
  & Record<string, unknown>;

async function ensure(client: ApiClient, resource: ResourceRef, namespace: string | undefined, wanted: Wanted) {
  if (await found(client, resource, namespace, wanted.metadata.name) !== undefined) return;
  try {
    await client.create(resource, namespace, wanted);
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
  }
}

/** Where the status is not what a controller finds out, but stands from the start. */
async function ensureWithStatus(client: ApiClient, resource: ResourceRef, wanted: Wanted) {
  const { name } = wanted.metadata;
  if (await found(client, resource, undefined, name) !== undefined) return;
  await ensure(client, resource, undefined, wanted);
  const body = { status: wanted["status"] };
  await client.patch(resource, undefined, name, "merge", body, { subresource: "status" });
}

async function keep(
  client: ApiClient,
  resource: ResourceRef,
  namespace: string,
  wanted: Wanted,
  fields: readonly string[],
) {
  const existing = await found(client, resource, namespace, wanted.metadata.name);
  if (existing === undefined) return await ensure(client, resource, namespace, wanted);
  if (fields.every((field) => jsonEquals(existing[field], wanted[field]))) return;
  const change = Object.fromEntries(fields.map((field) => [field, wanted[field]]));
  await client.update(resource, { ...existing, ...change });
}

async function found(client: ApiClient, resource: ResourceRef, namespace: string | undefined, name: string) {
  try {
    return await client.get<KubeObject>(resource, namespace, name);
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}
