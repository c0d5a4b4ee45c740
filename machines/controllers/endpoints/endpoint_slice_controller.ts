/** Writes the EndpointSlices of services with a selector (Kubernetes docs, "EndpointSlices"). */
import { jsonEquals } from "../../objects/json.ts";
import type { EndpointSlice, Node, Pod, Service } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { type Controller, ownKey, type Plan, type Write } from "../controller.ts";
import { controllerReference } from "../ownership.ts";
import { managedBy, serviceName } from "./endpoint_slice_labels.ts";
import {
  conditionsOf,
  type EndpointPort,
  hasSelector,
  headlessLabel,
  hostnameOf,
  isHeadless,
  podChanges,
  podsOf,
  portsOf,
} from "./service_ports.ts";

const manager = "endpointslice-controller.k8s.io";
/** kube-controller-manager's --max-endpoints-per-slice. */
const perSlice = 100;

type Endpoint = NonNullable<EndpointSlice["endpoints"]>[number];

export const endpointSliceController: Controller = {
  name: "endpoint-slice-controller",
  account: "endpointslice-controller",
  watches: [
    { resource: resources.services, keys: ownKey },
    podChanges,
    {
      resource: resources.endpointSlices,
      keys: ({ metadata }) =>
        metadata.labels?.[managedBy] === manager ? [`${metadata.namespace}/${metadata.labels[serviceName]}`] : [],
    },
  ],
  reads: [resources.nodes],
  plan(key, caches): Plan | undefined {
    const service = caches.of<Service>(resources.services).get(key);
    // The slices of a service that is gone are the garbage collector's.
    if (service === undefined) return undefined;
    if (!hasSelector(service) || service.metadata.deletionTimestamp !== undefined) return { writes: [] };
    const namespace = service.metadata.namespace ?? "";
    const slices = caches.of<EndpointSlice>(resources.endpointSlices).inNamespace(namespace)
      .filter(({ metadata: { labels } }) =>
        labels?.[managedBy] === manager && labels[serviceName] === service.metadata.name
      );
    const zones = (node: string | undefined) =>
      caches.of<Node>(resources.nodes).get(node ?? "")?.metadata.labels?.["topology.kubernetes.io/zone"];
    const pods = podsOf(service, caches.of<Pod>(resources.pods).inNamespace(namespace));
    return { writes: slicesFor(service, pods, slices, zones) };
  },
};

interface Group {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Endpoint[];
}

function slicesFor(
  service: Service,
  pods: readonly Pod[],
  existing: readonly EndpointSlice[],
  zoneOf: (node: string | undefined) => string | undefined,
): Write[] {
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    const ports = portsOf(service, pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(service, pod, zoneOf(pod.spec?.nodeName)));
    groups.set(key, group);
  }
  const free = new Set(existing);
  const writes: Write[] = [];
  for (const { ports, endpoints } of groups.values()) {
    const same = [...free].filter((slice) => jsonEquals(slice.ports ?? [], ports));
    writes.push(...fill(service, ports, endpoints, same, free));
  }
  if (groups.size === 0) {
    const [kept] = existing;
    if (kept === undefined) writes.push(create(service, null, null));
    else {
      free.delete(kept);
      writes.push(...update(service, kept, null, null));
    }
  }
  return [...writes, ...[...free].map(remove)];
}

/** Endpoints stay in the slice they are in; new ones go where there is room. */
function fill(
  service: Service,
  ports: readonly EndpointPort[],
  endpoints: readonly Endpoint[],
  slices: readonly EndpointSlice[],
  free: Set<EndpointSlice>,
): Write[] {
  const waiting = new Map(endpoints.map((endpoint) => [endpoint.targetRef?.uid, endpoint]));
  const contents = slices.map((slice) => {
    const kept = (slice.endpoints ?? []).flatMap(({ targetRef }) => {
      const endpoint = waiting.get(targetRef?.uid);
      waiting.delete(targetRef?.uid);
      return endpoint === undefined ? [] : [endpoint];
    });
    return { slice, kept };
  });
  for (const { kept } of contents) {
    for (const [uid, endpoint] of waiting) {
      if (kept.length >= perSlice) break;
      kept.push(endpoint);
      waiting.delete(uid);
    }
  }
  const writes: Write[] = [];
  for (const { slice, kept } of contents) {
    if (kept.length === 0) continue;
    free.delete(slice);
    writes.push(...update(service, slice, kept, ports));
  }
  const left = [...waiting.values()];
  for (let start = 0; start < left.length; start += perSlice) {
    writes.push(create(service, left.slice(start, start + perSlice), ports));
  }
  return writes;
}

function endpointOf(service: Service, pod: Pod, zone: string | undefined): Endpoint {
  const { name, namespace, uid } = pod.metadata;
  const hostname = hostnameOf(service, pod);
  return {
    addresses: [pod.status?.podIP ?? ""],
    conditions: conditionsOf(service, pod),
    ...(hostname && { hostname }),
    targetRef: { kind: "Pod", ...(namespace && { namespace }), name, uid },
    ...(pod.spec?.nodeName && { nodeName: pod.spec.nodeName }),
    ...(zone && { zone }),
  };
}

function labelsOf(service: Service): Record<string, string> {
  return {
    ...service.metadata.labels,
    [managedBy]: manager,
    [serviceName]: service.metadata.name,
    ...(isHeadless(service) && { [headlessLabel]: "" }),
  };
}

type Contents = [endpoints: readonly Endpoint[] | null, ports: readonly EndpointPort[] | null];

function create(service: Service, ...[endpoints, ports]: Contents): Write {
  const { name, namespace } = service.metadata;
  return {
    type: "create",
    resource: resources.endpointSlices,
    object: {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        generateName: `${name}-`,
        namespace,
        labels: labelsOf(service),
        ownerReferences: [controllerReference(service)],
      },
      addressType: "IPv4",
      endpoints,
      ports,
    },
  };
}

function update(service: Service, slice: EndpointSlice, ...[endpoints, ports]: Contents): Write[] {
  const labels = labelsOf(service);
  const same = jsonEquals(slice.endpoints ?? null, endpoints) && jsonEquals(slice.ports ?? null, ports) &&
    jsonEquals(slice.metadata.labels, labels);
  if (same) return [];
  const object = { ...slice, metadata: { ...slice.metadata, labels }, endpoints, ports };
  return [{ type: "update", resource: resources.endpointSlices, object }];
}

function remove(slice: EndpointSlice): Write {
  const { name, namespace = "", uid } = slice.metadata;
  return { type: "delete", resource: resources.endpointSlices, namespace, name, uid };
}
