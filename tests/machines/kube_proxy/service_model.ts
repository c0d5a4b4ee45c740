/**
 * What Kubernetes says a Service does, written down as slowly and plainly as possible, to compare the rules with.
 * Nothing of the generator is used here.
 */
import type { EndpointSlice, Service } from "../../../machines/objects/object.ts";
import type { Packet } from "../../../actors/simulated/packet_filter.ts";

export interface Cluster {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly nodes: readonly { name: string; address: string; podCidr: string; zone: string }[];
}

export const podRange = "10.160.";
export const serviceRange = "10.161.";
export const nodeRange = "10.161.129.";

/** Where the packet may arrive, or how it is turned down; masquerade is shown as "*" behind the address. */
export function expected(cluster: Cluster, packet: Packet): string[] {
  for (const service of cluster.services) {
    for (const port of service.spec!.ports!) {
      if ((port.protocol ?? "TCP").toLowerCase() !== packet.protocol) continue;
      const spec = service.spec!;
      const ingress = service.status?.loadBalancer?.ingress ?? [];
      const isCluster = packet.destination === spec.clusterIP && packet.port === port.port;
      const isExternal = spec.externalIPs?.includes(packet.destination) === true && packet.port === port.port;
      const isBalanced = packet.port === port.port &&
        ingress.some(({ ip, ipMode }) => ip === packet.destination && ipMode !== "Proxy");
      const at = packet.port === port.nodePort
        ? cluster.nodes.find(({ address }) => address === packet.destination)
        : undefined;
      const isLocalhost = packet.port === port.nodePort && packet.destination === "127.0.0.1";
      if (!isCluster && !isExternal && !isBalanced && at === undefined && !isLocalhost) continue;

      const endpoints = endpointsOf(cluster, service, port.name ?? "", port.protocol ?? "TCP");
      const everywhere = pick(endpoints);
      if (everywhere.length === 0) return ["refused"];
      const onHost = cluster.nodes.flatMap(({ name }) => pick(endpoints.filter(({ node }) => node === name)));
      const on = (name: string) => pick(endpoints.filter(({ node }) => node === name));
      const fromPod = packet.source.startsWith(podRange);
      if (isCluster) {
        const home = cluster.nodes.find(({ podCidr }) => packet.source.startsWith(podCidr.replace(/0\/24$/, "")));
        if (spec.internalTrafficPolicy !== "Local") {
          return arrive(home === undefined ? everywhere : near(everywhere, home), packet, isForeign(packet));
        }
        return arrive(home === undefined ? onHost : on(home.name), packet, isForeign(packet));
      }
      if (isBalanced && spec.loadBalancerSourceRanges !== undefined) {
        const allowed = spec.loadBalancerSourceRanges.some((range) =>
          packet.source.startsWith(range.replace(/0\/24$/, ""))
        );
        if (!allowed) return ["dropped"];
      }
      if (spec.externalTrafficPolicy !== "Local") return arrive(everywhere, packet, true);
      if (fromPod) return arrive(everywhere, packet, false);
      if (packet.fromHost) return arrive(everywhere, packet, true);
      return arrive(at === undefined ? onHost : on(at.name), packet, false);
    }
  }
  // Nobody listens on an address of the service range that no service has.
  if (packet.destination.startsWith(serviceRange) && Number(packet.destination.split(".")[2]) < 128) return ["refused"];
  return [`${packet.destination}:${packet.port}`];
}

/** All have a hint for a node and one is for this node: those. Else likewise for zones. Else all. */
function near(endpoints: readonly Candidate[], { name, zone }: { name: string; zone: string }): readonly Candidate[] {
  const forNode = endpoints.filter(({ nodes }) => nodes.includes(name));
  if (endpoints.every(({ nodes }) => nodes.length > 0) && forNode.length > 0) return forNode;
  const forZone = endpoints.filter(({ zones }) => zones.includes(zone));
  if (endpoints.every(({ zones }) => zones.length > 0) && forZone.length > 0) return forZone;
  return endpoints;
}

function isForeign({ source }: Packet): boolean {
  return !source.startsWith(podRange) && !source.startsWith(nodeRange);
}

function arrive(endpoints: readonly { address: string; port: number }[], packet: Packet, masquerade: boolean) {
  if (endpoints.length === 0) return ["dropped"];
  return endpoints.map(({ address, port }) => {
    const loops = address === packet.source || packet.source.startsWith("127.");
    return `${address}:${port}${masquerade || loops ? "*" : ""}`;
  });
}

interface Candidate {
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  readonly servesStill: boolean;
  readonly node: string | undefined;
  readonly nodes: readonly string[];
  readonly zones: readonly string[];
}

function endpointsOf(cluster: Cluster, service: Service, portName: string, protocol: string): Candidate[] {
  return cluster.slices
    .filter(({ metadata }) =>
      metadata.namespace === service.metadata.namespace &&
      metadata.labels?.["kubernetes.io/service-name"] === service.metadata.name
    )
    .flatMap((slice) =>
      (slice.ports ?? [])
        .filter((port) => (port.name ?? "") === portName && (port.protocol ?? "TCP") === protocol)
        .flatMap((port) =>
          (slice.endpoints ?? []).map(({ addresses, conditions, nodeName, hints }) => ({
            address: addresses[0]!,
            port: port.port!,
            ready: conditions?.ready !== false,
            servesStill: conditions?.serving === true && conditions.terminating === true,
            node: nodeName,
            nodes: hints?.forNodes?.map(({ name }) => name) ?? [],
            zones: hints?.forZones?.map(({ name }) => name) ?? [],
          }))
        )
    );
}

function pick(candidates: readonly Candidate[]): Candidate[] {
  const ready = candidates.filter((each) => each.ready);
  return ready.length > 0 ? ready : candidates.filter((each) => each.servesStill);
}
