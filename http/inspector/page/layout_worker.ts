/** Lays out charts that were not laid out when the page was built; loaded when one is met. */
import ELK from "elkjs/lib/elk.bundled.js";
import type { ChartDefinition } from "../../../machines/chart/chart_definition.ts";
import { type Elk, layOut } from "./chart/elk_graph.ts";

const elk = new (ELK as unknown as new () => Elk)();
const scope = self as unknown as {
  onmessage: (event: MessageEvent<ChartDefinition>) => void;
  postMessage(message: unknown): void;
};
scope.onmessage = async ({ data }) => scope.postMessage(await layOut(elk, data));
