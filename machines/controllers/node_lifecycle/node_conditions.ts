/** What a node's conditions mean for others: taints, and what silence makes of the conditions. */
import type { Node } from "../../objects/object.ts";
import { formatTime } from "../../objects/time.ts";

export type Taint = NonNullable<NonNullable<Node["spec"]>["taints"]>[number];
type Condition = NonNullable<NonNullable<Node["status"]>["conditions"]>[number];

/** Condition and status to taint key (Kubernetes docs, "Taint Nodes by Condition"). */
const taintKeys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: "node.kubernetes.io/not-ready", Unknown: "node.kubernetes.io/unreachable" },
  MemoryPressure: { True: "node.kubernetes.io/memory-pressure" },
  DiskPressure: { True: "node.kubernetes.io/disk-pressure" },
  PIDPressure: { True: "node.kubernetes.io/pid-pressure" },
  NetworkUnavailable: { True: "node.kubernetes.io/network-unavailable" },
};
const unschedulable = "node.kubernetes.io/unschedulable";
const evicting = new Set(Object.values(taintKeys.Ready ?? {}));
const ours = new Set([...Object.values(taintKeys).flatMap((keys) => Object.values(keys)), unschedulable]);

/** The taints the node should have: others' as they are, ours by its conditions. Those of unready nodes evict, too. */
export function taintsFor(node: Node, now: number): Taint[] {
  const before = node.spec?.taints ?? [];
  const keys = (node.status?.conditions ?? []).flatMap(({ type, status }) => taintKeys[type]?.[status] ?? []);
  if (node.spec?.unschedulable) keys.push(unschedulable);
  const wanted = keys.flatMap((key): Taint[] => [
    { key, effect: "NoSchedule" },
    ...(evicting.has(key) ? [{ key, effect: "NoExecute" } as const] : []),
  ]);
  const same = (a: Taint) => (b: Taint) => a.key === b.key && a.effect === b.effect;
  const foreign = before.filter(({ key }) => !ours.has(key));
  return [
    ...foreign,
    ...wanted.map((taint) => before.find(same(taint)) ?? { ...taint, timeAdded: formatTime(now) }),
  ];
}

const watched = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** The conditions of a node that has fallen silent. */
export function unknownConditions(node: Node, now: number): Condition[] {
  const time = formatTime(now);
  const before = node.status?.conditions ?? [];
  const types = [...new Set([...before.map(({ type }) => type), ...watched])];
  return types.map((type) => {
    const old = before.find((each) => each.type === type);
    if (!watched.includes(type) || old?.status === "Unknown") return old!;
    const said = old === undefined
      ? { reason: "NodeStatusNeverUpdated", message: "Kubelet never posted node status." }
      : { reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." };
    const lastHeartbeatTime = old?.lastHeartbeatTime ?? node.metadata.creationTimestamp;
    return { type, status: "Unknown", lastHeartbeatTime, lastTransitionTime: time, ...said };
  });
}
