/** A pod is bound once, its phase goes forward only, and what is bound to a node fits. */
import type { Node, Pod } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { quantityMilliValue, quantityOf } from "../../../machines/objects/quantity.ts";
import type { Invariant, Watched } from "./invariant.ts";

const order = ["Pending", "Running", "Succeeded", "Failed"];

export function podLife({ mirror, failed }: Watched): Invariant {
  const bound = new Map<string, Map<string, Pod>>();
  const podsOf = (node: string) => {
    let pods = bound.get(node);
    if (pods === undefined) bound.set(node, pods = new Map());
    return pods;
  };

  mirror.on<Pod>(resources.pods, ({ now, before }) => {
    const old = before?.spec?.nodeName;
    if (old && before !== undefined) podsOf(old).delete(before.metadata.uid);
    if (now === undefined) return;
    const name = `pod ${now.metadata.namespace}/${now.metadata.name}`;
    const node = now.spec?.nodeName;
    if (old && before !== undefined && node !== old) {
      failed("a pod is bound to a node once", `${name} was bound to ${old} and is now bound to ${node || "none"}`);
    }
    const [from, to] = [before, now].map((pod) => pod?.status?.phase);
    if (from !== undefined && to !== undefined && goesBack(from, to)) {
      failed("a pod's phase never goes back", `${name} was ${from} and is now ${to}`);
    }
    if (!node || isOver(now)) return;
    podsOf(node).set(now.metadata.uid, now);
    if (node !== old) checkNode(node);
  });

  function checkNode(name: string): void {
    const node = mirror.get<Node>(resources.nodes, name);
    if (node === undefined) return;
    const { cpu, pods: most } = node.status?.allocatable ?? {};
    const pods = [...podsOf(name).values()];
    const wanted = pods.reduce((sum, pod) => sum + milliCpuOf(pod), 0);
    const said = () => pods.map(({ metadata }) => metadata.name).join(", ");
    if (cpu !== undefined && wanted > Number(quantityMilliValue(quantityOf(cpu)))) {
      failed("no node is given more than it has", `${name} has cpu ${cpu} and is given ${wanted}m by ${said()}`);
    }
    if (most !== undefined && pods.length > Number(most)) {
      failed("no node is given more than it has", `${name} takes ${most} pods and is given ${pods.length}`);
    }
  }

  return {
    checkAll() {
      for (const name of bound.keys()) checkNode(name);
    },
  };
}

function goesBack(from: string, to: string): boolean {
  if (from === to) return false;
  return isOverPhase(from) || order.indexOf(to) < order.indexOf(from);
}

function isOverPhase(phase: string | undefined): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

function isOver(pod: Pod): boolean {
  return isOverPhase(pod.status?.phase);
}

function milliCpuOf(pod: Pod): number {
  return (pod.spec?.containers ?? []).reduce(
    (sum, { resources: needs }) => sum + Number(quantityMilliValue(quantityOf(needs?.requests?.["cpu"] ?? "0"))),
    0,
  );
}
