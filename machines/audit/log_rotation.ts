/** When a log is put aside, under which name, and which of those that were are thrown away. */

export interface RotationLimits {
  /** 0: no limit. */
  readonly maxBytes: number;
  /** 0: no limit. */
  readonly maxFiles: number;
  /** 0: no limit. */
  readonly maxAgeDays: number;
}

const dayMs = 86_400_000;

/** A batch is never divided, and goes into an empty log however large it is. */
export function isFull(size: number, added: number, { maxBytes }: RotationLimits): boolean {
  return maxBytes > 0 && size > 0 && size + added > maxBytes;
}

/** `audit.log`, put aside at a time, is `audit-2026-01-02T15-04-05.678.log`. */
export function putAsideName(name: string, wallTime: number): string {
  const { stem, extension } = parts(name);
  return `${stem}-${new Date(wallTime).toISOString().slice(0, 23).replaceAll(":", "-")}${extension}`;
}

/** Of the names in a log's directory those that go. Others' files are never among them. */
export function expired(
  name: string,
  present: readonly string[],
  wallTime: number,
  { maxFiles, maxAgeDays }: RotationLimits,
): string[] {
  const aside = present.flatMap((each) => {
    const time = timeOf(name, each);
    return time === undefined ? [] : [{ name: each, time }];
  }).sort((a, b) => b.time - a.time);
  return aside.filter(({ time }, index) =>
    (maxFiles > 0 && index >= maxFiles) || (maxAgeDays > 0 && time < wallTime - maxAgeDays * dayMs)
  ).map(({ name }) => name);
}

function parts(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? { stem: name, extension: "" } : { stem: name.slice(0, dot), extension: name.slice(dot) };
}

function timeOf(name: string, other: string): number | undefined {
  const { stem, extension } = parts(name);
  if (!other.startsWith(`${stem}-`) || !other.endsWith(extension)) return undefined;
  const middle = other.slice(stem.length + 1, other.length - extension.length);
  const [, day, ...time] = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(middle) ?? [];
  return day === undefined ? undefined : Date.parse(`${day}T${time.join(":")}Z`);
}
