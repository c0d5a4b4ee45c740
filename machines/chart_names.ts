/** What states, events and delays of a chart are called when people read about them. */
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";

/** The part of XState's state node that is read here. */
export interface ChartNode {
  readonly id: string;
  /** Names from the root down; empty for the root. */
  readonly path: readonly string[];
  /** Place in the chart's text. */
  readonly order: number;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly description?: string | undefined;
  readonly parent?: ChartNode | undefined;
  readonly states: Readonly<Record<string, ChartNode>>;
}

export function rootOf(machine: AnyStateMachine): ChartNode {
  return machine.root as unknown as ChartNode;
}

/** Every state that is active, ancestors too. */
export function activeNodes(snapshot: AnyMachineSnapshot): readonly ChartNode[] {
  return (snapshot as unknown as { _nodes: ChartNode[] })._nodes;
}

/** The innermost active states in the order of the chart: one, or one per region. */
export function activeLeaves(snapshot: AnyMachineSnapshot): ChartNode[] {
  const nodes = activeNodes(snapshot);
  return nodes.filter((node) => !nodes.some(({ parent }) => parent === node)).sort((a, b) => a.order - b.order);
}

/** `stopping.asked` */
export function nodeName({ path }: ChartNode): string {
  return path.join(".") || "(root)";
}

/** Where a machine is: `stopping.asked`; regions of a parallel state are joined by " + ". */
export function stateName(snapshot: AnyMachineSnapshot): string {
  return activeLeaves(snapshot).map(nodeName).join(" + ");
}

const delayed = /^xstate\.after\.(.*?)\..*$/;

/** The name of the delay behind a timer's id or a delayed event; other ids as they are. */
export function delayName(id: string): string {
  return id.replace(delayed, "$1");
}

/** The event of a transition: `always` for an eventless one, `after backOff` for a delayed one. */
export function eventName(on: string): string {
  if (on === "") return "always";
  return delayed.test(on) ? `after ${delayName(on)}` : on;
}
