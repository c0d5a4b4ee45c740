/** Durations as Go writes them: `1h0m0s`, `1.5s`, `100ms`. */
export function durationText(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  const sign = nanoseconds < 0 ? "-" : "";
  const size = Math.abs(nanoseconds);
  if (size < 1e9) {
    const [unit, name] = size < 1e3 ? [1, "ns"] : size < 1e6 ? [1e3, "µs"] : [1e6, "ms"];
    return `${sign}${Number((size / (unit as number)).toFixed(6))}${name}`;
  }
  const seconds = Math.floor(size / 1e9);
  const fraction = String(size % 1e9).padStart(9, "0").replace(/0+$/, "");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const head = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : "";
  return `${sign}${head}${seconds % 60}${fraction === "" ? "" : `.${fraction}`}s`;
}

const unitNanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "µs": 1e3,
  "μs": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};

/** @returns Nanoseconds, or undefined for what is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (match === null) return undefined;
  let total = 0;
  for (const [, number, unit = ""] of (match[2] ?? "").matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(number) * (unitNanoseconds[unit] ?? 0);
  }
  return match[1] === "-" ? -total : total;
}
