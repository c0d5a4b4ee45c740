/**
 * A layout that always succeeds: states below one another, nested, and arrows along the right side in lanes of their
 * own. For charts that the engine cannot cope with in time, and while it is still at work.
 */
import type { ChartDefinition, ChartState } from "../../../../machines/chart/chart_definition.ts";
import { type ArrowPlace, type ChartLayout, layoutHash } from "./chart_layout.ts";
import { type Arrow, type ChartParts, chartParts } from "./chart_parts.ts";

const gap = 14;
const lane = 12;
type Place = [x: number, y: number, width: number, height: number];

export function plainLayout(chart: ChartDefinition, parts: ChartParts = chartParts(chart)): ChartLayout {
  const boxes: Record<string, Place> = {};
  const initial: Record<string, number[]> = {};
  const place = (state: ChartState, x: number, y: number): Place => {
    const { textWidth, textHeight } = parts.boxes.get(state.path)!;
    let [width, height] = [textWidth + 24, textHeight + 8];
    if (state.states.length > 0) {
      height += 4;
      for (const child of state.states) {
        const [, , childWidth, childHeight] = place(child, x + 30, y + height);
        if (child.path === state.initial) {
          initial[child.path] = [x + 14, y + height + 13, x + 30, y + height + 13];
        }
        width = Math.max(width, childWidth + 30 + gap);
        height += childHeight + gap;
      }
    }
    return boxes[state.path] = [x, y, width, height];
  };
  const [, , rootWidth, rootHeight] = place(chart.root, 0, 0);
  const arrows: Record<string, ArrowPlace> = {};
  const ends = new Map<string, number>();
  let right = rootWidth + lane;
  for (const arrow of inOrder(parts.arrows, boxes)) {
    const from = edgeOf(boxes[arrow.source]!, ends, arrow.source);
    const to = edgeOf(boxes[arrow.target]!, ends, arrow.target);
    arrows[arrow.id] = {
      line: [...from, right, from[1], right, to[1], ...to],
      label: [right + 4, (from[1] + to[1]) / 2 - arrow.height / 2],
    };
    right += lane + arrow.width;
  }
  return { hash: layoutHash(chart.hash), width: right, height: rootHeight, boxes, arrows, initial };
}

/** Short arrows in the inner lanes. */
function inOrder(arrows: readonly Arrow[], boxes: Readonly<Record<string, Place>>): Arrow[] {
  const length = ({ source, target }: Arrow) => Math.abs(boxes[source]![1] - boxes[target]![1]);
  return arrows.toSorted((a, b) => length(a) - length(b));
}

/** The next free point on the right side of a box. */
function edgeOf([x, y, width, height]: Place, used: Map<string, number>, path: string): [number, number] {
  const count = used.get(path) ?? 0;
  used.set(path, count + 1);
  return [x + width, y + 8 + (count * 6) % Math.max(6, height - 12)];
}
