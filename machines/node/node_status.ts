/** A Node object's status, computed from what is known of the machine (Kubernetes "Nodes"). */
import type { Node } from "../objects/object.ts";

export interface NodeObservation {
  readonly now: string;
  readonly addresses: readonly { readonly type: string; readonly address: string }[];
  readonly capacity: Readonly<Record<string, string>>;
  readonly kubeletPort: number;
  readonly runtimeVersion: string;
  readonly operatingSystem: string;
  readonly kernelVersion: string;
  readonly architecture: string;
  readonly machineId: string;
  readonly bootId: string;
  readonly images: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[];
  /** Why the runtime cannot be used; empty: it can. */
  readonly runtimeTrouble: string;
  readonly memoryPressure: boolean;
  readonly diskPressure: boolean;
  readonly pidPressure: boolean;
}

export const kubeletVersion = "v1.36.2";
/** Larger lists would only make the object heavy. */
const mostImages = 50;

type Status = NonNullable<Node["status"]>;
type Condition = NonNullable<Status["conditions"]>[number];

export function nodeStatus(before: Status | undefined, seen: NodeObservation): Status {
  const condition = (type: string, holds: boolean, [yes, no]: [Reason, Reason]): Condition => {
    const status = holds ? "True" : "False";
    const [reason, message] = holds ? yes : no;
    const old = before?.conditions?.find((each) => each.type === type);
    const since = old?.status === status ? old.lastTransitionTime ?? seen.now : seen.now;
    return { type, status, lastHeartbeatTime: seen.now, lastTransitionTime: since, reason, message } as Condition;
  };
  const ready = seen.runtimeTrouble === "";
  const ours: Condition[] = [
    condition("MemoryPressure", seen.memoryPressure, [
      ["KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
      ["KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    ]),
    condition("DiskPressure", seen.diskPressure, [
      ["KubeletHasDiskPressure", "kubelet has disk pressure"],
      ["KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    ]),
    condition("PIDPressure", seen.pidPressure, [
      ["KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
      ["KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    ]),
    condition("Ready", ready, [
      ["KubeletReady", "kubelet is posting ready status"],
      ["KubeletNotReady", `container runtime is down: ${seen.runtimeTrouble}`],
    ]),
  ];
  const others = (before?.conditions ?? []).filter(({ type }) => !ours.some((each) => each.type === type));
  const images = [...seen.images].sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, mostImages);
  return {
    ...before,
    addresses: seen.addresses.map((each) => ({ ...each })),
    capacity: { ...seen.capacity },
    allocatable: { ...seen.capacity },
    conditions: [...others, ...ours],
    daemonEndpoints: { kubeletEndpoint: { Port: seen.kubeletPort } },
    images: images.map(({ names, sizeBytes }) => ({ names: [...names], sizeBytes })),
    nodeInfo: {
      machineID: seen.machineId,
      systemUUID: seen.machineId,
      bootID: seen.bootId,
      kernelVersion: seen.kernelVersion,
      osImage: seen.operatingSystem,
      containerRuntimeVersion: seen.runtimeVersion,
      kubeletVersion,
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: seen.architecture,
    },
  } as Status;
}

type Reason = readonly [reason: string, message: string];

/** Without the times that change at every look. */
export function withoutHeartbeats(status: Status): unknown {
  return { ...status, conditions: (status.conditions ?? []).map(({ lastHeartbeatTime: _, ...rest }) => rest) };
}

export function nodeLabels(nodeName: string, architecture: string): Record<string, string> {
  return {
    "beta.kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture,
    "kubernetes.io/hostname": nodeName,
    "kubernetes.io/os": "linux",
  };
}
