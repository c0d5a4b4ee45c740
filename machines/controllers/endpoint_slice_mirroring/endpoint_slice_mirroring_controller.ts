/**
 * Mirrors Endpoints that people write for services without a selector as EndpointSlices, which is what proxies and name
 * servers read (Kubernetes docs, "Service": Services without selectors; KEP-752).
 */
import { jsonEquals } from "../../objects/json.ts";
import type { Endpoints, EndpointSlice, Service } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { type Controller, ownKey, type Plan, type Write } from "../controller.ts";
import { managedBy, serviceName } from "../endpoints/endpoint_slice_labels.ts";
import { hasSelector } from "../endpoints/service_ports.ts";
import { controllerReference } from "../ownership.ts";

const manager = "endpointslicemirroring-controller.k8s.io";
const skipMirror = "endpointslice.kubernetes.io/skip-mirror";
/** Endpoints that serve an old leader election, not a service. */
const leaderElection = "control-plane.alpha.kubernetes.io/leader";
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
/** kube-controller-manager's --mirroring-max-endpoints-per-subset. */
const perSubset = 1000;

type Subset = NonNullable<Endpoints["subsets"]>[number];
type Contents = Pick<EndpointSlice, "addressType" | "endpoints" | "ports">;

/** Keys are names of services and of the Endpoints that bear the same. */
export const endpointSliceMirroringController: Controller = {
  name: "endpointslice-mirroring-controller",
  account: "endpointslicemirroring-controller",
  watches: [
    { resource: resources.endpoints, keys: ownKey },
    { resource: resources.services, keys: ownKey },
    {
      resource: resources.endpointSlices,
      keys: ({ metadata: { namespace, labels } }) =>
        labels?.[managedBy] === manager ? [`${namespace}/${labels[serviceName]}`] : [],
    },
  ],
  plan(key, caches): Plan | undefined {
    const [namespace = "", name = ""] = key.split("/");
    const service = caches.of<Service>(resources.services).get(key);
    const endpoints = caches.of<Endpoints>(resources.endpoints).get(key);
    const existing = caches.of<EndpointSlice>(resources.endpointSlices).inNamespace(namespace)
      .filter(({ metadata: { labels } }) => labels?.[managedBy] === manager && labels[serviceName] === name);
    if (endpoints === undefined && existing.length === 0) return undefined;
    if (endpoints === undefined || service === undefined || hasSelector(service) || !isMirrored(endpoints)) {
      return { writes: existing.map(remove) };
    }
    return { writes: mirror(endpoints, existing) };
  },
};

function isMirrored({ metadata: { labels, annotations } }: Endpoints): boolean {
  return labels?.[skipMirror] !== "true" && annotations?.[leaderElection] === undefined;
}

function mirror(endpoints: Endpoints, existing: readonly EndpointSlice[]): Write[] {
  const free = new Set(existing);
  const writes: Write[] = [];
  for (const wanted of (endpoints.subsets ?? []).flatMap(contentsOf)) {
    // A slice with the same ports is kept: its readers see one changed object, not one gone and another come.
    const kept = [...free].find((slice) =>
      slice.addressType === wanted.addressType && jsonEquals(slice.ports, wanted.ports)
    );
    if (kept === undefined) {
      writes.push(create(endpoints, wanted));
      continue;
    }
    free.delete(kept);
    const metadata = { ...kept.metadata, ...textsOf(endpoints) };
    const object = { ...kept, ...wanted, metadata };
    if (!jsonEquals(object, kept)) writes.push({ type: "update", resource: resources.endpointSlices, object });
  }
  return [...writes, ...[...free].map(remove)];
}

/** One slice per address family of a subset. */
function contentsOf({ addresses = [], notReadyAddresses = [], ports = [] }: Subset): Contents[] {
  const all = [
    ...addresses.map((address) => ({ address, ready: true })),
    ...notReadyAddresses.map((address) => ({ address, ready: false })),
  ].slice(0, perSubset);
  return (["IPv4", "IPv6"] as const).flatMap((addressType) => {
    const endpoints = all.filter(({ address }) => address.ip.includes(":") === (addressType === "IPv6"))
      .map(({ address: { ip, hostname, nodeName, targetRef }, ready }) => ({
        addresses: [ip],
        conditions: { ready },
        ...(hostname && { hostname }),
        ...(targetRef && { targetRef }),
        ...(nodeName && { nodeName }),
      }));
    if (endpoints.length === 0) return [];
    const named = ports.map(({ name = "", protocol = "TCP", port, appProtocol }) => ({
      name,
      protocol,
      port,
      ...(appProtocol && { appProtocol }),
    }));
    return [{ addressType, endpoints, ports: named }];
  });
}

function textsOf({ metadata: { name, labels, annotations = {} } }: Endpoints) {
  const { [lastApplied]: _, ...kept } = annotations;
  return {
    labels: { ...labels, [managedBy]: manager, [serviceName]: name },
    ...(Object.keys(kept).length > 0 && { annotations: kept }),
  };
}

function create(endpoints: Endpoints, contents: Contents): Write {
  const { name, namespace } = endpoints.metadata;
  const owner = { ...endpoints, apiVersion: "v1", kind: "Endpoints" };
  return {
    type: "create",
    resource: resources.endpointSlices,
    object: {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        generateName: `${name}-`,
        namespace,
        ...textsOf(endpoints),
        ownerReferences: [controllerReference(owner)],
      },
      ...contents,
    },
  };
}

function remove({ metadata: { name, namespace = "", uid } }: EndpointSlice): Write {
  return { type: "delete", resource: resources.endpointSlices, namespace, name, uid };
}
