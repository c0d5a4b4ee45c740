/** Cron schedules: five fields, names of months and weekdays, `@daily` and the like, in the words of Kubernetes' parser. */

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: Readonly<Record<string, number>>;
}

const months = Object.fromEntries(
  ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"].map((
    name,
    index,
  ) => [name, index + 1]),
);
const weekdays = Object.fromEntries(
  ["sun", "mon", "tue", "wed", "thu", "fri", "sat"].map((name, index) => [name, index]),
);

const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: weekdays },
];

const descriptors = new Set(["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"]);

/** A number, or the parser's complaint. */
function number(text: string): number | string {
  if (!/^[+-]?\d+$/.test(text)) {
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  }
  const value = Number(text);
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}

function named(text: string, { names }: Bounds): number | string {
  return names?.[text.toLowerCase()] ?? number(text);
}

function rangeError(expression: string, limits: Bounds): string | undefined {
  const parts = expression.split("/");
  const span = (parts[0] ?? "").split("-");
  const single = span.length === 1;
  let start: number;
  let end: number;
  if (span[0] === "*" || span[0] === "?") [start, end] = [limits.min, limits.max];
  else {
    const low = named(span[0] ?? "", limits);
    if (typeof low === "string") return low;
    if (span.length > 2) return `too many hyphens: ${expression}`;
    const high = single ? low : named(span[1] ?? "", limits);
    if (typeof high === "string") return high;
    [start, end] = [low, high];
  }
  let step = 1;
  if (parts.length > 2) return `too many slashes: ${expression}`;
  if (parts.length === 2) {
    const given = number(parts[1] ?? "");
    if (typeof given === "string") return given;
    step = given;
    if (single) end = limits.max;
  }
  if (start < limits.min) return `beginning of range (${start}) below minimum (${limits.min}): ${expression}`;
  if (end > limits.max) return `end of range (${end}) above maximum (${limits.max}): ${expression}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${expression}`;
  return step === 0 ? `step of range should be a positive number: ${expression}` : undefined;
}

/** Why a schedule cannot be read; undefined for a good one. */
export function cronError(schedule: string): string | undefined {
  if (schedule.startsWith("@")) {
    if (descriptors.has(schedule)) return undefined;
    if (schedule.startsWith("@every ")) {
      const duration = schedule.slice("@every ".length);
      return /^([0-9.]+(ns|us|µs|ms|s|m|h))+$/.test(duration)
        ? undefined
        : `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(duration)}`;
    }
    return `unrecognized descriptor: ${schedule}`;
  }
  const given = schedule.split(/\s+/).filter((each) => each !== "");
  if (given.length !== bounds.length) return `expected exactly 5 fields, found ${given.length}: [${given.join(" ")}]`;
  for (const [index, limits] of bounds.entries()) {
    for (const expression of (given[index] ?? "").split(",").filter((each) => each !== "")) {
      const error = rangeError(expression, limits);
      if (error !== undefined) return error;
    }
  }
  return undefined;
}

/** Whether the name is a time zone, exactly as it is written in the zone data. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return !/^[+-]/.test(name);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
