/** Cron schedules: which minutes they name, in which time zone (Kubernetes docs, "CronJob", schedule syntax). */
import { formatTime } from "../../objects/time.ts";

/** How far the zone's clocks are from UTC at a moment, in ms; undefined for a zone that nobody knows. */
export type ZoneOffset = (zone: string, at: number) => number | undefined;

interface Fields {
  readonly minute: ReadonlySet<number>;
  readonly hour: ReadonlySet<number>;
  readonly dayOfMonth: ReadonlySet<number>;
  readonly month: ReadonlySet<number>;
  readonly dayOfWeek: ReadonlySet<number>;
  /** Both days are restricted: either is enough. */
  readonly eitherDay: boolean;
}

export type Schedule = { readonly everyMs: number } | Fields;

const names = {
  month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  day: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

const descriptors: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Undefined for what is no schedule. */
export function parseSchedule(text: string): Schedule | undefined {
  if (text.startsWith("@every ")) return every(text.slice("@every ".length).trim());
  const fields = (descriptors[text] ?? text).trim().split(/\s+/);
  if (fields.length !== 5) return undefined;
  const [minute, hour, dayOfMonth, month, dayOfWeek] = [
    setOf(fields[0]!, 0, 59, [], 0),
    setOf(fields[1]!, 0, 23, [], 0),
    setOf(fields[2]!, 1, 31, [], 0),
    setOf(fields[3]!, 1, 12, names.month, 1),
    setOf(fields[4]!, 0, 6, names.day, 0),
  ];
  if (!minute || !hour || !dayOfMonth || !month || !dayOfWeek) return undefined;
  const eitherDay = !isStar(fields[2]!) && !isStar(fields[4]!);
  return { minute, hour, dayOfMonth, month, dayOfWeek, eitherDay };
}

function every(duration: string): Schedule | undefined {
  let everyMs = 0;
  let rest = duration;
  for (let match; (match = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/.exec(rest)) !== null;) {
    everyMs += Number(match[1]) * unitMs[match[2]!]!;
    rest = rest.slice(match[0].length);
  }
  if (rest !== "" || duration === "") return undefined;
  return { everyMs: Math.max(1000, Math.floor(everyMs / 1000) * 1000) };
}

function isStar(field: string): boolean {
  return field.split(",").some((part) => /^[*?](\/1)?$/.test(part));
}

function setOf(field: string, low: number, high: number, words: readonly string[], base: number) {
  const found = new Set<number>();
  const number = (text: string) => {
    const word = words.indexOf(text.toLowerCase());
    return word >= 0 ? word + base : /^\d+$/.test(text) ? Number(text) : NaN;
  };
  for (const part of field.split(",")) {
    const [range = "", step, ...more] = part.split("/");
    const [first = "", last, ...rest] = range.split("-");
    const all = (first === "*" || first === "?") && last === undefined;
    const start = all ? low : number(first);
    const end = all || (last === undefined && step !== undefined) ? high : number(last ?? first);
    const by = step === undefined ? 1 : number(step);
    const valid = more.length + rest.length === 0 && start >= low && end <= high && start <= end && by >= 1;
    if (!valid) return undefined;
    for (let value = start; value <= end; value += by) found.add(value);
  }
  return found;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** 29 February on a given weekday comes back within 40 years at the latest; nothing else takes as long. */
const farthestDays = 366 * 40;

/** The first moment after `after`; undefined where there is none. */
export function nextRun(schedule: Schedule, after: number, offset: (at: number) => number): number | undefined {
  if ("everyMs" in schedule) return Math.floor((after + schedule.everyMs) / 1000) * 1000;
  const today = Math.floor((after + offset(after)) / dayMs);
  for (let day = today - 1; day < today + farthestDays; day++) {
    const found = momentsOf(schedule, day, offset).find((at) => at > after);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The last moment after `after` and not after `until`; undefined where there is none. */
export function lastRun(
  schedule: Schedule,
  after: number,
  until: number,
  offset: (at: number) => number,
): number | undefined {
  if ("everyMs" in schedule) {
    const runs = Math.floor((until - after) / schedule.everyMs);
    return runs < 1 ? undefined : Math.floor((after + runs * schedule.everyMs) / 1000) * 1000;
  }
  const first = Math.floor((after + offset(after)) / dayMs) - 1;
  for (let day = Math.floor((until + offset(until)) / dayMs) + 1; day >= first; day--) {
    const found = momentsOf(schedule, day, offset).findLast((at) => at > after && at <= until);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The moments of a day of the zone, in order. Where clocks are put forward, minutes that are left out do not come; where
 * they are put back, minutes that come twice count twice.
 */
function momentsOf(fields: Fields, day: number, offset: (at: number) => number): number[] {
  if (!namesDay(fields, day)) return [];
  const start = day * dayMs;
  const [before, later] = [offset(start - dayMs), offset(start + 2 * dayMs)];
  const moments = new Set<number>();
  for (const hour of fields.hour) {
    for (const minute of fields.minute) {
      const local = start + (hour * 60 + minute) * minuteMs;
      for (const each of before === later ? [before] : [before, later]) {
        if (before === later || offset(local - each) === each) moments.add(local - each);
      }
    }
  }
  return [...moments].sort((a, b) => a - b);
}

function namesDay({ dayOfMonth, month, dayOfWeek, eitherDay }: Fields, day: number): boolean {
  const date = formatTime(day * dayMs);
  if (!month.has(Number(date.slice(5, 7)))) return false;
  const inMonth = dayOfMonth.has(Number(date.slice(8, 10)));
  // 1 January 1970 was a Thursday.
  const inWeek = dayOfWeek.has((((day + 4) % 7) + 7) % 7);
  return eitherDay ? inMonth || inWeek : inMonth && inWeek;
}
