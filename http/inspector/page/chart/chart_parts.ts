/**
 * What of a chart is drawn: boxes with lines of text, and arrows with labels. Transitions from one state to the same
 * targets share an arrow; those that stay where they are become lines in the box, as UML has it. Both keep a chart of
 * forty states readable, and no arrow begins and ends at the same box.
 */
import type { ChartDefinition, ChartState, ChartTransition } from "../../../../machines/chart/chart_definition.ts";
import { cut, labelWidth, lineHeight, nameWidth } from "./text_size.ts";

/** A line of text in a state's box. */
export interface BoxLine {
  readonly text: string;
  readonly kind: "entry" | "exit" | "inner" | "more";
  /** The orders it gives, to be lit while one is under way. */
  readonly orders: readonly string[];
  /** The transition that it stands for. */
  readonly transition?: number;
}

export interface Box {
  readonly state: ChartState;
  readonly parent: string | undefined;
  readonly depth: number;
  readonly lines: readonly BoxLine[];
  /** Of the name and the lines. */
  readonly textWidth: number;
  readonly textHeight: number;
}

export interface Arrow {
  /** `SOURCE>TARGET`, unique in the chart. */
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly labels: readonly ArrowLabel[];
  readonly width: number;
  readonly height: number;
}

export interface ArrowLabel {
  readonly transition: number;
  readonly kind: ChartTransition["kind"];
  readonly text: string;
  readonly guard: string | undefined;
}

export interface ChartParts {
  readonly boxes: ReadonlyMap<string, Box>;
  readonly arrows: readonly Arrow[];
}

const longestLine = 44;
const mostLines = 7;
const headerHeight = 26;

export function chartParts(chart: ChartDefinition): ChartParts {
  const boxes = new Map<string, Box>();
  const arrows = new Map<string, ArrowLabel[]>();
  const visit = (state: ChartState, parent: string | undefined, depth: number) => {
    boxes.set(state.path, boxOf(chart, state, parent, depth));
    for (const transition of state.transitions) {
      for (const target of transition.targets) {
        if (target === state.path) continue;
        const id = `${state.path}>${target}`;
        const labels = arrows.get(id) ?? [];
        labels.push(labelOf(transition, transition.targets.length > 1));
        arrows.set(id, labels);
      }
    }
    for (const child of state.states) visit(child, state.path, depth + 1);
  };
  visit(chart.root, undefined, 0);
  return { boxes, arrows: [...arrows].map(([id, labels]) => arrowOf(id, labels)) };
}

function boxOf(chart: ChartDefinition, state: ChartState, parent: string | undefined, depth: number): Box {
  const orders = (names: readonly string[]) => names.filter((name) => name in chart.orders);
  const all: BoxLine[] = [
    ...orders(state.entry ?? []).map((name): BoxLine => ({ text: `▸ ${name}`, kind: "entry", orders: [name] })),
    ...orders(state.exit ?? []).map((name): BoxLine => ({ text: `◂ ${name}`, kind: "exit", orders: [name] })),
    ...state.transitions.filter(({ targets }) => targets.every((target) => target === state.path))
      .map((transition): BoxLine => ({
        text: `${transition.targets.length > 0 ? "↻" : "·"} ${transition.label}${guardText(transition.guard)}`,
        kind: "inner",
        orders: orders(transition.actions),
        transition: transition.id,
      })),
  ];
  const lines = all.length <= mostLines ? all : [
    ...all.slice(0, mostLines - 1),
    { text: `+ ${all.length - mostLines + 1} more`, kind: "more", orders: [] } as const,
  ];
  const cutLines = lines.map((line) => ({ ...line, text: cut(line.text, longestLine) }));
  return {
    state,
    parent,
    depth,
    lines: cutLines,
    textWidth: Math.max(nameWidth(state.name) + badgeWidth(state), ...cutLines.map(({ text }) => labelWidth(text))),
    textHeight: headerHeight + cutLines.length * lineHeight,
  };
}

/** Room for what stands behind the name: "all at once", "end", "as before". */
export function badge({ type, history }: ChartState): string {
  if (type === "parallel") return "all at once";
  if (type === "final") return "end";
  if (type === "history") return history === "deep" ? "H*" : "H";
  return "";
}

function badgeWidth(state: ChartState): number {
  const text = badge(state);
  return text === "" ? 0 : labelWidth(text) + 14;
}

function guardText(guard: string | undefined): string {
  return guard === undefined ? "" : ` [${guard}]`;
}

function labelOf({ id, kind, label, guard }: ChartTransition, forked: boolean): ArrowLabel {
  return { transition: id, kind, text: cut(`${label}${guardText(guard)}${forked ? " ∥" : ""}`, longestLine), guard };
}

function arrowOf(id: string, labels: readonly ArrowLabel[]): Arrow {
  const at = id.indexOf(">");
  return {
    id,
    source: id.slice(0, at),
    target: id.slice(at + 1),
    labels,
    width: Math.max(...labels.map(({ text }) => labelWidth(text))) + 10,
    height: labels.length * lineHeight + 4,
  };
}
