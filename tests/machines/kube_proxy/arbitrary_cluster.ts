/** Clusters of a few services for property tests: small enough that every rule is met often. */
import fc from "fast-check";
import type { EndpointSlice, Service } from "../../../machines/objects/object.ts";
import type { Packet } from "../../../actors/simulated/packet_filter.ts";
import type { Cluster } from "./service_model.ts";

export const proxyTable = {
  table: "chartroom-0-services",
  podCidr: "10.160.0.0/16",
  serviceCidr: "10.161.0.0/17",
  nodeCidr: "10.161.128.0/20",
};

export const allNodes = [0, 1].map((node) => ({
  name: `worker-${node}`,
  address: `10.161.129.${node}`,
  podCidr: `10.160.${node}.0/24`,
  zone: `zone-${node}`,
}));

function metadata(name: string, labels: Record<string, string> = {}) {
  return { name, namespace: "default", uid: name, resourceVersion: "1", creationTimestamp: "", labels };
}

const condition = fc.constantFrom(
  {},
  { ready: true },
  { ready: false, serving: false, terminating: false },
  { ready: false, serving: true, terminating: true },
  { ready: false, serving: false, terminating: true },
);

/** Pods 1 to 4 of nodes 0 to 2; node 2 is on another host. */
const endpoints = fc.uniqueArray(
  fc.record({
    node: fc.nat({ max: 2 }),
    pod: fc.integer({ min: 2, max: 5 }),
    conditions: condition,
    hints: fc.constantFrom(
      undefined,
      { forZones: [{ name: "zone-0" }] },
      { forZones: [{ name: "zone-1" }, { name: "zone-0" }] },
      { forNodes: [{ name: "worker-0" }], forZones: [{ name: "zone-1" }] },
      { forNodes: [{ name: "worker-1" }], forZones: [{ name: "zone-1" }] },
    ),
  }),
  { maxLength: 5, selector: ({ node, pod }) => `${node}.${pod}` },
).map((chosen) =>
  chosen.map(({ node, pod, conditions, hints }) => ({
    addresses: [`10.160.${node}.${pod}`],
    conditions,
    nodeName: `worker-${node}`,
    ...(hints === undefined ? {} : { hints }),
  }))
);

const serviceOptions = fc.record({
  type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer"),
  internalTrafficPolicy: fc.constantFrom("Cluster", "Local"),
  externalTrafficPolicy: fc.constantFrom("Cluster", "Local"),
  external: fc.boolean(),
  ranges: fc.constantFrom(undefined, ["203.0.113.0/24"], ["203.0.113.0/24", "10.160.0.0/24"]),
  ipMode: fc.constantFrom("VIP", "Proxy", undefined),
  sticky: fc.boolean(),
  udp: fc.boolean(),
  split: fc.boolean(),
  endpoints,
});

/** Service number `index` in every shape. */
export function arbitraryService(index: number): fc.Arbitrary<{ service: Service; slices: EndpointSlice[] }> {
  const name = `web-${index}`;
  return serviceOptions.map((options) => {
    const isNodePort = options.type !== "ClusterIP";
    const port = (portName: string, number: number, protocol: string) => ({
      name: portName,
      port: number,
      protocol,
      ...(isNodePort ? { nodePort: 30_000 + index * 10 + number % 10 } : {}),
    });
    const ports = [port("http", 80, "TCP"), ...(options.udp ? [port("dns", 53, "UDP")] : [])];
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: metadata(name),
      spec: {
        type: options.type,
        clusterIP: `10.161.0.${20 + index}`,
        ports,
        internalTrafficPolicy: options.internalTrafficPolicy,
        ...(isNodePort ? { externalTrafficPolicy: options.externalTrafficPolicy } : {}),
        ...(options.external ? { externalIPs: [`198.51.100.${index}`] } : {}),
        ...(options.ranges === undefined ? {} : { loadBalancerSourceRanges: options.ranges }),
        sessionAffinity: options.sticky ? "ClientIP" : "None",
      },
      status: options.type === "LoadBalancer"
        ? {
          loadBalancer: {
            ingress: [{ ip: `10.161.192.${index}`, ...(options.ipMode ? { ipMode: options.ipMode } : {}) }],
          },
        }
        : {},
    } as unknown as Service;
    const slice = (part: string, members: typeof options.endpoints) =>
      ({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: metadata(`${name}-${part}`, { "kubernetes.io/service-name": name }),
        addressType: "IPv4",
        ports: [{ name: "http", port: 8080, protocol: "TCP" }, { name: "dns", port: 5353, protocol: "UDP" }],
        endpoints: members,
      }) as unknown as EndpointSlice;
    const slices = options.split
      ? [slice("a", options.endpoints.slice(0, 2)), slice("b", options.endpoints.slice(2))]
      : [slice("a", options.endpoints)];
    return { service, slices };
  });
}

export const arbitraryCluster: fc.Arbitrary<Cluster> = fc.record({
  members: fc.tuple(arbitraryService(0), arbitraryService(1)),
  nodeCount: fc.constantFrom(1, 2),
}).map(({ members, nodeCount }) => ({
  services: members.map(({ service }) => service),
  slices: members.flatMap(({ slices }) => slices),
  nodes: allNodes.slice(0, nodeCount),
}));

export const arbitraryPacket: fc.Arbitrary<Packet> = fc.record({
  sender: fc.constantFrom(
    { source: "10.160.0.2", fromHost: false },
    { source: "10.160.1.3", fromHost: false },
    { source: "203.0.113.9", fromHost: false },
    { source: "192.0.2.77", fromHost: false },
    { source: "10.161.129.0", fromHost: true },
    { source: "127.0.0.1", fromHost: true },
  ),
  destination: fc.constantFrom(
    ...["10.161.0.20", "10.161.0.21", "10.161.0.99", "198.51.100.0", "198.51.100.1", "10.161.192.0", "10.161.192.1"],
    ...["10.161.129.0", "10.161.129.1", "127.0.0.1", "10.160.0.3", "8.8.8.8"],
  ),
  target: fc.constantFrom(
    ...([["tcp", 80], ["udp", 53], ["tcp", 30_000], ["udp", 30_003], ["tcp", 30_010], ["tcp", 81]] as const),
  ),
}).map(({ sender, destination, target: [protocol, port] }) => ({ ...sender, destination, protocol, port }));
