/**
 * What a load balancer in front of the nodes is told about a service with `externalTrafficPolicy: Local`: which nodes
 * have endpoints of their own, so that it sends connections nowhere else (`spec.healthCheckNodePort`).
 */
import type { Service } from "../objects/object.ts";
import { keyOf } from "../objects/object.ts";
import type { ServicePort } from "./service_ports.ts";

export interface HealthCheck {
  /** `namespace/name`. */
  readonly service: string;
  readonly port: number;
  /** Pods of the service that answer, by node. */
  readonly localEndpoints: Readonly<Record<string, number>>;
}

export function healthCheck(
  service: Service,
  ports: readonly ServicePort[],
  nodes: readonly { readonly name: string }[],
): HealthCheck | undefined {
  const { spec } = service;
  const port = spec?.healthCheckNodePort;
  if (spec?.type !== "LoadBalancer" || spec.externalTrafficPolicy !== "Local" || !port) return undefined;
  const localEndpoints: Record<string, number> = {};
  for (const { name } of nodes) {
    const addresses = ports.flatMap(({ localEndpoints }) => localEndpoints.get(name) ?? []).map(({ address }) =>
      address
    );
    localEndpoints[name] = new Set(addresses).size;
  }
  return { service: keyOf(service), port, localEndpoints };
}

export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The answer on one node's port. A proxy that is not healthy has no business being sent connections. */
export function healthAnswer({ service, localEndpoints }: HealthCheck, node: string, healthy: boolean): HealthAnswer {
  const count = localEndpoints[node] ?? 0;
  const [namespace, name] = service.split("/");
  return {
    status: healthy && count > 0 ? 200 : 503,
    headers: {
      "content-type": "application/json",
      "x-content-type-options": "nosniff",
      "x-load-balancing-endpoint-weight": String(count),
    },
    body: { service: { namespace, name }, localEndpoints: count, serviceProxyHealthy: healthy },
  };
}
