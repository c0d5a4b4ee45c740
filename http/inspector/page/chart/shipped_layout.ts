/** The layouts of the project's own machines, as tools/generate_layouts.ts made them. */
import type { ChartDefinition } from "../../../../machines/chart/chart_definition.ts";
import { machineKey } from "../../../../machines/chart/describe_chart.ts";
import { type ChartLayout, layoutHash } from "./chart_layout.ts";
import { plainLayout } from "./plain_layout.ts";

/** Where the chart's layout is, if it was laid out when this was built. */
export function layoutFile(chart: ChartDefinition): URL {
  return new URL(`../dist/layouts/${machineKey(chart)}.json`, import.meta.url);
}

/** The layout that the file holds; a plain one where there is no file, or one for another way of laying out. */
export function layoutOfFile(chart: ChartDefinition, text: string | undefined): ChartLayout {
  const layout: ChartLayout | undefined = text === undefined ? undefined : JSON.parse(text);
  return layout?.hash === layoutHash(chart.hash) ? layout : plainLayout(chart);
}
