/** What a simulated node is called, where its pods' addresses lie, and how people tell it from others. */
import { formatCidr } from "../network/cidr.ts";
import type { Node } from "../objects/object.ts";
import type { SimulatedWorld } from "./behaviours.ts";

export const simulatedLabel = "chartroom.dev/simulated";
/** Workloads that are to run must not come to lie here, where real nodes are there for them. */
export const simulatedTaint = { key: simulatedLabel, value: "true", effect: "NoSchedule" } as const;
/** On a Node: its kubelet hears and says nothing until it is gone. */
export const silentAnnotation = "chartroom.dev/silent";

const prefix = "simulated-";

export function simulatedNodeName(number: number): string {
  return `${prefix}${number}`;
}

/** Undefined: somebody else chose the name. */
export function simulatedNodeNumber(name: string): number | undefined {
  const number = /^simulated-(0|[1-9]\d*)$/.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}

export const isSimulated = ({ metadata }: Node): boolean => metadata.labels?.[simulatedLabel] === "true";
export const isSilent = ({ metadata }: Node): boolean => metadata.annotations?.[silentAnnotation] === "true";

/** There is room for so many. */
export const mostSimulatedNodes = 2 ** 20;
const perNode = 256;
/** 240.0.0.0/4: of no network, so that nobody takes the address of a simulated pod for one that answers. */
const firstAddress = 240 * 2 ** 24;

/** `slot`: its number in this process. */
export function simulatedPodCidr(slot: number): string {
  if (!Number.isInteger(slot) || slot < 0 || slot >= mostSimulatedNodes) {
    throw new Error(`Cannot address simulated node ${slot}: there is room for 0 to ${mostSimulatedNodes - 1}`);
  }
  return formatCidr({ first: firstAddress + slot * perNode, last: 0, prefix: 24 });
}

export function simulatedLabels({ nodes }: SimulatedWorld, number: number): Record<string, string> {
  const { labels = {}, zones } = nodes;
  return {
    [simulatedLabel]: "true",
    ...(zones === undefined ? {} : { "topology.kubernetes.io/zone": `zone-${number % zones}` }),
    ...labels,
  };
}

/** kwok's, which is that of a large machine. */
export function simulatedCapacity({ nodes }: SimulatedWorld) {
  const { cpu = "32", memory = "256Gi", pods = 110 } = nodes;
  return { cpu, memory, pods, ephemeralStorage: "1Ti" };
}
