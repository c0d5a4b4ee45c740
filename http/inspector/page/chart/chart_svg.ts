/**
 * A chart with its layout as SVG text: the same for the page, for `chartroom chart --format svg` and for the docs. The
 * page lights states and arrows by adding classes to the groups, which carry `data-state`, `data-arrow` and
 * `data-transition`; nothing is drawn anew while it watches.
 */
import type { ChartDefinition, ChartState } from "../../../../machines/chart/chart_definition.ts";
import type { ChartLayout } from "./chart_layout.ts";
import { type Arrow, badge, type Box, chartParts } from "./chart_parts.ts";
import { chartStyle } from "./chart_style.ts";
import { labelWidth, lineHeight, nameWidth } from "./text_size.ts";

export interface SvgOptions {
  /** Paths of active states, ancestors or not: those are lit in any case. */
  readonly active?: readonly string[];
  /** Ids of the transitions taken last. */
  readonly taken?: readonly number[];
  /** With its own style, to stand alone as a file. Default true. */
  readonly standalone?: boolean;
  /** For readers of the screen; default: the machine's id. */
  readonly title?: string;
}

const margin = 6;
const corner = 5;

export function chartSvg(chart: ChartDefinition, layout: ChartLayout, options: SvgOptions = {}): string {
  const { boxes, arrows } = chartParts(chart);
  const active = withAncestors(options.active ?? []);
  const taken = new Set(options.taken ?? []);
  const width = layout.width + 2 * margin;
  const height = layout.height + 2 * margin;
  const byDepth = [...boxes.values()].sort((a, b) => a.depth - b.depth);
  const lines = arrows.map((arrow) => arrowSvg(arrow, layout, taken)).join("\n");
  const labels = arrows.map((arrow) => labelSvg(arrow, layout, taken)).join("\n");
  const title = options.title ?? `Statechart "${chart.id}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="${-margin} ${-margin} ${width} ${height}" ` +
    `width="${width}" height="${height}" role="group" aria-label="${escape(title)}">`,
    `<title>${escape(title)}</title>`,
    ...(options.standalone === false ? [] : [`<style>${chartStyle}</style>`]),
    ...byDepth.map((box) => boxSvg(box, layout, active)),
    ...Object.entries(layout.initial).map(([path, line]) => initialSvg(path, line)),
    lines,
    labels,
    "</svg>",
  ].join("\n");
}

/** Every path with those of the states around it; the root too. */
export function withAncestors(paths: readonly string[]): Set<string> {
  const all = new Set<string>();
  for (const path of paths) {
    all.add("");
    const names = path.split(".");
    for (let count = 1; count <= names.length; count++) all.add(names.slice(0, count).join("."));
  }
  return all;
}

function boxSvg({ state, depth, lines }: Box, layout: ChartLayout, active: ReadonlySet<string>): string {
  const place = layout.boxes[state.path];
  if (place === undefined) throw new Error(`Cannot draw chart: its layout has no place for state "${state.path}"`);
  const [x, y, width, height] = place;
  const classes = [
    "state",
    state.type,
    depth % 2 === 0 ? "even" : "odd",
    ...(active.has(state.path) ? ["active"] : []),
    ...(state.tags ?? []).map((tag) => `tag-${tag.replace(/[^\w-]/g, "-")}`),
  ].join(" ");
  const rect = `<rect class="box" x="${x}" y="${y}" width="${width}" height="${height}" rx="7"/>`;
  const inner = state.type === "final"
    ? `<rect class="box inner" x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${height - 6}" rx="5"/>`
    : "";
  const name = `<text class="name" x="${x + 10}" y="${y + 18}">${escape(state.name)}</text>`;
  const words = badge(state);
  const mark = words === ""
    ? ""
    : `<text class="badge" x="${x + 18 + nameWidth(state.name)}" y="${y + 18}">${words}</text>`;
  const rule = lines.length > 0 || state.states.length > 0
    ? `<path class="rule" d="M${x + 1} ${y + 25.5}H${x + width - 1}"/>`
    : "";
  const texts = lines.map((line, index) =>
    `<text class="line ${line.kind}" x="${x + 10}" y="${y + 39 + index * lineHeight}"` +
    (line.transition === undefined ? "" : ` data-transition="${line.transition}"`) +
    (line.orders.length === 0 ? "" : ` data-orders="${escape(line.orders.join(" "))}"`) +
    `>${escape(line.text)}</text>`
  ).join("");
  return `<g class="${classes}" data-state="${escape(state.path)}"><title>${escape(hint(state))}</title>` +
    `${rect}${inner}${rule}${name}${mark}${texts}</g>`;
}

function hint({ path, name, description }: ChartState): string {
  return `${path || name}${description === undefined ? "" : `: ${description}`}`;
}

function initialSvg(path: string, line: readonly number[]): string {
  const [x = 0, y = 0] = line;
  return `<g class="initial" data-initial="${escape(path)}"><circle cx="${x}" cy="${y}" r="4.5"/>` +
    `<path class="line" d="${rounded(line)}"/><path class="head" d="${head(line)}"/></g>`;
}

function arrowSvg({ id, labels }: Arrow, layout: ChartLayout, taken: ReadonlySet<number>): string {
  const place = layout.arrows[id];
  if (place === undefined) throw new Error(`Cannot draw chart: its layout has no place for arrow "${id}"`);
  const lit = labels.some(({ transition }) => taken.has(transition)) ? " taken" : "";
  const kinds = [...new Set(labels.map(({ kind }) => kind))].join(" ");
  return `<g class="arrow ${kinds}${lit}" data-arrow="${escape(id)}">` +
    `<path class="line" d="${rounded(place.line)}"/><path class="head" d="${head(place.line)}"/></g>`;
}

function labelSvg({ id, labels, width, height }: Arrow, layout: ChartLayout, taken: ReadonlySet<number>): string {
  const at = layout.arrows[id]?.label;
  if (at === undefined) return "";
  const [x, y] = at;
  const texts = labels.map(({ text, transition, kind }, index) =>
    `<text class="label ${kind}${taken.has(transition) ? " taken" : ""}" data-transition="${transition}" ` +
    `x="${x + width / 2}" y="${y + 13 + index * lineHeight}" text-anchor="middle">${escape(text)}</text>`
  ).join("");
  const back = Math.max(...labels.map(({ text }) => labelWidth(text))) + 6;
  return `<g class="labels" data-label="${escape(id)}">` +
    `<rect x="${x + (width - back) / 2}" y="${y + 1}" width="${back}" height="${height - 2}" rx="4"/>${texts}</g>`;
}

/** The line with its corners rounded. */
function rounded(line: readonly number[]): string {
  let path = `M${line[0]} ${line[1]}`;
  for (let i = 2; i < line.length - 2; i += 2) {
    const [before, at, after] = [i - 2, i, i + 2].map((index) => [line[index]!, line[index + 1]!] as const) as [
      readonly [number, number],
      readonly [number, number],
      readonly [number, number],
    ];
    const radius = Math.min(corner, distance(before, at) / 2, distance(at, after) / 2);
    const into = towards(at, before, radius);
    const out = towards(at, after, radius);
    path += `L${into[0]} ${into[1]}Q${at[0]} ${at[1]} ${out[0]} ${out[1]}`;
  }
  return `${path}L${line.at(-2)} ${line.at(-1)}`;
}

function head(line: readonly number[]): string {
  const end = [line.at(-2)!, line.at(-1)!] as const;
  const from = [line.at(-4)!, line.at(-3)!] as const;
  const long = distance(from, end) || 1;
  const [dx, dy] = [(end[0] - from[0]) / long, (end[1] - from[1]) / long];
  const back = [end[0] - dx * 8, end[1] - dy * 8] as const;
  const left = [back[0] - dy * 3.5, back[1] + dx * 3.5].map(tidy);
  const right = [back[0] + dy * 3.5, back[1] - dx * 3.5].map(tidy);
  return `M${end[0]} ${end[1]}L${left.join(" ")}L${right.join(" ")}Z`;
}

function distance(a: readonly [number, number], b: readonly [number, number]): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

function towards(from: readonly [number, number], to: readonly [number, number], by: number): [number, number] {
  const long = distance(from, to) || 1;
  return [tidy(from[0] + (to[0] - from[0]) * by / long), tidy(from[1] + (to[1] - from[1]) * by / long)];
}

function tidy(value: number): number {
  return Math.round(value * 100) / 100;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => entities[letter]!);
}
