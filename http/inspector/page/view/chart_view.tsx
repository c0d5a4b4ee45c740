/** The chart: drawn once, then lit. Pan by dragging or arrow keys, zoom by wheel, + and -, fit by 0. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ChartDefinition } from "../../../../ports/inspection.ts";
import { type ChartLayout, layoutHash } from "../chart/chart_layout.ts";
import { chartSvg, withAncestors } from "../chart/chart_svg.ts";
import { plainLayout } from "../chart/plain_layout.ts";

interface Lit {
  readonly states: readonly string[];
  readonly taken: readonly number[];
  readonly orders: readonly string[];
}

const layouts = new Map<string, Promise<ChartLayout>>();
const engineMs = 8000;

/** As shipped with the page; else by the engine, in a worker, within a deadline; else plainly. */
function layoutOf(key: string, chart: ChartDefinition): Promise<ChartLayout> {
  let layout = layouts.get(key);
  if (layout === undefined) layouts.set(key, layout = findLayout(key, chart));
  return layout;
}

async function findLayout(key: string, chart: ChartDefinition): Promise<ChartLayout> {
  const response = await fetch(`assets/layouts/${encodeURIComponent(key)}.json`);
  if (response.ok) {
    const layout = await response.json() as ChartLayout;
    if (layout.hash === layoutHash(chart.hash)) return layout;
  }
  return await new Promise((resolve) => {
    const worker = new Worker("assets/layout_worker.js");
    const done = (layout: ChartLayout) => {
      clearTimeout(deadline);
      worker.terminate();
      resolve(layout);
    };
    const deadline = setTimeout(() => done(plainLayout(chart)), engineMs);
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = () => done(plainLayout(chart));
    worker.postMessage(chart);
  });
}

export function ChartView({ name, chart, lit }: { name: string; chart: ChartDefinition; lit: Lit }) {
  const stage = useRef<HTMLDivElement>(null);
  const [layout, setLayout] = useState<ChartLayout>();
  const view = useRef({ x: 0, y: 0, scale: 1 });
  useEffect(() => {
    setLayout(undefined);
    layoutOf(name, chart).then(setLayout);
  }, [name]);
  const svg = () => stage.current?.querySelector("svg");
  const place = () => {
    const { x, y, scale } = view.current;
    const box = stage.current;
    if (box === null) return;
    svg()?.setAttribute("viewBox", `${x} ${y} ${box.clientWidth / scale} ${box.clientHeight / scale}`);
  };
  const zoom = (by: number, atX?: number, atY?: number) => {
    const box = stage.current!;
    const [px, py] = [atX ?? box.clientWidth / 2, atY ?? box.clientHeight / 2];
    const { x, y, scale } = view.current;
    const next = Math.min(4, Math.max(0.08, scale * by));
    view.current = { x: x + px / scale - px / next, y: y + py / scale - py / next, scale: next };
    place();
  };
  const show = (x: number, y: number, width: number, height: number, most: number) => {
    const box = stage.current!;
    const scale = Math.min(most, box.clientWidth / (width + 24), box.clientHeight / (height + 24));
    view.current = {
      x: x + width / 2 - box.clientWidth / scale / 2,
      y: y + height / 2 - box.clientHeight / scale / 2,
      scale,
    };
    place();
  };
  const fit = () => layout !== undefined && show(0, 0, layout.width, layout.height, 1.4);
  /** The innermost active states, as large as can be read with what is around them. */
  const focus = () => {
    if (layout === undefined) return;
    const all = lit.states.flatMap((path) => layout.boxes[path] ?? []);
    const boxes = lit.states.map((path) => layout.boxes[path]).filter((box) => box !== undefined);
    if (all.length === 0) return fit();
    const left = Math.min(...boxes.map(([x]) => x));
    const top = Math.min(...boxes.map(([, y]) => y));
    const right = Math.max(...boxes.map(([x, , width]) => x + width));
    const bottom = Math.max(...boxes.map(([, y, , height]) => y + height));
    show(left - 160, top - 120, right - left + 320, bottom - top + 240, 1);
  };
  useEffect(() => {
    if (layout === undefined || stage.current === null) return;
    stage.current.innerHTML = chartSvg(chart, layout, { standalone: false, title: `Chart of ${chart.id}` });
    svg()!.setAttribute("width", "100%");
    svg()!.setAttribute("height", "100%");
    light(stage.current, lit);
    if (layout.width * 0.45 > stage.current.clientWidth) focus();
    else fit();
  }, [layout]);
  useEffect(() => {
    if (stage.current !== null) light(stage.current, lit);
  });
  const drag = useRef<{ x: number; y: number } | undefined>(undefined);
  const keys: Record<string, () => void> = {
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    "0": () => fit(),
    "f": focus,
    ArrowLeft: () => move(-60, 0),
    ArrowRight: () => move(60, 0),
    ArrowUp: () => move(0, -60),
    ArrowDown: () => move(0, 60),
  };
  const move = (x: number, y: number) => {
    const { scale } = view.current;
    view.current = { ...view.current, x: view.current.x + x / scale, y: view.current.y + y / scale };
    place();
  };
  const save = () => {
    const text = chartSvg(chart, layout!, { active: lit.states, taken: lit.taken });
    saveFile(`${chart.id}.svg`, "image/svg+xml", text);
  };
  return (
    <section class="chart-frame" aria-label={`Chart of ${chart.id}`}>
      <div class="chart-tools" role="toolbar" aria-label="Chart">
        <button type="button" onClick={() => zoom(1.25)} aria-label="Zoom in">+</button>
        <button type="button" onClick={() => zoom(0.8)} aria-label="Zoom out">−</button>
        <button type="button" onClick={fit}>Fit</button>
        <button type="button" onClick={focus}>Where it is</button>
        <button type="button" onClick={save} disabled={layout === undefined}>Save SVG</button>
      </div>
      <div
        ref={stage}
        class="chart-stage"
        tabIndex={0}
        role="application"
        aria-label="Chart: arrow keys move it, plus and minus zoom, 0 fits, f shows where it is"
        onKeyDown={(event) => {
          const act = keys[event.key];
          if (act === undefined) return;
          event.preventDefault();
          act();
        }}
        onWheel={(event) => {
          event.preventDefault();
          const { left, top } = event.currentTarget.getBoundingClientRect();
          zoom(event.deltaY < 0 ? 1.12 : 0.89, event.clientX - left, event.clientY - top);
        }}
        onPointerDown={(event) => {
          drag.current = { x: event.clientX, y: event.clientY };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          if (drag.current === undefined) return;
          move(drag.current.x - event.clientX, drag.current.y - event.clientY);
          drag.current = { x: event.clientX, y: event.clientY };
        }}
        onPointerUp={() => drag.current = undefined}
      />
    </section>
  );
}

function light(stage: HTMLElement, { states, taken, orders }: Lit): void {
  const active = withAncestors(states);
  const steps = new Set(taken.map(String));
  const given = new Set(orders);
  for (const element of stage.querySelectorAll<SVGElement>("[data-state]")) {
    element.classList.toggle("active", active.has(element.dataset["state"]!));
  }
  const arrows = new Set<string>();
  for (const element of stage.querySelectorAll<SVGElement>("text[data-transition]")) {
    const lit = steps.has(element.dataset["transition"]!);
    element.classList.toggle("taken", lit);
    const arrow = (element.parentElement as unknown as SVGElement | null)?.dataset["label"];
    if (lit && arrow !== undefined) arrows.add(arrow);
  }
  for (const element of stage.querySelectorAll<SVGElement>("[data-arrow]")) {
    element.classList.toggle("taken", arrows.has(element.dataset["arrow"]!));
  }
  for (const element of stage.querySelectorAll<SVGElement>("[data-orders]")) {
    const isActive = element.closest(".state")?.classList.contains("active") ?? false;
    element.classList.toggle(
      "under-way",
      isActive && element.dataset["orders"]!.split(" ").some((order) => given.has(order)),
    );
  }
}

export function saveFile(name: string, type: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
