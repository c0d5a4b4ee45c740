/** What a pod can be told about itself (Kubernetes "Downward API"). */
import { bytesOf, milliOf } from "../container/resources.ts";
import type { Container, Pod } from "../objects/object.ts";
import { quantityOf } from "../objects/quantity.ts";

/** What is known of the node. */
export interface NodeFacts {
  readonly nodeName: string;
  readonly hostIPs: readonly string[];
  /** Allocatable: what a limit that is not set stands for. */
  readonly cpu: string;
  readonly memory: string;
  readonly ephemeralStorage: string;
}

/** @throws Error for a field that does not exist. */
export function fieldValue(pod: Pod, path: string, node: NodeFacts, podIPs: readonly string[]): string {
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (subscript !== null) {
    const [, kind, key = ""] = subscript;
    return (kind === "labels" ? pod.metadata.labels : pod.metadata.annotations)?.[key] ?? "";
  }
  const value = fields[path];
  if (value === undefined) throw new Error(`Cannot tell a pod about itself: unsupported fieldPath: ${path}`);
  return value(pod, node, podIPs);
}

const fields: Readonly<Record<string, (pod: Pod, node: NodeFacts, podIPs: readonly string[]) => string>> = {
  "metadata.name": ({ metadata }) => metadata.name,
  "metadata.namespace": ({ metadata }) => metadata.namespace ?? "",
  "metadata.uid": ({ metadata }) => metadata.uid,
  "metadata.labels": ({ metadata }) => asLines(metadata.labels),
  "metadata.annotations": ({ metadata }) => asLines(metadata.annotations),
  "spec.nodeName": ({ spec }, { nodeName }) => spec?.nodeName ?? nodeName,
  "spec.serviceAccountName": ({ spec }) => spec?.serviceAccountName ?? "",
  "status.hostIP": (_, { hostIPs }) => hostIPs[0] ?? "",
  "status.hostIPs": (_, { hostIPs }) => hostIPs.join(","),
  "status.podIP": (_, __, podIPs) => podIPs[0] ?? "",
  "status.podIPs": (_, __, podIPs) => podIPs.join(","),
};

/** `key="value"`, sorted by key, as Kubernetes writes labels into a file. */
function asLines(of: Record<string, string> | undefined): string {
  return Object.entries(of ?? {}).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`).join("\n");
}

/** @throws Error for a resource that does not exist. */
export function resourceValue(container: Container, resource: string, divisor: unknown, node: NodeFacts): string {
  const [kind, ...rest] = resource.split(".");
  const name = rest.join(".");
  if (kind !== "limits" && kind !== "requests") {
    throw new Error(`Cannot tell a pod about itself: unsupported container resource : ${resource}`);
  }
  const set = container.resources?.[kind]?.[name];
  const all: Record<string, string> = {
    cpu: node.cpu,
    memory: node.memory,
    "ephemeral-storage": node.ephemeralStorage,
  };
  const amount = set ?? (kind === "limits" ? all[name] : "0");
  if (amount === undefined && !name.startsWith("hugepages-")) {
    throw new Error(`Cannot tell a pod about itself: unsupported container resource : ${resource}`);
  }
  const unit = quantityOf(divisor ?? "1").nano || 1_000_000_000n;
  if (name === "cpu") {
    const milli = BigInt(milliOf(amount)) * 1_000_000n;
    return String((milli + unit - 1n) / unit);
  }
  const bytes = BigInt(bytesOf(amount ?? "0")) * 1_000_000_000n;
  return String((bytes + unit - 1n) / unit);
}
