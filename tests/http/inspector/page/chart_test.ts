import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { chartSvg } from "../../../../http/inspector/page/chart/chart_svg.ts";
import { chartParts } from "../../../../http/inspector/page/chart/chart_parts.ts";
import type { ChartLayout } from "../../../../http/inspector/page/chart/chart_layout.ts";
import { plainLayout } from "../../../../http/inspector/page/chart/plain_layout.ts";
import { layoutHash } from "../../../../http/inspector/page/chart/chart_layout.ts";
import type { AnyStateMachine } from "xstate";
import { layoutFile, layoutOfFile } from "../../../../http/inspector/page/chart/shipped_layout.ts";
import { chartOf } from "../../../../machines/chart/describe_chart.ts";
import { podMachine } from "../../../../machines/pod/pod_machine.ts";
import { shippedMachines } from "../../../../tools/shipped_machines.ts";

const pod = chartOf(podMachine);
/** That the shipped ones are of this chart is what the generator's check is for. */
function layoutOf(machine: AnyStateMachine): ChartLayout {
  const chart = chartOf(machine);
  try {
    return layoutOfFile(chart, Deno.readTextFileSync(layoutFile(chart)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return layoutOfFile(chart, undefined);
  }
}

Deno.test("chartParts joins transitions between the same states into one arrow", () => {
  const { arrows } = chartParts(pod);
  const ids = arrows.map(({ id }) => id);
  assertEquals(ids.length, new Set(ids).size);
  const terminating = arrows.find(({ id }) => id === ">terminating");
  assertEquals(terminating?.labels.map(({ text }) => text), ["pod.deletionAsked", "pod.objectRemoved"]);
});

Deno.test("chartParts draws no arrow from a state to itself: that is a line in its box", () => {
  const { arrows, boxes } = chartParts(pod);
  assertEquals(arrows.filter(({ source, target }) => source === target), []);
  assert(boxes.get("terminating.stopping")!.lines.some(({ text }) => text.startsWith("↻ pod.deletionAsked")));
});

Deno.test("chartSvg draws every state and every transition of every machine where its layout says", async () => {
  for (const machine of await shippedMachines()) {
    const chart = chartOf(machine);
    const layout = layoutOf(machine);
    assertEquals(layout.hash, layoutHash(chart.hash));
    const svg = chartSvg(chart, layout);
    const { boxes, arrows } = chartParts(chart);
    for (const path of boxes.keys()) assertStringIncludes(svg, `data-state="${path}"`);
    for (const { labels } of arrows) {
      for (const { transition } of labels) assertStringIncludes(svg, `data-transition="${transition}"`);
    }
  }
});

Deno.test("layouts keep a state inside the state around it and apart from its siblings", async () => {
  for (const machine of await shippedMachines()) {
    const chart = chartOf(machine);
    for (const layout of [layoutOf(machine), plainLayout(chart)]) {
      for (const { state, parent } of chartParts(chart).boxes.values()) {
        const [x, y, width, height] = layout.boxes[state.path]!;
        if (parent !== undefined) {
          const [left, top, across, down] = layout.boxes[parent]!;
          assert(x >= left && y >= top && x + width <= left + across && y + height <= top + down, state.path);
        }
        const inner = state.states.map(({ path }) => layout.boxes[path]!);
        for (const [index, a] of inner.entries()) {
          for (const b of inner.slice(index + 1)) {
            const apart = a[0] + a[2] <= b[0] || b[0] + b[2] <= a[0] || a[1] + a[3] <= b[1] || b[1] + b[3] <= a[1];
            assert(apart, `${chart.id}: two states below "${state.path}" overlap`);
          }
        }
      }
    }
  }
});

Deno.test("layouts route arrows in horizontal and vertical pieces", async () => {
  for (const machine of await shippedMachines()) {
    const chart = chartOf(machine);
    for (const { line } of Object.values(layoutOf(machine).arrows)) {
      for (let i = 2; i < line.length; i += 2) {
        const across = Math.abs(line[i]! - line[i - 2]!);
        const down = Math.abs(line[i + 1]! - line[i - 1]!);
        assert(Math.min(across, down) <= 1, `${chart.id}: ${line}`);
      }
    }
  }
});

Deno.test("chartSvg lights active states with the states around them, and what was taken", () => {
  const svg = chartSvg(pod, layoutOf(podMachine), { active: ["active.preparing.volumes.backOff"], taken: [4] });
  const lit = [...svg.matchAll(/class="state [^"]*\bactive\b[^"]*" data-state="([^"]*)"/g)].map(([, path]) => path);
  assertEquals(lit, ["", "active", "active.preparing", "active.preparing.volumes", "active.preparing.volumes.backOff"]);
  assertEquals([...svg.matchAll(/<text class="[^"]* taken"/g)].length, 1);
});

Deno.test("chartSvg stands alone by default: no reference to anything outside, its own style", () => {
  const svg = chartSvg(pod, plainLayout(pod));
  assertStringIncludes(svg, "<style>");
  assertEquals([...svg.matchAll(/href|url\(|style="/g)].length, 0);
});
