/** Times as Go reads them (RFC 3339), with Go's error texts, written back in UTC as Kubernetes does. */

export class TimeError extends Error {
  override name = "TimeError";
}

const plain = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
const plainMicro = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;
const layoutSeconds = "2006-01-02T15:04:05Z07:00";
const layoutMicros = "2006-01-02T15:04:05.000000Z07:00";

/** Whole seconds, UTC. @throws TimeError in Go's words. */
export function readTime(text: string): string {
  return plain.test(text) ? text : convert(text, layoutSeconds, false);
}

/** Six decimals, UTC. @throws TimeError in Go's words. */
export function readMicroTime(text: string): string {
  return plainMicro.test(text) ? text : convert(text, layoutMicros, true);
}

interface Parts {
  readonly element: string;
  readonly pattern: RegExp;
  readonly range?: readonly [number, number, string];
}

const two = /^\d\d/;
const elements: readonly (string | Parts)[] = [
  { element: "2006", pattern: /^\d{4}/ },
  "-",
  { element: "01", pattern: two, range: [1, 12, "month"] },
  "-",
  { element: "02", pattern: two, range: [1, 31, "day"] },
  "T",
  { element: "15", pattern: two, range: [0, 23, "hour"] },
  ":",
  { element: "04", pattern: two, range: [0, 59, "minute"] },
  ":",
  { element: "05", pattern: two, range: [0, 59, "second"] },
];

function convert(text: string, layout: string, micro: boolean): string {
  const bad = (rest: string, element: string) =>
    new TimeError(
      `parsing time ${JSON.stringify(text)} as "${layout}": cannot parse ${JSON.stringify(rest)} as "${element}"`,
    );
  const outside = (what: string) => new TimeError(`parsing time ${JSON.stringify(text)}: ${what} out of range`);
  let rest = text;
  let late: string | undefined;
  const numbers: number[] = [];
  for (const part of elements) {
    if (typeof part === "string") {
      if (!rest.startsWith(part)) throw bad(rest, part);
      rest = rest.slice(part.length);
      continue;
    }
    const digits = part.pattern.exec(rest)?.[0];
    if (digits === undefined) throw bad(rest, part.element);
    const number = Number(digits);
    rest = rest.slice(digits.length);
    if (part.range !== undefined && (number < part.range[0] || number > part.range[1])) {
      // Go looks at the day only when all else was read.
      if (part.element !== "02") throw outside(part.range[2]);
      late = part.range[2];
    }
    numbers.push(number);
  }
  const fraction = micro ? /^[.,]\d{6}/.exec(rest)?.[0] : /^[.,]\d+/.exec(rest)?.[0] ?? "";
  if (fraction === undefined) throw bad(rest, ".000000");
  rest = rest.slice(fraction.length);
  const zone = /^(?:Z|[+-]\d\d:\d\d)/.exec(rest)?.[0];
  if (zone === undefined) throw bad(rest, "Z07:00");
  rest = rest.slice(zone.length);
  if (rest !== "") throw new TimeError(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers;
  if (late !== undefined || day > daysIn(year, month)) throw outside("day");
  const minutesEast = zone === "Z"
    ? 0
    : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  const utc = utcText(year, month, day, hour, minute - minutesEast, second);
  return micro ? `${utc}.${fraction.slice(1)}Z` : `${utc}Z`;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 31;
}

/** `2006-01-02T15:04:05` of a UTC time given in parts; minutes may overflow. */
function utcText(year: number, month: number, day: number, hour: number, minute: number, second: number): string {
  return secondsText(daysFromEpoch(year, month, day) * 86400 + hour * 3600 + minute * 60 + second);
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar. */
function daysFromEpoch(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

/** `2006-01-02T15:04:05` of seconds since 1970, UTC. */
export function secondsText(seconds: number): string {
  const days = Math.floor(seconds / 86400);
  const left = seconds - days * 86400;
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1;
  const month = monthIndex + (monthIndex < 10 ? 3 : -9);
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const pad = (number: number, width = 2) => String(number).padStart(width, "0");
  const clock = `${pad(Math.floor(left / 3600))}:${pad(Math.floor(left / 60) % 60)}:${pad(left % 60)}`;
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}T${clock}`;
}

/** Seconds since 1970 of a time this module wrote. */
export function secondsOf(text: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)/.exec(text) ?? [];
  const days = daysFromEpoch(Number(year), Number(month), Number(day));
  return days * 86400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second);
}
