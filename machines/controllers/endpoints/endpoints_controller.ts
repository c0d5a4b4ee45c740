/** Writes the older Endpoints objects of services with a selector (Kubernetes docs, "Service": Endpoints). */
import { jsonEquals } from "../../objects/json.ts";
import type { Endpoints, Pod, Service } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { type Controller, ownKey, type Plan } from "../controller.ts";
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

const managedBy = "endpoints.kubernetes.io/managed-by";
const manager = "endpoint-controller";
/** Beyond this many addresses the object is cut and says so; the slices have them all. */
const most = 1000;
const overCapacity = "endpoints.kubernetes.io/over-capacity";

type Subset = NonNullable<Endpoints["subsets"]>[number];
type EndpointAddress = NonNullable<Subset["addresses"]>[number];

export const endpointsController: Controller = {
  name: "endpoint-controller",
  account: "endpoint-controller",
  watches: [{ resource: resources.services, keys: ownKey }, podChanges, {
    resource: resources.endpoints,
    keys: ownKey,
  }],
  plan(key, caches): Plan | undefined {
    const service = caches.of<Service>(resources.services).get(key);
    const existing = caches.of<Endpoints>(resources.endpoints).get(key);
    if (service === undefined) {
      if (existing?.metadata.labels?.[managedBy] !== manager) return undefined;
      const { name, namespace = "", uid } = existing.metadata;
      return { writes: [{ type: "delete", resource: resources.endpoints, namespace, name, uid }] };
    }
    if (!hasSelector(service)) return { writes: [] };
    const pods = podsOf(service, caches.of<Pod>(resources.pods).inNamespace(service.metadata.namespace ?? ""));
    const { subsets, cut } = subsetsOf(service, pods);
    const labels = {
      ...service.metadata.labels,
      [managedBy]: manager,
      ...(isHeadless(service) && { [headlessLabel]: "" }),
    };
    const annotations = cut ? { annotations: { [overCapacity]: "truncated" } } : {};
    const { name, namespace } = service.metadata;
    const content = { ...(subsets.length > 0 && { subsets }) };
    if (existing === undefined) {
      const metadata = { name, namespace, labels, ...annotations };
      const object = { apiVersion: "v1", kind: "Endpoints", metadata, ...content };
      return { writes: [{ type: "create", resource: resources.endpoints, object, existsIsFine: true }] };
    }
    const { subsets: before = [], ...rest } = existing;
    if (jsonEquals(before, subsets) && jsonEquals(existing.metadata.labels, labels)) return { writes: [] };
    const metadata = { ...existing.metadata, labels, ...annotations };
    return { writes: [{ type: "update", resource: resources.endpoints, object: { ...rest, metadata, ...content } }] };
  },
};

function subsetsOf(service: Service, all: readonly Pod[]): { subsets: Subset[]; cut: boolean } {
  const early = service.spec?.publishNotReadyAddresses === true;
  const listed = all.filter((pod) => early || !conditionsOf(service, pod).terminating);
  const groups = new Map<string, { ports: EndpointPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }>();
  for (const pod of listed.slice(0, most)) {
    const ports = portsOf(service, pod);
    // A headless service without ports still has addresses.
    if (ports.length === 0 && (service.spec?.ports ?? []).length > 0) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    group[conditionsOf(service, pod).ready ? "ready" : "notReady"].push(addressOf(service, pod));
    groups.set(key, group);
  }
  const subsets = [...groups.values()].map(({ ports, ready, notReady }): Subset => ({
    ...(ready.length > 0 && { addresses: ready }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady }),
    ...(ports.length > 0 && {
      ports: ports.map(({ name, port, protocol, appProtocol }) => ({
        ...(name && { name }),
        port,
        protocol: protocol as "TCP",
        ...(appProtocol && { appProtocol }),
      })),
    }),
  }));
  return { subsets, cut: listed.length > most };
}

function addressOf(service: Service, pod: Pod): EndpointAddress {
  const { name, namespace, uid } = pod.metadata;
  const hostname = hostnameOf(service, pod);
  return {
    ip: pod.status?.podIP ?? "",
    ...(hostname && { hostname }),
    ...(pod.spec?.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: "Pod", ...(namespace && { namespace }), name, uid },
  };
}
