/**
 * Lays the charts of all machines out: http/inspector/page/dist/layouts/MACHINE.HASH.json, one a machine. The page and
 * `chartroom chart` draw from them, so that neither waits for the layout engine.
 *
 *     deno run -A tools/generate_layouts.ts [--check]
 */
import ELK from "elkjs/lib/elk.bundled.js";
import { type Elk, layOut } from "../http/inspector/page/chart/elk_graph.ts";
import { chartOf, machineKey } from "../machines/chart/describe_chart.ts";
import { shippedMachines } from "./shipped_machines.ts";
import { writeOrCheckFolder } from "./write_or_check_folder.ts";

// The package's types describe the module's namespace, not the constructor that Deno hands out.
const elk = new (ELK as unknown as new () => Elk)();
const files: Record<string, string> = {};
for (const machine of await shippedMachines()) {
  const chart = chartOf(machine);
  files[`${machineKey(chart)}.json`] = `${JSON.stringify(await layOut(elk, chart))}\n`;
}
writeOrCheckFolder(new URL("../http/inspector/page/dist/layouts/", import.meta.url), files);
