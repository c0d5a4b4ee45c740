/** States and transitions of a chart, found by path and by number. */
import type { ChartDefinition, ChartState, ChartTransition } from "../../../../ports/inspection.ts";

export interface Placed {
  readonly transition: ChartTransition;
  /** Path of the state that holds it. */
  readonly source: string;
}

export interface ChartIndex {
  readonly states: ReadonlyMap<string, ChartState>;
  readonly transitions: ReadonlyMap<number, Placed>;
}

const indexes = new WeakMap<ChartDefinition, ChartIndex>();

export function chartIndex(chart: ChartDefinition): ChartIndex {
  let index = indexes.get(chart);
  if (index === undefined) {
    const states = new Map<string, ChartState>();
    const transitions = new Map<number, Placed>();
    const visit = (state: ChartState) => {
      states.set(state.path, state);
      for (const transition of state.transitions) transitions.set(transition.id, { transition, source: state.path });
      state.states.forEach(visit);
    };
    visit(chart.root);
    indexes.set(chart, index = { states, transitions });
  }
  return index;
}

/** What the state says of itself, or the nearest around it that does. */
export function descriptionOf(chart: ChartDefinition | undefined, path: string): string {
  if (chart === undefined) return "";
  const { states } = chartIndex(chart);
  for (let at = path;; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
    const description = states.get(at)?.description;
    if (description !== undefined && description !== "") return description;
    if (at === "") return "";
  }
}

/** The state with those around it, innermost first. */
export function outwards(path: string): string[] {
  const all: string[] = [];
  for (let at = path; at !== ""; at = at.includes(".") ? at.slice(0, at.lastIndexOf(".")) : "") all.push(at);
  return [...all, ""];
}
