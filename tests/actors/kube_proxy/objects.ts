/** Services and endpoint slices in short. */

export function service(name: string, spec: Record<string, unknown>, status: Record<string, unknown> = {}) {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace: "default" }, spec, status };
}

export function slice(serviceName: string, addresses: readonly string[], options: {
  port?: number;
  portName?: string;
  protocol?: string;
  nodeName?: string;
  conditions?: Record<string, boolean>;
} = {}) {
  const { port = 80, portName = "", protocol = "TCP", nodeName = "worker-0", conditions = { ready: true } } = options;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${serviceName}-1`,
      namespace: "default",
      labels: { "kubernetes.io/service-name": serviceName },
    },
    addressType: "IPv4",
    ports: [{ name: portName, port, protocol }],
    endpoints: addresses.map((address) => ({ addresses: [address], nodeName, conditions })),
  };
}
