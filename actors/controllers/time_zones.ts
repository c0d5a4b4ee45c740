/** The time zones of the world as the runtime knows them. */
const formats = new Map<string, Intl.DateTimeFormat | undefined>();

/** How far a zone's clocks are from UTC at a moment, in ms; undefined for a zone that nobody knows. */
export function zoneOffset(zone: string, at: number): number | undefined {
  if (!formats.has(zone)) formats.set(zone, formatOf(zone));
  const parts = formats.get(zone)?.formatToParts(at);
  if (parts === undefined) return undefined;
  // "GMT+05:45", "GMT-03:30:52" or "GMT".
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  const [, sign, hours, minutes, seconds = "0"] = /^GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name) ?? [];
  if (hours === undefined || minutes === undefined) return 0;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
