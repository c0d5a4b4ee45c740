/** The chart as a graph for the layout engine ELK, and its answer as a layout. */
import type { ChartDefinition, ChartState } from "../../../../machines/chart/chart_definition.ts";
import { type ChartLayout, layoutHash } from "./chart_layout.ts";
import { type ChartParts, chartParts } from "./chart_parts.ts";
import { plainLayout } from "./plain_layout.ts";

/** The part of ELK's JSON that is written and read here. */
export interface ElkNode {
  id: string;
  x?: number;
  y?: number;
  width?: number;
  height?: number;
  layoutOptions?: Record<string, string>;
  children?: ElkNode[];
  edges?: ElkEdge[];
}

export interface ElkEdge {
  id: string;
  sources: string[];
  targets: string[];
  labels?: ElkLabel[];
  sections?: { startPoint: Point; endPoint: Point; bendPoints?: Point[] }[];
}

interface ElkLabel {
  id: string;
  text: string;
  x?: number;
  y?: number;
  width: number;
  height: number;
  layoutOptions?: Record<string, string>;
}

interface Point {
  x: number;
  y: number;
}

export interface Elk {
  layout(graph: ElkNode): Promise<ElkNode>;
}

/** What is tried: none of them is best for every chart. */
export interface Way {
  readonly direction: "DOWN" | "RIGHT";
  readonly placement: "NETWORK_SIMPLEX" | "LINEAR_SEGMENTS";
}

const ways: readonly Way[] = [
  { direction: "DOWN", placement: "NETWORK_SIMPLEX" },
  { direction: "DOWN", placement: "LINEAR_SEGMENTS" },
  { direction: "RIGHT", placement: "NETWORK_SIMPLEX" },
];

const dot = 10;

const options: Record<string, string> = {
  "elk.algorithm": "layered",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.json.shapeCoords": "ROOT",
  "elk.json.edgeCoords": "ROOT",
  "elk.layered.crossingMinimization.semiInteractive": "true",
  "elk.randomSeed": "1",
};

const spacing: Record<string, string> = {
  "elk.spacing.nodeNode": "18",
  "elk.spacing.edgeNode": "12",
  "elk.spacing.edgeEdge": "10",
  "elk.spacing.edgeLabel": "4",
  "elk.spacing.labelLabel": "4",
  "elk.layered.spacing.nodeNodeBetweenLayers": "22",
  "elk.layered.spacing.edgeNodeBetweenLayers": "12",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "10",
};

/** Ids of ELK are made of these: paths hold dots, and the root's is empty. */
const boxId = (path: string) => `box:${path}`;

export function elkGraph(chart: ChartDefinition, way: Way, parts = chartParts(chart)): ElkNode {
  const common = {
    ...options,
    ...spacing,
    "elk.direction": way.direction,
    "elk.layered.nodePlacement.strategy": way.placement,
  };
  const initial: ElkEdge[] = [];
  const build = (state: ChartState): ElkNode => {
    const { textWidth, textHeight } = parts.boxes.get(state.path)!;
    const node: ElkNode = { id: boxId(state.path), width: textWidth + 20, height: textHeight + 6 };
    if (state.states.length === 0) return node;
    node.children = state.states.map(build);
    if (state.initial !== undefined) {
      const id = `dot:${state.initial}`;
      node.children.unshift({ id, width: dot, height: dot });
      initial.push({ id: `initial:${state.initial}`, sources: [id], targets: [boxId(state.initial)] });
    }
    node.layoutOptions = {
      ...common,
      "elk.padding": `[top=${textHeight + 12},left=14,bottom=14,right=14]`,
      "elk.nodeSize.constraints": "MINIMUM_SIZE",
      "elk.nodeSize.minimum": `(${textWidth + 28},${textHeight + 30})`,
    };
    return node;
  };
  const root = build(chart.root);
  return {
    id: "chart",
    layoutOptions: { ...common, "elk.padding": "[top=2,left=2,bottom=2,right=2]" },
    children: [root],
    edges: [
      ...initial,
      ...parts.arrows.map(({ id, source, target, width, height }) => ({
        id: `arrow:${id}`,
        sources: [boxId(source)],
        targets: [boxId(target)],
        labels: [{ id: `label:${id}`, text: id, width, height, layoutOptions: { "elk.edgeLabels.inline": "true" } }],
      })),
    ],
  };
}

export function layoutFrom(answer: ElkNode, chart: ChartDefinition): ChartLayout {
  const boxes: Record<string, readonly [number, number, number, number]> = {};
  const visit = (node: ElkNode) => {
    if (node.id.startsWith("box:")) {
      boxes[node.id.slice(4)] = [round(node.x), round(node.y), round(node.width), round(node.height)];
    }
    node.children?.forEach(visit);
  };
  visit(answer);
  const arrows: Record<string, { line: number[]; label?: [number, number] }> = {};
  const initial: Record<string, number[]> = {};
  for (const edge of answer.edges ?? []) {
    const section = edge.sections?.[0];
    if (section === undefined) throw new Error(`Cannot lay out arrow "${edge.id}": the engine gave it no line`);
    const line = [section.startPoint, ...section.bendPoints ?? [], section.endPoint].flatMap(({ x, y }) => [
      round(x),
      round(y),
    ]);
    if (edge.id.startsWith("initial:")) initial[edge.id.slice(8)] = line;
    else {
      const label = edge.labels?.[0];
      arrows[edge.id.slice(6)] = {
        line,
        ...(label && { label: [round(label.x), round(label.y)] as [number, number] }),
      };
    }
  }
  return {
    hash: layoutHash(chart.hash),
    width: round(answer.width),
    height: round(answer.height),
    boxes,
    arrows,
    initial,
  };
}

/**
 * Lays a chart out in several ways and keeps the one that fits a screen best. The engine is known to fail on some
 * graphs; what it fails on in every way is laid out plainly.
 */
export async function layOut(elk: Elk, chart: ChartDefinition): Promise<ChartLayout> {
  const parts: ChartParts = chartParts(chart);
  const candidates: ChartLayout[] = [];
  for (const way of ways) {
    try {
      candidates.push(layoutFrom(await elk.layout(elkGraph(chart, way, parts)), chart));
    } catch (error) {
      if (way === ways.at(-1) && candidates.length === 0) {
        console.warn(`Cannot lay out chart "${chart.id}" well: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  return candidates.toSorted((a, b) => cost(a) - cost(b))[0] ?? plainLayout(chart, parts);
}

/** How far one has to zoom out to see all of it on a screen of 16 to 10. */
function cost({ width, height }: ChartLayout): number {
  return Math.max(width / 1.6, height);
}

function round(value: number | undefined): number {
  return Math.round((value ?? 0) * 2) / 2;
}
