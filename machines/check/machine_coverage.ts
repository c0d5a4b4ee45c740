/** What of a chart an exploration has walked through. */
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { activeNodes, type ChartNode, eventName, nodeName, rootOf } from "../chart_names.ts";
import { effectsOf } from "../effect.ts";
import { type Edge, edgesOf, type Step } from "../step.ts";

export interface SavedCoverage {
  readonly states: readonly string[];
  /** Places among the edges of the machine. */
  readonly edges: readonly number[];
  readonly guards: readonly { readonly name: string; readonly passed: boolean; readonly refused: boolean }[];
}

export class MachineCoverage {
  readonly #nodes = new Map<string, ChartNode>();
  readonly #reached = new Set<ChartNode>();
  readonly #taken = new Set<Edge>();
  readonly #guards = new Map<string, { passed: boolean; refused: boolean }>();

  constructor(readonly machine: AnyStateMachine) {
    const visit = (node: ChartNode) => {
      this.#nodes.set(node.id, node);
      for (const child of Object.values(node.states)) visit(child);
    };
    visit(rootOf(machine));
    for (const name of Object.keys(machine.implementations.guards)) {
      this.#guards.set(name, { passed: false, refused: false });
    }
  }

  note(step: Step<AnyStateMachine>): void {
    for (const node of activeNodes(step.snapshot)) this.#reached.add(node);
    for (const edge of step.edges) {
      if (this.#taken.has(edge)) continue;
      this.#taken.add(edge);
      // States that are left at once are in no snapshot: whoever leaves or enters them has been there.
      for (const id of [edge.source, ...edge.targets]) this.#reach(this.#nodes.get(id));
    }
    for (const { guard, passed } of step.guards) {
      const seen = this.#guards.get(guard);
      if (seen === undefined) continue;
      if (passed) seen.passed = true;
      else seen.refused = true;
    }
  }

  /** Takes over what another exploration of the same machine has walked through. */
  add(other: MachineCoverage): void {
    for (const node of other.#reached) this.#reached.add(node);
    for (const edge of other.#taken) this.#taken.add(edge);
    for (const [name, { passed, refused }] of other.#guards) {
      const seen = this.#guards.get(name);
      if (seen === undefined) continue;
      seen.passed ||= passed;
      seen.refused ||= refused;
    }
  }

  /** What is left out, in words. */
  uncovered(): string[] {
    const { id } = this.machine;
    return [
      ...this.unreachedStates().map((name) => `${id}: state never reached: ${name}`),
      ...this.unreachedEdges().map((name) => `${id}: edge never taken: ${name}`),
      ...this.untriedGuards().map((name) => `${id}: guard ${name}`),
    ];
  }

  /** As plain data, for another worker's `addSaved`. */
  save(): SavedCoverage {
    const edges = edgesOf(this.machine);
    return {
      states: [...this.#reached].map(({ id }) => id),
      edges: edges.flatMap((edge, index) => this.#taken.has(edge) ? [index] : []),
      guards: [...this.#guards].map(([name, outcomes]) => ({ name, ...outcomes })),
    };
  }

  addSaved({ states, edges, guards }: SavedCoverage): void {
    const all = edgesOf(this.machine);
    for (const id of states) this.#reached.add(this.#nodes.get(id)!);
    for (const index of edges) this.#taken.add(all[index]!);
    for (const { name, passed, refused } of guards) {
      const seen = this.#guards.get(name)!;
      seen.passed ||= passed;
      seen.refused ||= refused;
    }
  }

  /** How many there are, and how many were walked through. */
  get counts(): { readonly states: number; readonly reached: number; readonly edges: number; readonly taken: number } {
    const edges = edgesOf(this.machine);
    const taken = edges.filter((edge) => this.#taken.has(edge)).length;
    return { states: this.#nodes.size, reached: this.#reached.size, edges: edges.length, taken };
  }

  unreachedStates(): string[] {
    return [...this.#nodes.values()].filter((node) => !this.#reached.has(node)).map(nodeName);
  }

  unreachedEdges(): string[] {
    return edgesOf(this.machine).filter((edge) => !this.#taken.has(edge)).map((edge) => this.edgeName(edge));
  }

  /** Guards with an outcome that never came, with which. */
  untriedGuards(): string[] {
    return [...this.#guards].flatMap(([name, { passed, refused }]) => {
      if (!passed && !refused) return [`"${name}" is never asked`];
      if (!passed) return [`"${name}" never passes`];
      return refused ? [] : [`"${name}" never refuses`];
    });
  }

  /** States without a description; history states, which nobody is ever in, and the root need none. */
  undescribedStates(): string[] {
    return [...this.#nodes.values()]
      .filter((node) => node.parent !== undefined && node.type !== "history" && !node.description)
      .map(nodeName);
  }

  /** Actions that are neither orders nor XState's own. */
  inertActions(): string[] {
    const orders = effectsOf(this.machine);
    return Object.entries(this.machine.implementations.actions)
      .filter(([name, action]) => !orders.has(name) && typeof action === "function" && !("resolve" in action))
      .map(([name]) => name);
  }

  /** For people: `pulling --image.pulled [isWanted]--> starting`. */
  edgeName({ source, on, index, targets, guard }: Edge): string {
    const name = (id: string) => nodeName(this.#nodes.get(id)!);
    const place = guard === undefined ? (index > 0 ? ` #${index + 1}` : "") : ` [${guard}]`;
    return `${name(source)} --${eventName(on)}${place}--> ${targets.map(name).join(", ") || "(stays)"}`;
  }

  #reach(node: ChartNode | undefined): void {
    for (let at = node; at !== undefined && !this.#reached.has(at); at = at.parent) this.#reached.add(at);
  }
}

/** Whether one of the named states (dotted paths) is active. */
export function isIn(snapshot: AnyMachineSnapshot, names: ReadonlySet<string>): boolean {
  return activeNodes(snapshot).some((node) => names.has(nodeName(node)));
}
