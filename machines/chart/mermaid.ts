/** A chart as a Mermaid state diagram: for documents that are read where nothing else can be drawn. */
import type { ChartDefinition, ChartState, ChartTransition } from "./chart_definition.ts";

export function mermaidOf({ id, root }: ChartDefinition): string {
  const lines = ["stateDiagram-v2"];
  const arrows: string[] = [];
  for (const state of root.states) drawState(state, "  ", lines, arrows);
  if (root.initial !== undefined) lines.push(`  [*] --> ${nameOf(root.initial)}`);
  drawTransitions(root, lines, arrows, id);
  return [...lines, ...arrows].join("\n") + "\n";
}

function drawState(state: ChartState, indent: string, lines: string[], arrows: string[]): void {
  const name = nameOf(state.path);
  if (state.states.length === 0) {
    lines.push(`${indent}state "${state.name}${state.type === "history" ? " (history)" : ""}" as ${name}`);
  } else {
    lines.push(`${indent}state "${state.name}" as ${name} {`);
    state.states.forEach((child, index) => {
      if (state.type === "parallel" && index > 0) lines.push(`${indent}  --`);
      drawState(child, `${indent}  `, lines, arrows);
    });
    if (state.initial !== undefined) lines.push(`${indent}  [*] --> ${nameOf(state.initial)}`);
    lines.push(`${indent}}`);
  }
  if (state.type === "final") arrows.push(`  ${name} --> [*]`);
  drawTransitions(state, lines, arrows);
}

/** The root has no box to draw an arrow from: what it handles everywhere is told in a note. */
function drawTransitions(state: ChartState, lines: string[], arrows: string[], root?: string): void {
  for (const transition of state.transitions) {
    for (const target of transition.targets) {
      if (root === undefined) arrows.push(`  ${nameOf(state.path)} --> ${nameOf(target)} : ${labelOf(transition)}`);
      else lines.push(`  %% anywhere in ${root}: ${labelOf(transition)} to ${target}`);
    }
  }
}

function labelOf({ label, guard }: ChartTransition): string {
  const said = guard === undefined ? label : `${label} [${guard}]`;
  return said.replaceAll(/[:;#{}"]/g, " ");
}

/** Mermaid's names are words. */
function nameOf(path: string): string {
  return `s_${path.replaceAll(".", "__").replaceAll(/[^A-Za-z0-9_]/g, "_")}`;
}
