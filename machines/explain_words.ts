/** Durations and events in few words. */
import type { EventObject } from "xstate";

const units: readonly [name: string, ms: number][] = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], [
  "s",
  1000,
]];

/** The two largest units: `3 h 12 min`, `9 s`, `250 ms`; below ten seconds with a tenth. */
export function duration(milliseconds: number): string {
  const rounded = Math.max(0, Math.round(milliseconds));
  if (rounded < 1000) return `${rounded} ms`;
  if (rounded < 10_000) return `${Number((Math.floor(rounded / 100) / 10).toFixed(1))} s`;
  const first = units.findIndex(([, ms]) => rounded >= ms);
  const [name, ms] = units[first]!;
  const whole = `${Math.floor(rounded / ms)} ${name}`;
  const next = units[first + 1];
  const rest = next === undefined ? 0 : Math.floor((rounded % ms) / next[1]);
  return rest === 0 ? whole : `${whole} ${rest} ${next![0]}`;
}

const longest = 100;

/** The event's type and what else it says, cut short. */
export function shortEvent({ type, ...params }: EventObject): string {
  if (type === "xstate.init") return "its start";
  const name = type.startsWith("xstate.after.") ? "a delay" : type;
  const said = Object.keys(params).length === 0 ? "" : ` ${JSON.stringify(params)}`;
  return name + (said.length > longest ? `${said.slice(0, longest - 1)}…` : said);
}
