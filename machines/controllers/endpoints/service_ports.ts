/** Which pods stand behind a service, and on which ports (Kubernetes docs, "Service" and "EndpointSlices"). */
import { matchesSelector } from "../../objects/label_selector.ts";
import type { Container, Pod, Service } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import type { Controller } from "../controller.ts";
import { isReady } from "../pod_readiness.ts";

export interface EndpointPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly appProtocol?: string;
}

export const headlessLabel = "service.kubernetes.io/headless";

export function isHeadless(service: Service): boolean {
  return service.spec?.clusterIP === "None";
}

/** A selector that is empty or absent selects nothing: somebody else looks after the endpoints. */
export function hasSelector(service: Service): boolean {
  return Object.keys(service.spec?.selector ?? {}).length > 0 && service.spec?.type !== "ExternalName";
}

/** Pods that match, have an address and have not ended, by name. */
export function podsOf(service: Service, pods: readonly Pod[]): Pod[] {
  const selector = { matchLabels: service.spec?.selector ?? {} };
  return pods
    .filter((pod) => matchesSelector(selector, pod.metadata.labels))
    .filter((pod) => pod.status?.podIP && pod.status.phase !== "Succeeded" && pod.status.phase !== "Failed")
    .sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1);
}

export interface Conditions {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

export function conditionsOf(service: Service, pod: Pod): Conditions {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  return { ready: service.spec?.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating };
}

/** The service's ports as this pod has them; a named target port that the pod does not declare is left out. */
export function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap(({ name = "", protocol = "TCP", port, targetPort, appProtocol }) => {
    const number = targetPort === undefined
      ? port
      : typeof targetPort === "number"
      ? targetPort
      : namedPort(pod, targetPort, protocol);
    return number === undefined ? [] : [{ name, protocol, port: number, ...(appProtocol && { appProtocol }) }];
  });
}

function namedPort(pod: Pod, name: string, protocol: string): number | undefined {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const containers: readonly Container[] = [...pod.spec?.containers ?? [], ...sidecars];
  return containers.flatMap(({ ports = [] }) => ports)
    .find((port) => port.name === name && (port.protocol ?? "TCP") === protocol)?.containerPort;
}

export function hostnameOf(service: Service, pod: Pod): string | undefined {
  return pod.spec?.hostname && pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined;
}

/** A change of a pod concerns every service that selects it, or selected it before. */
export const podChanges: Controller["watches"][number] = {
  resource: resources.pods,
  keys(object, previous, caches) {
    const services = caches.of<Service>(resources.services).inNamespace(object.metadata.namespace ?? "");
    return services
      .filter(hasSelector)
      .filter(({ spec }) =>
        [object, previous].some((each) =>
          each !== undefined && matchesSelector({ matchLabels: spec?.selector ?? {} }, each.metadata.labels)
        )
      )
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  },
};
