/**
 * Draws the project's charts for its documents: docs/charts/MACHINE.svg, and docs/charts/README.md that shows them.
 *
 *     deno run -A tools/generate_charts.ts [--check]
 */
import { chartText } from "../commands/chart.ts";
import { machines } from "../commands/machine_table.ts";
import { chartOf } from "../machines/chart/describe_chart.ts";
import { writeOrCheckFolder } from "./write_or_check_folder.ts";

const files: Record<string, string> = {};
const lines = [
  "# The charts",
  "",
  "Every component of Chartroom is one of these statecharts, and these are drawn from the very machines that run. A chart",
  "of your cluster, with the states that are active now, is on the inspector's page (`chartroom inspect`).",
  "",
];
for (const [id, load] of Object.entries(machines)) {
  const { root } = chartOf(await load());
  files[`${id}.svg`] = `${await chartText(id, "svg")}\n`;
  lines.push(
    `## ${id}`,
    "",
    ...(root.description === undefined ? [] : [root.description, ""]),
    `![${id}](${id}.svg)`,
    "",
  );
}
files["README.md"] = `${lines.join("\n").trimEnd()}\n`;
writeOrCheckFolder(new URL("../docs/charts/", import.meta.url), files);
