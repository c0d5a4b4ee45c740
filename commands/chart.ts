/** `chartroom chart`: a machine of the project as a picture, a diagram's text, or data. */
import { chartSvg } from "../http/inspector/page/chart/chart_svg.ts";
import { layoutFile, layoutOfFile } from "../http/inspector/page/chart/shipped_layout.ts";
import type { ChartDefinition } from "../machines/chart/chart_definition.ts";
import { chartOf } from "../machines/chart/describe_chart.ts";
import { mermaidOf } from "../machines/chart/mermaid.ts";
import { configOf } from "../machines/chart/xstate_config.ts";
import { machines } from "./machine_table.ts";

export const chartFormats = ["svg", "mermaid", "json", "xstate"] as const;
export type ChartFormat = typeof chartFormats[number];

export async function chart(name: string | undefined, { format }: { format: ChartFormat }): Promise<void> {
  if (name === undefined) {
    console.log(Object.keys(machines).join("\n"));
    return;
  }
  console.log(await chartText(name, format));
}

/** @throws Error when there is no such machine. */
export async function chartText(name: string, format: ChartFormat): Promise<string> {
  const wanted = name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const id = Object.keys(machines).find((each) => each.toLowerCase().replaceAll(/[^a-z0-9]/g, "") === wanted);
  if (id === undefined) throw new Error(`Cannot draw "${name}": it can be ${Object.keys(machines).join(", ")}`);
  return await formatted(chartOf(await machines[id]!()), format);
}

async function formatted(definition: ChartDefinition, format: ChartFormat): Promise<string> {
  switch (format) {
    case "svg":
      return chartSvg(definition, layoutOfFile(definition, await layoutText(definition)));
    case "mermaid":
      return mermaidOf(definition).trimEnd();
    case "json":
      return JSON.stringify(definition, null, 2);
    case "xstate":
      return JSON.stringify(configOf(definition), null, 2);
  }
}

async function layoutText(definition: ChartDefinition): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(layoutFile(definition));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
