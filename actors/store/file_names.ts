/** The names of the files in a store's directory. Sorted by name is sorted by age. */

export const lockName = "lock";

/** `number` counts the segments of the directory; `firstIndex` is the first entry that may be in it. */
export function segmentName(number: number, firstIndex: number): string {
  return `${pad(number, 10)}-${pad(firstIndex, 16)}.log`;
}

/** What the name of a segment says. */
export function segmentPlace(name: string): { number: number; firstIndex: number } {
  return { number: Number(name.slice(0, 10)), firstIndex: Number(name.slice(11, 27)) };
}

export function snapshotName(index: number, term: number): string {
  return `${pad(index, 16)}-${pad(term, 10)}.snapshot`;
}

/** A file that is being written; worth nothing until it gets its real name. */
export function draftName(name: string): string {
  return `${name}.draft`;
}

export function isSegment(name: string): boolean {
  return /^\d{10}-\d{16}\.log$/.test(name);
}

export function isSnapshot(name: string): boolean {
  return /^\d{16}-\d{10}\.snapshot$/.test(name);
}

export function isDraft(name: string): boolean {
  return name.endsWith(".draft");
}

/** The index a snapshot stands for. */
export function snapshotIndex(name: string): number {
  return Number(name.slice(0, 16));
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
