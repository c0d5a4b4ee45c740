/**
 * How a chart looks; in a file of its own and in the page alike. Colours are variables, so that the page sets them for
 * light and dark, and a file follows its reader's preference.
 */
const light = {
  paper: "#ffffff",
  "box-even": "#ffffff",
  "box-odd": "#f6f7f9",
  border: "#8b93a1",
  ink: "#1c2430",
  dim: "#5b6472",
  arrow: "#6f7886",
  timer: "#8a5300",
  lit: "#0b5fd0",
  "lit-box": "#e3eeff",
  taken: "#b3261e",
};

const dark: Record<keyof typeof light, string> = {
  paper: "#14181f",
  "box-even": "#14181f",
  "box-odd": "#1c222b",
  border: "#6b7585",
  ink: "#e8ecf2",
  dim: "#a3adbb",
  arrow: "#8792a2",
  timer: "#e0a458",
  lit: "#79b0ff",
  "lit-box": "#1b3152",
  taken: "#ff8a80",
};

const variables = (colours: Record<string, string>) =>
  Object.entries(colours).map(([name, colour]) => `--chart-${name}:${colour}`).join(";");

export const chartColours = `:root{${variables(light)}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${variables(dark)}}}
:root[data-theme=dark]{${variables(dark)}}`;

export const chartRules = `
.chart text{fill:var(--chart-ink);font:11px ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
.chart text.name{font:600 13px system-ui,"Segoe UI",Helvetica,Arial,"DejaVu Sans",sans-serif}
.chart text.badge{fill:var(--chart-dim);font-style:italic}
.chart text.line,.chart text.label{fill:var(--chart-dim)}
.chart text.label.after{fill:var(--chart-timer)}
.chart .box{fill:var(--chart-box-even);stroke:var(--chart-border);stroke-width:1}
.chart .odd>.box{fill:var(--chart-box-odd)}
.chart .parallel>.box{stroke-dasharray:6 3}
.chart .history>.box{rx:14px}
.chart .rule{stroke:var(--chart-border);stroke-opacity:.35;fill:none}
.chart .arrow .line,.chart .initial .line{fill:none;stroke:var(--chart-arrow);stroke-width:1.2}
.chart .arrow .head,.chart .initial .head,.chart .initial circle{fill:var(--chart-arrow)}
.chart .arrow.always .line{stroke-dasharray:5 3}
.chart .arrow.after .line{stroke:var(--chart-timer)}
.chart .arrow.after .head{fill:var(--chart-timer)}
.chart .labels rect{fill:var(--chart-paper);fill-opacity:.9}
.chart .state.active>.box{stroke:var(--chart-lit);stroke-width:1.6}
.chart .state.active:not(.compound):not(.parallel)>.box{fill:var(--chart-lit-box);stroke-width:2.4}
.chart .state.active>.name{fill:var(--chart-lit)}
.chart .arrow.taken .line{stroke:var(--chart-taken);stroke-width:2.4;stroke-dasharray:none}
.chart .arrow.taken .head{fill:var(--chart-taken)}
.chart text.label.taken,.chart text.line.taken{fill:var(--chart-taken);font-weight:700}
`;

export const chartStyle = `${chartColours}\nsvg.chart{background:var(--chart-paper)}${chartRules}`;
