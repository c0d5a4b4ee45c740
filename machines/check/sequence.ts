/** A run as a sequence diagram: who tells whom what, in Mermaid's words and as a picture. */
import type { Move, SystemModel } from "./system_model.ts";
import { replaySystem, sayLocal, sayMove } from "./system_story.ts";

/** One line of a diagram. */
interface Line {
  readonly from: string;
  /** The same as `from`: something that happens to it alone. */
  readonly to: string;
  readonly text: string;
  /** Where its receiver is afterwards. */
  readonly then: string;
}

export interface Run {
  readonly moves: readonly Move[];
  /** What then goes on for ever. */
  readonly cycle: readonly Move[];
}

const most = 90;
const shortened = (text: string) => text.length > most ? `${text.slice(0, most - 1)}…` : text;

function linesOf(model: SystemModel, { moves, cycle }: Run): { readonly names: string[]; readonly lines: Line[] } {
  const played = replaySystem(model, [...moves, ...cycle]);
  const lines = played.slice(1).map(({ happening: { move }, state }): Line => {
    const actor = "actor" in move ? move.actor : "network";
    const local = state.locals.find(({ name }) => name === actor);
    const then = local === undefined || move.do === "lose" || move.do === "duplicate" ? "" : sayLocal(local);
    const isMessage = move.do === "deliver" || move.do === "lose" || move.do === "duplicate";
    const from = isMessage ? move.message.from : actor;
    const text = isMessage
      ? (move.do === "deliver" ? "" : move.do === "lose" ? "lost: " : "doubled: ") +
        sayMove(move).replace(/^.*?-> .*?: /, "")
      : sayMove(move).replace(`${actor}: `, "");
    return { from, to: actor, text: shortened(text), then: then === "here" ? "" : shortened(then) };
  });
  const names = model.actors.map(({ name }) => name);
  const others = lines.flatMap(({ from, to }) => [from, to]).filter((name) => !names.includes(name));
  return { names: [...names, ...new Set(others)], lines };
}

/** For https://mermaid.js.org, and for Markdown that shows it. */
export function mermaidOf(model: SystemModel, run: Run): string {
  const { names, lines } = linesOf(model, run);
  const id = (name: string) => `p${names.indexOf(name)}`;
  // A semicolon ends a statement there, and "#" begins an escape.
  const plain = (text: string) => text.replaceAll("#", "#35;").replaceAll(";", "#59;");
  const said = lines.flatMap(({ from, to, text, then }, index) => [
    ...(index === run.moves.length - 1 && run.cycle.length > 0 ? ["  loop for ever"] : []),
    from === to ? `  Note over ${id(to)}: ${plain(text)}` : `  ${id(from)}->>${id(to)}: ${plain(text)}`,
    ...(then === "" ? [] : [`  Note right of ${id(to)}: ${plain(then)}`]),
  ]);
  const end = run.cycle.length > 0 ? ["  end"] : [];
  return ["sequenceDiagram", ...names.map((name) => `  participant ${id(name)} as ${plain(name)}`), ...said, ...end]
    .join("\n") + "\n";
}

const layout = { left: 60, column: 230, top: 50, line: 44 } as const;

/** A picture that stands for itself: no style sheet, no script. */
export function svgOf(model: SystemModel, run: Run): string {
  const { names, lines } = linesOf(model, run);
  const x = (name: string) => layout.left + names.indexOf(name) * layout.column + layout.column / 2;
  const y = (index: number) => layout.top + (index + 1) * layout.line;
  const width = layout.left * 2 + names.length * layout.column;
  const height = y(lines.length) + 20;
  const parts = names.map((name) =>
    `<line x1="${x(name)}" y1="${layout.top}" x2="${x(name)}" y2="${height - 20}" class="life"/>` +
    `<text x="${x(name)}" y="${layout.top - 16}" class="name">${escaped(name)}</text>`
  );
  for (const [index, { from, to, text, then }] of lines.entries()) {
    const [start, end, at] = [x(from), x(to), y(index)];
    const isInCycle = index >= run.moves.length - 1;
    if (isInCycle && run.cycle.length > 0) {
      parts.push(`<rect x="4" y="${at - 26}" width="${width - 8}" height="${layout.line}" class="round"/>`);
    }
    parts.push(`<text x="14" y="${at}" class="number">${index + 2}</text>`);
    if (from === to) parts.push(`<circle cx="${end}" cy="${at}" r="4"/>`);
    else parts.push(`<line x1="${start}" y1="${at}" x2="${end}" y2="${at}" class="arrow" marker-end="url(#head)"/>`);
    const middle = from === to ? end + 8 : (start + end) / 2;
    parts.push(`<text x="${middle}" y="${at - 6}" class="${from === to ? "own" : "said"}">${escaped(text)}</text>`);
    if (then !== "") parts.push(`<text x="${end + 8}" y="${at + 12}" class="then">${escaped(then)}</text>`);
  }
  const style = "text{font:12px sans-serif}.name{font-weight:bold;text-anchor:middle}.said{text-anchor:middle}" +
    ".then,.number{fill:#777;font-size:11px}.life{stroke:#bbb;stroke-dasharray:4}.arrow{stroke:#235}.round{fill:#fed;fill-opacity:.5}";
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<style>${style}</style><defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" ` +
    `markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#235"/></marker></defs>\n${
      parts.join("\n")
    }\n</svg>\n`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
