/**
 * What a Service and its EndpointSlices mean to a proxy: per port, where it is reached and who answers.
 *
 * Endpoint choice (Kubernetes, "Virtual IPs and Service Proxies"): the ready ones; when none is ready, those that are
 * terminating but still serve. Under a Local policy the same rule is applied to the node's own endpoints alone.
 */
import type { EndpointSlice, Service } from "../objects/object.ts";
import { isAddress, isRange } from "../network/cidr.ts";

export type Protocol = "tcp" | "udp" | "sctp";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A node whose network namespace the rules are for. */
export interface ProxyNode {
  readonly name: string;
  readonly address: string;
  readonly podCidr: string;
  /** Its label `topology.kubernetes.io/zone`. */
  readonly zone?: string;
}

export interface ServicePort {
  /** `namespace/name` of the service. */
  readonly service: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort: number | undefined;
  readonly clusterIP: string;
  readonly externalIPs: readonly string[];
  readonly loadBalancerIPs: readonly string[];
  /** Who may use the load-balancer addresses; empty: everybody. */
  readonly sourceRanges: readonly string[];
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  /** ClientIP affinity's time-out. */
  readonly affinitySeconds: number | undefined;
  readonly endpoints: readonly Endpoint[];
  /** Per node of this namespace; only nodes that have some. */
  readonly localEndpoints: ReadonlyMap<string, readonly Endpoint[]>;
  /** Endpoints that a node's pods are to prefer (`spec.trafficDistribution`); only nodes for which that is not all. */
  readonly nearEndpoints: ReadonlyMap<string, readonly Endpoint[]>;
}

type ServiceSpec = NonNullable<Service["spec"]>;
type Slice = Pick<EndpointSlice, "metadata" | "addressType" | "endpoints" | "ports">;

/** Whether the proxy leaves it alone: headless, an alias of an outside name, or another proxy's. */
export function isProxied(service: Service): boolean {
  const { spec, metadata } = service;
  if (spec === undefined || spec.type === "ExternalName") return false;
  if (spec.clusterIP === undefined || spec.clusterIP === "None" || !isAddress(spec.clusterIP)) return false;
  return metadata.labels?.["service.kubernetes.io/service-proxy-name"] === undefined;
}

/** The slices' service, as `namespace/name`. */
export function serviceOf(slice: Pick<EndpointSlice, "metadata">): string | undefined {
  const name = slice.metadata.labels?.["kubernetes.io/service-name"];
  return name === undefined ? undefined : `${slice.metadata.namespace}/${name}`;
}

export function servicePorts(
  service: Service,
  slices: readonly Slice[],
  nodes: readonly Pick<ProxyNode, "name" | "zone">[],
): ServicePort[] {
  if (!isProxied(service)) return [];
  const { spec } = service as Service & { spec: ServiceSpec };
  const key = `${service.metadata.namespace}/${service.metadata.name}`;
  const isExternal = spec.type === "NodePort" || spec.type === "LoadBalancer";
  return (spec.ports ?? []).map((port) => {
    const candidates = candidatesOf(slices, port.name ?? "", port.protocol ?? "TCP");
    const local = nodes.map(({ name }) => [name, choose(candidates.filter(({ node }) => node === name))] as const);
    return {
      service: key,
      protocol: protocolOf(port.protocol),
      port: port.port,
      nodePort: isExternal && port.nodePort !== undefined && port.nodePort > 0 ? port.nodePort : undefined,
      clusterIP: spec.clusterIP!,
      externalIPs: (spec.externalIPs ?? []).filter(isAddress),
      loadBalancerIPs: spec.type === "LoadBalancer" ? ingressAddresses(service) : [],
      sourceRanges: (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter(isRange),
      internalLocal: spec.internalTrafficPolicy === "Local",
      externalLocal: spec.externalTrafficPolicy === "Local",
      affinitySeconds: spec.sessionAffinity === "ClientIP"
        ? spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800
        : undefined,
      endpoints: choose(candidates),
      localEndpoints: new Map(local.filter(([, endpoints]) => endpoints.length > 0)),
      nearEndpoints: nearEndpoints(candidates, nodes),
    };
  });
}

function protocolOf(protocol: string | undefined): Protocol {
  return protocol === "UDP" ? "udp" : protocol === "SCTP" ? "sctp" : "tcp";
}

/** Addresses whose traffic arrives unchanged; behind `ipMode: Proxy` somebody else has taken it in. */
function ingressAddresses(service: Service): string[] {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip, ipMode }) => ip !== undefined && ipMode !== "Proxy" && isAddress(ip) ? [ip] : []);
}

interface Candidate extends Endpoint {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly node: string | undefined;
  /** For whom the endpoint is meant: names of nodes and of zones. */
  readonly forNodes: readonly string[];
  readonly forZones: readonly string[];
}

/** Each address and port once: a pod may stand in two slices while it is moved; then the ready one counts. */
function candidatesOf(slices: readonly Slice[], portName: string, protocol: string): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    for (const { name, port, protocol: spoken } of slice.ports ?? []) {
      if ((name ?? "") !== portName || (spoken ?? "TCP") !== protocol || port === undefined || port === null) continue;
      for (const { addresses, conditions, nodeName, hints } of slice.endpoints ?? []) {
        const address = addresses[0];
        if (address === undefined || !isAddress(address)) continue;
        const ready = conditions?.ready ?? true;
        const candidate = {
          address,
          port,
          ready,
          serving: conditions?.serving ?? ready,
          terminating: conditions?.terminating ?? false,
          node: nodeName,
          forNodes: (hints?.forNodes ?? []).map(({ name }) => name),
          forZones: (hints?.forZones ?? []).map(({ name }) => name),
        };
        const known = found.get(`${address}:${port}`);
        if (known === undefined || (!known.ready && ready)) found.set(`${address}:${port}`, candidate);
      }
    }
  }
  return [...found.values()];
}

/**
 * Hints count only if every endpoint has one of the kind and one of them is for the node: half-written hints would
 * send everybody to the few endpoints that have theirs already. Hints for nodes go before hints for zones.
 */
function nearEndpoints(
  candidates: readonly Candidate[],
  nodes: readonly Pick<ProxyNode, "name" | "zone">[],
): Map<string, readonly Endpoint[]> {
  const usable = usableOf(candidates);
  const near = new Map<string, readonly Endpoint[]>();
  for (const { name, zone } of nodes) {
    const kinds = [
      { hints: (each: Candidate) => each.forNodes, own: name },
      { hints: (each: Candidate) => each.forZones, own: zone },
    ];
    for (const { hints, own } of kinds) {
      const meant = usable.filter((each) => own !== undefined && hints(each).includes(own));
      if (meant.length === 0 || usable.some((each) => hints(each).length === 0)) continue;
      if (meant.length < usable.length) near.set(name, asEndpoints(meant));
      break;
    }
  }
  return near;
}

function choose(candidates: readonly Candidate[]): Endpoint[] {
  return asEndpoints(usableOf(candidates));
}

function usableOf(candidates: readonly Candidate[]): Candidate[] {
  const ready = candidates.filter((each) => each.ready);
  return ready.length > 0 ? ready : candidates.filter((each) => each.serving && each.terminating);
}

function asEndpoints(candidates: readonly Candidate[]): Endpoint[] {
  return candidates.map(({ address, port }) => ({ address, port })).sort(byAddress);
}

function byAddress(a: Endpoint, b: Endpoint): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port;
}
