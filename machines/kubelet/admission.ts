/** Whether a pod that is bound to a node can run there: the kubelet has the last word. */
import { milliOf } from "../container/resources.ts";
import { bytesOf } from "../container/resources.ts";
import type { Pod } from "../objects/object.ts";

export interface NodeCapacity {
  readonly labels: Readonly<Record<string, string>>;
  /** Allocatable. */
  readonly cpu: string;
  readonly memory: string;
  readonly pods: number;
}

export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** What a pod asks for: the sum of its containers or the largest init container, whichever is more. */
export function podRequests(pod: Pod): { milliCpu: number; memoryBytes: number } {
  const total = { milliCpu: 0, memoryBytes: 0 };
  const largest = { milliCpu: 0, memoryBytes: 0 };
  const sidecars = { milliCpu: 0, memoryBytes: 0 };
  const of = (requests: Record<string, unknown> | undefined) => ({
    milliCpu: milliOf(requests?.cpu),
    memoryBytes: bytesOf(requests?.memory),
  });
  for (const container of pod.spec?.initContainers ?? []) {
    const asked = of(container.resources?.requests ?? container.resources?.limits);
    if (container.restartPolicy === "Always") {
      sidecars.milliCpu += asked.milliCpu;
      sidecars.memoryBytes += asked.memoryBytes;
    }
    const beside = container.restartPolicy === "Always" ? 0 : 1;
    largest.milliCpu = Math.max(largest.milliCpu, sidecars.milliCpu + beside * asked.milliCpu);
    largest.memoryBytes = Math.max(largest.memoryBytes, sidecars.memoryBytes + beside * asked.memoryBytes);
  }
  for (const container of pod.spec?.containers ?? []) {
    const asked = of(container.resources?.requests ?? container.resources?.limits);
    total.milliCpu += asked.milliCpu;
    total.memoryBytes += asked.memoryBytes;
  }
  const overhead = of(pod.spec?.overhead);
  return {
    milliCpu: Math.max(total.milliCpu + sidecars.milliCpu, largest.milliCpu) + overhead.milliCpu,
    memoryBytes: Math.max(total.memoryBytes + sidecars.memoryBytes, largest.memoryBytes) + overhead.memoryBytes,
  };
}

/** @returns undefined when it can run beside the others. */
export function refusalOf(pod: Pod, others: readonly Pod[], node: NodeCapacity): Refusal | undefined {
  const mismatch = Object.entries(pod.spec?.nodeSelector ?? {}).find(([key, value]) => node.labels[key] !== value);
  if (mismatch !== undefined) {
    return {
      reason: "NodeAffinity",
      message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    };
  }
  const os = pod.spec?.os?.name;
  if (os !== undefined && os !== "linux") {
    return { reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS" };
  }
  if (others.length + 1 > node.pods) {
    return outOf("pods", 1, others.length, node.pods);
  }
  const asked = podRequests(pod);
  const used = { milliCpu: 0, memoryBytes: 0 };
  for (const other of others) {
    const each = podRequests(other);
    used.milliCpu += each.milliCpu;
    used.memoryBytes += each.memoryBytes;
  }
  const milliCpu = milliOf(node.cpu);
  const memoryBytes = bytesOf(node.memory);
  if (asked.milliCpu > 0 && used.milliCpu + asked.milliCpu > milliCpu) {
    return outOf("cpu", asked.milliCpu, used.milliCpu, milliCpu);
  }
  if (asked.memoryBytes > 0 && used.memoryBytes + asked.memoryBytes > memoryBytes) {
    return outOf("memory", asked.memoryBytes, used.memoryBytes, memoryBytes);
  }
  const taken = new Set(others.flatMap(hostPorts));
  if (hostPorts(pod).some((port) => taken.has(port))) {
    return {
      reason: "NodePorts",
      message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    };
  }
  return undefined;
}

function outOf(resource: string, requested: number, used: number, capacity: number): Refusal {
  return {
    reason: `OutOf${resource}`,
    message:
      `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  };
}

function hostPorts(pod: Pod): string[] {
  return (pod.spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.filter(({ hostPort }) => hostPort).map(({ hostPort, hostIP, protocol }) =>
      `${hostIP ?? "0.0.0.0"}/${protocol ?? "TCP"}/${hostPort}`
    )
  );
}
